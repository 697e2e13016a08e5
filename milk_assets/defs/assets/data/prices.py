"""Prices: the tidy table of one publication, proven.

Belongs here: the asset, the names of its checks, the facts of a vintage. Reading cells and proving them is `milk_assets.sniim`'s.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.defs.assets.data import workbook as raw
from milk_assets.defs.common import check_names, materialization
from milk_assets.defs.common.partitions import publications
from milk_assets.defs.common.retry_policy import RETRY
from milk_assets.settings import OWNER
from milk_assets.stores.lake import Lake

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from milk_assets.sniim.workbook import Workbook

LAYER = "prices"
VINTAGE = "vintage.json"
COLUMNS = {
    "publication": "date of the block, as the source prints it",
    "series": "key: state/city/milk/channel",
    "price": "MXN per litre, consumer price; null where the source gives none",
    "kept": "why a price is missing: blank or zero",
}


def read(lake: Lake, publication: str) -> "pd.DataFrame":
    """City prices, long: every publication date as known on this one."""
    return lake.read_table(f"{_folder(publication, read_vintage(lake, publication)['sha256'])}/prices.parquet")


def read_averages(lake: Lake, publication: str) -> "pd.DataFrame":
    """The two national averages, apart from the cities."""
    return lake.read_table(f"{_folder(publication, read_vintage(lake, publication)['sha256'])}/averages.parquet")


def _folder(publication: str, sha256: str) -> str:
    """A correction has a folder of its own: the tables of a vintage are never a mixture, whenever a write fails."""
    return f"{LAYER}/{publication}/{sha256[:12]}"


def read_vintage(lake: Lake, publication: str) -> dict[str, Any]:
    """The facts of a proven publication: its workbook's name and sha256, whether it is sample data, its coverage."""
    document: dict[str, Any] = lake.read_json(f"{LAYER}/{publication}/{VINTAGE}")
    return document


def accepted(lake: Lake, publication: str) -> str | None:
    """The sha256 of the workbook that a publication's prices were proven from; None before there are any."""
    file = f"{LAYER}/{publication}/{VINTAGE}"
    return lake.read_json(file)["sha256"] if lake.exists(file) else None


@dg.asset(
    partitions_def=publications,
    deps=[raw.workbook],
    check_specs=check_names.price_check_specs(),
    group_name="prices",
    kinds={"parquet", "pandera"},
    owners=[OWNER],
    retry_policy=RETRY,
)
def prices(context: dg.AssetExecutionContext, lake: Lake) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
    """Every city price as known on the publication date: one row a series and date, MXN per litre.

    Nothing is written unless every blocking check holds: an earlier, proven table of the same publication stays.
    """
    from milk_assets.sniim.validation import validate
    from milk_assets.sniim.workbook import WorkbookError, read_workbook

    publication = context.partition_key
    record = lake.read_json(raw.path(publication))
    try:
        book = read_workbook(lake.read_bytes(record["raw"]), record["name"])
    except WorkbookError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    refuse_mixture(lake, book)
    earlier = lake.newest(LAYER, VINTAGE, until=(date.fromisoformat(publication) - timedelta(days=1)).isoformat())
    proof = validate(book, date.fromisoformat(publication), read(lake, earlier) if earlier else None)
    yield from check_names.price_check_results(proof)
    if proof.failures:
        raise dg.Failure("\n".join(outcome.message for outcome in proof.failures), allow_retries=False)
    folder = _folder(publication, record["sha256"])
    lake.write_table(f"{folder}/prices.parquet", book.prices)
    lake.write_table(f"{folder}/averages.parquet", book.averages)
    vintage = {
        "workbook": book.name,
        "sha256": record["sha256"],
        "sample": book.sample,
        "source_note": book.source_note,
        "publications": len(book.dates),
        "coverage": proof["active_series_are_still_priced"].figure,
        "failed_checks": [name for name in check_names.PROMOTION_BLOCKING_CHECKS if not proof[name].passed],
    }
    lake.write_json(f"{LAYER}/{publication}/{VINTAGE}", vintage)  # last: what it names is whole
    yield dg.MaterializeResult(
        metadata={
            **materialization.of_table(book.prices, lake.uri(f"{folder}/prices.parquet"), COLUMNS),
            **vintage,
            "series": book.prices.series.nunique(),
            "active_series": book.prices.dropna(subset="price").series.nunique(),
            "control_totals": f"{proof['control_totals_match'].figure:.0f} of {len(book.controls)} exact",
            "averages": materialization.markdown(book.averages[book.averages.publication == book.averages.publication.max()]),
            "plot": materialization.plot(lambda axes: draw(axes, book)),
        },
        data_version=dg.DataVersion(record["sha256"]),
    )


def refuse_mixture(lake: Lake, book: "Workbook") -> None:
    """Raise dg.Failure where the lake holds sample data and the workbook is real, or the other way round: models learn from all of it."""
    newest = lake.newest(LAYER, VINTAGE)
    if newest is not None and read_vintage(lake, newest)["sample"] != book.sample:
        kinds = ("sample data", "official prices")
        held, came = kinds if read_vintage(lake, newest)["sample"] else reversed(kinds)
        todo = (
            "set MILK_HOME to a folder of its own"
            if not lake.root.startswith("s3://")
            else "point MILK_SOURCE_URL at the right source"
        )
        raise dg.Failure(f"{book.name} holds {came}, the lake at {lake.root} holds {held}; {todo}", allow_retries=False)


def draw(axes: "Axes", book: "Workbook") -> None:
    """The national arithmetic averages over time, by milk and channel."""
    national = book.averages[book.averages.average == "arithmetic"]
    for (milk, channel), line in national.groupby(["milk", "channel"]):
        axes.plot(line.publication, line.price, label=f"{milk}, {channel}", linewidth=1.2)
    axes.set_ylabel("MXN per litre")
    axes.set_title(f"National averages{' (sample data)' if book.sample else ''}", loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
