"""Shadow forecasts: the challenger's forecasts at a publication, scored like the champion's and served to no one.

Belongs here: the asset and its metadata. Paths are `stores.layers.shadow_forecasts`.
"""

from typing import Any

import dagster as dg

from milk_assets.defs.common import materialization
from milk_assets.defs.common.publication_asset import all_partitions_of, publication_asset
from milk_assets.stores import model_bundles
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import candidates, prices
from milk_assets.stores.layers import shadow_forecasts as layer


@publication_asset(group="forecasts", kinds={"parquet", "xgboost"}, deps=["features", all_partitions_of("candidate")])
def shadow_forecasts(context: dg.AssetExecutionContext, lake: Lake, artefacts: Lake) -> dg.MaterializeResult[Any]:
    """The newest challenger's forecasts, issued before their dates are published, so that it has a live record before it serves."""
    from milk_assets.forecasting.model import Model
    from milk_assets.frames import ForecastsFrame, described_columns

    publication = context.partition_key
    newest = candidates.LAYER.newest(lake, until=publication)
    if newest is None:
        return dg.MaterializeResult(metadata={"challenger": "none yet"})
    challenger = candidates.read_candidate(lake, newest)
    model = Model.load(model_bundles.read(artefacts, challenger.bundle).files)
    table = model.predict(prices.read_panel(lake, publication))
    table = table.assign(model_version=str(challenger.version), is_baseline=False)
    source = layer.ShadowSource(
        version=challenger.version,
        bundle=challenger.bundle,
        contender=challenger.contender,
        publication=publication,
        workbook=prices.read_vintage(lake, publication).sha256,
    )
    layer.write_shadow_forecasts(lake, publication, source, table)
    return dg.MaterializeResult(
        metadata={
            **materialization.of_table(table, lake.uri(layer.table_path(publication)), described_columns(ForecastsFrame)),
            **source.model_dump(exclude={"schema_version"}),
        },
        data_version=dg.DataVersion(f"{source.workbook[:12]}-{source.bundle[:12]}"),
    )
