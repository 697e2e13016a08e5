"""Baseline: "no change" as a registered model like any other.

Belongs here: the asset. What "no change" forecasts, and how wide its intervals are, is `milk_assets.forecasting`'s.
"""

from typing import Any

import dagster as dg

from milk_assets.defs.assets.data import features
from milk_assets.defs.common.partitions import publications
from milk_assets.defs.common.retry_policy import RETRY
from milk_assets.settings import OWNER
from milk_assets.stores import model_bundles
from milk_assets.stores.lake import Lake
from milk_assets.stores.model_registry import Tracking

LAYER = "baseline"
FILE = "baseline.json"
ALIAS = "baseline"


@dg.asset(
    partitions_def=publications,
    deps=[features.features],
    group_name="models",
    kinds={"mlflow"},
    owners=[OWNER],
    retry_policy=RETRY,
)
def baseline(context: dg.AssetExecutionContext, lake: Lake, artefacts: Lake, tracking: Tracking) -> dg.MaterializeResult[Any]:
    """The last published price as forecast, with intervals and chances of change from its own past errors; may be champion."""
    from milk_assets.forecasting.model import Model

    publication = context.partition_key
    model = Model.fit_baseline(features.read_panel(lake, publication))
    with tracking.run(context):
        tags = {"kind": ALIAS, "trained_through": publication}
        version = model_bundles.publish(model, tags, artefacts, tracking, tags)
        tracking.point(ALIAS, version.number)
    made: dict[str, Any] = {"version": version.number, "bundle": version.bundle, "is_baseline": True}
    lake.write_json(f"{LAYER}/{publication}/{FILE}", made)
    return dg.MaterializeResult(metadata=made, data_version=dg.DataVersion(version.bundle))


def read(lake: Lake, publication: str) -> dict[str, Any]:
    """The baseline registered at a publication: version, bundle, is_baseline."""
    document: dict[str, Any] = lake.read_json(f"{LAYER}/{publication}/{FILE}")
    return document
