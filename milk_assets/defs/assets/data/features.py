"""Features: what was known of every series on every publication date.

Belongs here: the asset and its metadata. The feature function is `milk_model.features`, the one that also serves.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.defs.assets.data import prices
from milk_assets.defs.common import materialization
from milk_assets.defs.common.partitions import publications
from milk_assets.defs.common.retry_policy import RETRY
from milk_assets.settings import OWNER
from milk_assets.stores.lake import Lake

if TYPE_CHECKING:
    from milk_assets.forecasting.panel import Panel

LAYER = "features"
FILE = "features.parquet"
COLUMNS = {
    "origin": "publication date at which all of it was known",
    "series": "key: state/city/milk/channel",
    "last_price": "MXN per litre: the newest price on or before the origin",
    "discount_depth": "highest of the last 36 publications minus the last price, MXN",
    "above_mean_24": "last price minus the mean of the 24 publications before it, MXN",
    "above_mean_6": "the same over 6 publications, MXN",
    "last_move": "change from the publication before, MXN",
    "change_rate": "share of publications at which the series changed",
    "recent_rate": "the same, weighted toward the newest",
    "staleness": "publications since the last change",
    "above_peers": "gap to the mean of its milk and channel, minus the series' own usual gap, MXN",
    "last_change": "size of the last change, whenever it was, MXN",
}


def path(publication: str) -> str:
    """One row a series and origin date, for every origin that this publication's workbook holds."""
    return f"{LAYER}/{publication}/{FILE}"


def read_panel(lake: Lake, publication: str) -> "Panel":
    """Prices and averages of a publication as the forecasting panel: dates × series."""
    from milk_assets.forecasting.panel import build_panel

    return build_panel(prices.read(lake, publication), prices.read_averages(lake, publication))


def read_training_panel(lake: Lake, publication: str) -> "Panel":
    """The same panel without the jumps that no second publication has confirmed: what a model may learn from.

    Only learning leaves them out. What is forecast from is what was published: 20 of 21 real jumps were confirmed, and holding them
    back from the forecasts too would cost 3 % of accuracy one publication ahead.
    """
    from milk_assets.forecasting.panel import build_panel
    from milk_assets.monitoring.detection.quarantine import quarantine

    return build_panel(quarantine(prices.read(lake, publication)).prices, prices.read_averages(lake, publication))


def read_vintages(lake: Lake, dates: Sequence[Any]) -> dict[Any, "Panel"]:
    """The panels of those publications as they were known on their dates, where the lake holds them: datetime64[D] → panel."""
    held = set(lake.partitions(prices.LAYER, prices.VINTAGE))
    return {day: read_panel(lake, str(day)) for day in dates if str(day) in held}


@dg.asset(
    partitions_def=publications,
    deps=[prices.prices],
    group_name="features",
    kinds={"parquet", "numpy"},
    owners=[OWNER],
    retry_policy=RETRY,
)
def features(context: dg.AssetExecutionContext, lake: Lake) -> dg.MaterializeResult[Any]:
    """What was known of each active series on each publication date, and nothing later: one row a series and origin."""
    from milk_assets.forecasting.features_table import features_frame

    publication = context.partition_key
    panel = read_panel(lake, publication)
    table = features_frame(panel, panel.dates)
    lake.write_table(path(publication), table)
    return dg.MaterializeResult(
        metadata={
            **materialization.of_table(table, lake.uri(path(publication)), COLUMNS),
            "series": table.series.nunique(),
            "origins": table.origin.nunique(),
            "summary": materialization.markdown(table.select_dtypes("number").describe().T.reset_index(names="feature")),
        },
        data_version=dg.DataVersion(prices.read_vintage(lake, publication)["sha256"]),
    )
