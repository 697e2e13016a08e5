"""Prices: the validated, tidy table of one publication.

Belongs here: the asset and its metadata. Reading and validating cells is `milk_assets.sniim`, paths are `stores.layers.prices`.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.defs.common import check_names, materialization
from milk_assets.defs.common.publication_asset import publication_asset
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import prices as layer
from milk_assets.stores.layers import workbooks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from milk_assets.sniim.workbook import Workbook


@publication_asset(group="prices", kinds={"parquet", "pandera"}, deps=["workbook"], check_specs=check_names.price_check_specs())
def prices(context: dg.AssetExecutionContext, lake: Lake) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
    """Every city price as known on the publication date: one row per series and date, MXN per litre.

    Nothing is written unless every blocking check passes, so an earlier validated table of the same publication is kept.
    """
    from milk_assets.frames import described_columns
    from milk_assets.sniim.schemas import PricesFrame
    from milk_assets.sniim.validation import validate
    from milk_assets.sniim.workbook import WorkbookError, read_workbook

    publication = context.partition_key
    record = workbooks.read_record(lake, publication)
    try:
        book = read_workbook(workbooks.read_raw(lake, record), record.name)
    except WorkbookError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    refuse_mixture(lake, book)
    day_before = (date.fromisoformat(publication) - timedelta(days=1)).isoformat()
    previous = layer.LAYER.newest(lake, until=day_before)
    validation = validate(book, date.fromisoformat(publication), layer.read_prices(lake, previous) if previous else None)
    yield from check_names.price_check_results(validation)
    if validation.failures:
        raise dg.Failure("\n".join(result.message for result in validation.failures), allow_retries=False)
    vintage = layer.Vintage(
        workbook=book.name,
        sha256=record.sha256,
        sample=book.sample,
        source_note=book.source_note,
        publications=len(book.dates),
        coverage=float(validation["active_series_are_still_priced"].figure),
        failed_checks=[name for name in check_names.PROMOTION_BLOCKING_CHECKS if not validation[name].passed],
    )
    layer.write_vintage(lake, publication, vintage, book.prices, book.averages)
    newest_averages = book.averages[book.averages.publication == book.averages.publication.max()]
    yield dg.MaterializeResult(
        metadata={
            **materialization.of_table(
                book.prices, lake.uri(layer.prices_path(publication, record.sha256)), described_columns(PricesFrame)
            ),
            **vintage.model_dump(mode="json", exclude={"schema_version"}),
            "series": book.prices.series.nunique(),
            "active_series": book.prices.dropna(subset="price").series.nunique(),
            "control_totals": f"{validation['control_totals_match'].figure:.0f} of {len(book.controls)} exact",
            "averages": materialization.markdown(newest_averages),
            "plot": materialization.plot(lambda axes: draw_averages(axes, book)),
        },
        data_version=dg.DataVersion(record.sha256),
    )


def refuse_mixture(lake: Lake, book: "Workbook") -> None:
    """Raise dg.Failure where sample data would be mixed with official prices: models learn from everything in the lake."""
    newest = layer.LAYER.newest(lake)
    if newest is None:
        return
    lake_has_sample = layer.read_vintage(lake, newest).sample
    if lake_has_sample == book.sample:
        return
    kinds = {True: "sample data", False: "official prices"}
    remedy = "point MILK_SOURCE_URL at the right source" if lake.on_s3 else "set MILK_HOME to another folder"
    raise dg.Failure(
        f"{book.name} holds {kinds[book.sample]}, the lake at {lake.root} holds {kinds[lake_has_sample]}: {remedy}",
        allow_retries=False,
    )


def draw_averages(axes: "Axes", book: "Workbook") -> None:
    """Plot the national arithmetic averages over time, by milk and channel."""
    national = book.averages[book.averages.average == "arithmetic"]
    for (milk, channel), line in national.groupby(["milk", "channel"]):
        axes.plot(line.publication, line.price, label=f"{milk}, {channel}", linewidth=1.2)
    axes.set_ylabel("MXN per litre")
    axes.set_title(f"National averages{' (sample data)' if book.sample else ''}", loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
