"""Price report: the daily report in all its formats.

Belongs here: which publication a day reports on, and writing the formats. What the report says is `milk_assets.reporting`.
"""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.defs.common.partitions import days
from milk_assets.defs.common.publication_asset import all_partitions_of
from milk_assets.defs.common.retry_policy import RETRY
from milk_assets.reporting import file_names
from milk_assets.settings import OWNER
from milk_assets.sniim.calendar import expected_between, expected_publications
from milk_assets.stores.lake import ConcurrentChangeError, Lake
from milk_assets.stores.layers import evaluations, forecasts, monitoring, prices
from milk_assets.stores.layers import reports as layer
from milk_assets.stores.layers.track_record import read_track_record
from milk_model.artefact_paths import REPORTS

if TYPE_CHECKING:
    import pandas as pd

    from milk_assets.frames import Backtest
    from milk_assets.reporting.model.report import Provenance, Report


@dg.asset(
    partitions_def=days,
    deps=[all_partitions_of("forecasts")],
    group_name="report",
    kinds={"html", "excel", "csv"},
    owners=[OWNER],
    retry_policy=RETRY,
)
def price_report(context: dg.AssetExecutionContext, lake: Lake, artefacts: Lake) -> dg.MaterializeResult[Any]:
    """The day's report as HTML, XLSX, CSV, JSON and digest: prices and forecasts of the newest publication not after the day.

    Written to the lake and to the store that the endpoint serves, under the day and, when no later day has one, under `latest`.
    """
    from milk_assets.reporting.formats.csv_json import to_csv, to_json
    from milk_assets.reporting.formats.digest import to_digest
    from milk_assets.reporting.formats.html import to_html
    from milk_assets.reporting.formats.spreadsheet import to_xlsx

    day = context.partition_key
    publication = forecasts.LAYER.newest(lake, until=day)
    if publication is None:
        raise dg.Failure(f"there are no forecasts on or before {day}: run the job `forecast` first", allow_retries=False)
    report = gather_report(lake, date.fromisoformat(day), publication)
    digest = to_digest(report)
    has_dashboard = lake.exists(layer.latest_path(file_names.DASHBOARD_PAGE))
    page = to_html(report, dashboard=f"../{layer.LATEST}/{file_names.DASHBOARD_PAGE}" if has_dashboard else None)
    files = {
        file_names.PAGE: page.encode(),
        file_names.SPREADSHEET: to_xlsx(report),
        file_names.TABLE: to_csv(report).encode(),
        file_names.DOCUMENT: to_json(report).encode(),
        file_names.DIGEST: digest.encode(),
    }
    newest = layer.newest_day(lake)
    is_newest = newest is None or day >= newest
    publish(lake, layer.LAYER.name, report, day, files, is_newest=is_newest)
    publish(artefacts, REPORTS, report, day, {**files, file_names.PAGE: to_html(report).encode()}, is_newest=is_newest)
    return dg.MaterializeResult(
        metadata={
            "publication": publication,
            "headline": report.headline,
            "banners": "\n".join(report.banners) or "none",
            "digest": dg.MetadataValue.md("\n\n".join(digest.splitlines())),
            "kilobytes": {name: round(len(content) / 1000, 1) for name, content in files.items()},
            "dagster/uri": lake.uri(layer.LAYER.path(day)),
            "served": artefacts.uri(f"{REPORTS}/{day}/{file_names.PAGE}"),
        }
    )


def gather_report(lake: Lake, day: date, publication: str) -> "Report":
    """Read what a day's report is made of, and build it."""
    from milk_assets.reporting.build_report import build_report

    city_prices = prices.read_prices(lake, publication)
    earlier_forecasts = [key for key in forecasts.LAYER.partitions(lake) if key < publication]
    has_feed_report = monitoring.FEED.has(lake, publication)
    return build_report(
        city_prices,
        prices.read_averages(lake, publication),
        forecasts.read_forecasts(lake, publication),
        day=day,
        publication=date.fromisoformat(publication),
        next_publication=expected_publications(day, 1)[0],
        provenance=gather_provenance(lake, day, publication, city_prices),
        previous_forecasts=forecasts.read_forecasts(lake, earlier_forecasts[-1]) if earlier_forecasts else None,
        restated=monitoring.read_restatements(lake, publication) if has_feed_report else None,
        flagged=monitoring.read_quarantine(lake, publication) if has_feed_report else None,
        track_record=read_track_record(lake, until=publication),
        evaluation=backtest_of_served_model(lake, publication),
    )


def gather_provenance(lake: Lake, day: date, publication: str, city_prices: "pd.DataFrame") -> "Provenance":
    """Where the report's figures come from: workbook, model, coverage, and how late the source is."""
    from milk_assets.reporting.model.report import Provenance

    vintage, source = prices.read_vintage(lake, publication), forecasts.read_source(lake, publication)
    newest_prices = city_prices[city_prices.publication == city_prices.publication.max()]
    missed = [
        expected for expected in expected_between(date.fromisoformat(publication), day) if publication < expected.isoformat()
    ]
    return Provenance(
        workbook=vintage.workbook,
        sha256=vintage.sha256,
        sample=vintage.sample,
        model_version=str(source.version),
        model_alias="champion",
        is_baseline=source.is_baseline,
        trained_through=None if source.is_baseline else date.fromisoformat(source.trained_through),
        covered=int(newest_prices.price.notna().sum()),
        active=city_prices.dropna(subset="price").series.nunique(),
        stale_days=(day - missed[0]).days if missed else 0,
        source_note=vintage.source_note,
    )


def backtest_of_served_model(lake: Lake, publication: str) -> "Backtest | None":
    """Backtested forecasts, from the newest evaluation, of the model that made a publication's forecasts; None before the first."""
    newest = evaluations.LAYER.newest(lake, until=publication)
    if newest is None:
        return None
    evaluation, served = evaluations.read_evaluation(lake, newest), forecasts.read_source(lake, publication).bundle
    roles = {"challenger": evaluation.challenger, "champion": evaluation.champion}
    role = next((role for role, version in roles.items() if version and version.bundle == served), "baseline")
    backtest = evaluations.read_backtest(lake, newest)
    return backtest[backtest.model == role]


def publish(store: Lake, root: str, report: "Report", day: str, files: Mapping[str, bytes], *, is_newest: bool) -> None:
    """Write one report to a store, and add it to the list of reports there."""
    from milk_assets.reporting.formats import archive

    try:
        layer.write_report(
            store,
            root,
            day,
            files,
            is_newest=is_newest,
            change_index=lambda index: archive.with_entry(index, archive.entry(report)),
            index_page=lambda index: archive.to_page(index).encode(),
        )
    except ConcurrentChangeError as error:
        raise dg.Failure(f"the list of reports kept changing ({error}): run the report of {day} again") from error
