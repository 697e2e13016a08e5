"""Baseline: "no change" as a registered model like any other.

Belongs here: the asset. What it forecasts, and how wide its intervals are, is `milk_assets.forecasting.training.baseline`.
"""

from typing import Any

import dagster as dg

from milk_assets.defs.common.publication_asset import publication_asset
from milk_assets.stores import model_bundles
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import baselines, prices
from milk_assets.stores.layers.baselines import BaselineVersion
from milk_assets.stores.model_registry import BASELINE_ALIAS, ModelRegistry


@publication_asset(group="models", kinds={"mlflow"}, deps=["features"])
def baseline(
    context: dg.AssetExecutionContext, lake: Lake, artefacts: Lake, tracking: ModelRegistry
) -> dg.MaterializeResult[Any]:
    """The last published price as forecast, with intervals and chances of change from its own past errors. It may be champion."""
    from milk_assets.forecasting.model import Model

    publication = context.partition_key
    model = Model.fit_baseline(prices.read_panel(lake, publication))
    with tracking.run(context):
        tags = {"kind": BASELINE_ALIAS, "trained_through": publication}
        version = model_bundles.publish(model, tags, artefacts, tracking, tags)
        tracking.set_alias(BASELINE_ALIAS, version.number)
    registered = BaselineVersion(version=version.number, bundle=version.bundle)
    baselines.write_baseline(lake, publication, registered)
    return dg.MaterializeResult(
        metadata=registered.model_dump(exclude={"schema_version"}), data_version=dg.DataVersion(version.bundle)
    )
