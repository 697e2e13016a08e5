"""Features: what was known of every series on every publication date.

Belongs here: the asset and its metadata. The feature function is `milk_model.features`, which training and serving share.
"""

from typing import Any

import dagster as dg

from milk_assets.defs.common import materialization
from milk_assets.defs.common.column_descriptions import FEATURES
from milk_assets.defs.common.publication_asset import publication_asset
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import features as layer
from milk_assets.stores.layers import prices


@publication_asset(group="features", kinds={"parquet", "numpy"}, deps=["prices"])
def features(context: dg.AssetExecutionContext, lake: Lake) -> dg.MaterializeResult[Any]:
    """What was known of each active series on each publication date, and nothing later: one row per series and origin."""
    from milk_assets.forecasting.features_table import features_frame

    publication = context.partition_key
    panel = prices.read_panel(lake, publication)
    table = features_frame(panel, panel.dates)
    layer.write_features(lake, publication, table)
    return dg.MaterializeResult(
        metadata={
            **materialization.of_table(table, lake.uri(layer.LAYER.path(publication)), FEATURES),
            "series": table.series.nunique(),
            "origins": table.origin.nunique(),
            "summary": materialization.markdown(table.select_dtypes("number").describe().T.reset_index(names="feature")),
        },
        data_version=dg.DataVersion(prices.read_vintage(lake, publication).sha256),
    )
