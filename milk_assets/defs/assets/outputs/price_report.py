"""The daily price report.

Belongs here: which publication a day reports on, and writing the formats. What the report says is `milk_assets.reporting`'s.
"""

import json
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.defs.assets.data import prices
from milk_assets.defs.assets.models import evaluation, track_record
from milk_assets.defs.assets.monitoring import feed_report
from milk_assets.defs.assets.outputs import forecasts
from milk_assets.defs.common.partitions import days
from milk_assets.defs.common.retry_policy import RETRY
from milk_assets.settings import OWNER
from milk_assets.sniim.calendar import expected_between, expected_publications
from milk_assets.stores.lake import Lake
from milk_model.artefact_paths import REPORTS

if TYPE_CHECKING:
    import pandas as pd

    from milk_assets.reporting.model.report import Provenance, Report

LAYER = "price_report"
LATEST = "latest"  # beside the days: the newest report under names that never change
PAGE = "report.html"
DASHBOARD = "dashboard.html"  # the monitoring page, which its own asset puts beside the newest report
INDEX_TRIES = 5  # reports of several days may be written at once


def path(day: str, file: str = PAGE) -> str:
    """A format of a day's report; `latest` is a day too."""
    return f"{LAYER}/{day}/{file}"


@dg.asset(
    partitions_def=days,
    deps=[dg.AssetDep(forecasts.forecasts, partition_mapping=dg.AllPartitionMapping())],
    group_name="report",
    kinds={"html", "excel", "csv"},
    owners=[OWNER],
    retry_policy=RETRY,
)
def price_report(context: dg.AssetExecutionContext, lake: Lake, artefacts: Lake) -> dg.MaterializeResult[Any]:
    """The day's report as HTML, XLSX, CSV, JSON and a digest: prices and forecasts of the newest publication not after the day.

    Written to the lake and to what the endpoint serves, under the day and, when no later day has one, under `latest`.
    """
    from milk_assets.reporting.formats.archive import entry
    from milk_assets.reporting.formats.csv_json import to_csv, to_json
    from milk_assets.reporting.formats.digest import to_digest
    from milk_assets.reporting.formats.html import to_html
    from milk_assets.reporting.formats.spreadsheet import to_xlsx

    day = context.partition_key
    publication = lake.newest(forecasts.LAYER, forecasts.MADE, until=day)
    if publication is None:
        raise dg.Failure(f"nothing was forecast on or before {day}; run the job `forecast` first", allow_retries=False)
    report = _report(lake, date.fromisoformat(day), publication)
    digest = to_digest(report)
    watched = lake.exists(path(LATEST, DASHBOARD))
    files = {
        PAGE: to_html(report, dashboard=f"../{LATEST}/{DASHBOARD}" if watched else None).encode(),
        "report.xlsx": to_xlsx(report),
        "report.csv": to_csv(report).encode(),
        "report.json": to_json(report).encode(),
        "digest.txt": digest.encode(),
    }
    newest = lake.newest(LAYER, PAGE, until="9999")
    is_newest = newest is None or day >= newest
    _publish(lake, LAYER, day, is_newest, files, entry(report))
    _publish(artefacts, REPORTS, day, is_newest, {**files, PAGE: to_html(report).encode()}, entry(report))
    return dg.MaterializeResult(
        metadata={
            "publication": publication,
            "headline": report.headline,
            "banners": "\n".join(report.banners) or "none",
            "digest": dg.MetadataValue.md("\n\n".join(digest.splitlines())),
            "kilobytes": {name: round(len(content) / 1000, 1) for name, content in files.items()},
            "dagster/uri": lake.uri(path(day)),
            "served": artefacts.uri(f"{REPORTS}/{day}/{PAGE}"),
        }
    )


def _report(lake: Lake, day: date, publication: str) -> "Report":
    from milk_assets.reporting.build_report import build_report

    city_prices, table = prices.read(lake, publication), forecasts.read(lake, publication)
    forecast_before = [key for key in lake.partitions(forecasts.LAYER, forecasts.MADE) if key < publication]
    watched = lake.exists(feed_report.path(publication))
    return build_report(
        city_prices,
        prices.read_averages(lake, publication),
        table,
        day=day,
        publication=date.fromisoformat(publication),
        next_publication=expected_publications(day, 1)[0],
        provenance=_provenance(lake, day, publication, city_prices),
        previous_forecasts=forecasts.read(lake, forecast_before[-1]) if forecast_before else None,
        restated=feed_report.read_restatements(lake, publication) if watched else None,
        flagged=feed_report.read_quarantine(lake, publication) if watched else None,
        track_record=track_record.read(lake, until=publication),
        evaluation=_record(lake, publication),
    )


def _provenance(lake: Lake, day: date, publication: str, city_prices: "pd.DataFrame") -> "Provenance":
    from milk_assets.reporting.model.report import Provenance

    vintage, made = prices.read_vintage(lake, publication), forecasts.read_made(lake, publication)
    newest = city_prices[city_prices.publication == city_prices.publication.max()]
    late = [expected for expected in expected_between(date.fromisoformat(publication), day) if publication < expected.isoformat()]
    return Provenance(
        workbook=vintage["workbook"],
        sha256=vintage["sha256"],
        sample=vintage["sample"],
        model_version=str(made["version"]),
        model_alias="champion",
        is_baseline=made["is_baseline"],
        trained_through=None if made["is_baseline"] else date.fromisoformat(made["trained_through"]),
        covered=int(newest.price.notna().sum()),
        active=city_prices.dropna(subset="price").series.nunique(),
        stale_days=(day - late[0]).days if late else 0,
        source_note=vintage["source_note"],
    )


def _record(lake: Lake, publication: str) -> "pd.DataFrame | None":
    """How the model that made the forecasts did in the newest evaluation that judged it; None before there is one."""
    newest = lake.newest(evaluation.LAYER, evaluation.DECISION, until=publication)
    if newest is None:
        return None
    decided, served = evaluation.read_decision(lake, newest), forecasts.read_made(lake, publication)["bundle"]
    judged = [name for name in ("challenger", "champion") if decided[name] and decided[name]["bundle"] == served]
    table = lake.read_table(evaluation.backtest_path(newest))
    return table[table.model == (judged[0] if judged else "baseline")]


def _publish(store: Lake, root: str, day: str, is_newest: bool, files: Mapping[str, bytes], one: Mapping[str, Any]) -> None:
    """Every format of one report under its day and, if it is the newest, under `latest`, then the list of reports.

    In each folder the page is written last, because it is what readers open. The list is replaced only by who has read it as it is.
    """
    from milk_assets.reporting.formats import archive

    ordered = sorted(files.items(), key=lambda file: file[0] == PAGE)
    for folder in (day, LATEST) if is_newest else (day,):
        for name, content in ordered:
            store.write_bytes(f"{root}/{folder}/{name}", content)
    for _ in range(INDEX_TRIES):
        known = store.read_tagged(f"{root}/{archive.DOCUMENT}")
        document = archive.with_entry(json.loads(known[0]) if known else None, one)
        if store.replace_bytes(f"{root}/{archive.DOCUMENT}", archive.to_json(document).encode(), known[1] if known else None):
            store.write_bytes(f"{root}/{archive.PAGE}", archive.to_page(document).encode())
            return
    raise dg.Failure(f"{store.uri(root)}/{archive.DOCUMENT}: others kept changing it; run the report of {day} again")
