"""Live accuracy: how issued forecasts fared, as one small document.

Belongs here: the asset, and where its document stands. The measures are `milk_assets.monitoring.detection.live_accuracy`'s.
"""

from typing import Any

import dagster as dg

from milk_assets.defs.assets.data import prices
from milk_assets.defs.assets.models import track_record
from milk_assets.defs.common import materialization
from milk_assets.defs.common.partitions import publications
from milk_assets.defs.common.retry_policy import RETRY
from milk_assets.settings import OWNER
from milk_assets.stores.lake import Lake
from milk_model.artefact_paths import TRACK_RECORD

LAYER = "live_accuracy"
FILE = "performance.json"
KEPT = 91
"""Publications read: the 78 that the document's history shows, and the 13 that its first rolling measure looks back on."""


def path(publication: str) -> str:
    """The measures as known at a publication."""
    return f"{LAYER}/{publication}/{FILE}"


@dg.asset(
    partitions_def=publications,
    deps=[track_record.track_record],
    group_name="monitoring",
    kinds={"json"},
    owners=[OWNER],
    retry_policy=RETRY,
)
def live_accuracy(context: dg.AssetExecutionContext, lake: Lake, artefacts: Lake) -> dg.MaterializeResult[Any]:
    """Error against no change, bias, coverage and Brier score of issued forecasts, rolling, by horizon and market; what alarms."""
    from milk_assets.monitoring.detection.live_accuracy import concatenate_records
    from milk_assets.monitoring.detection.live_accuracy_report import live_accuracy_document

    publication = context.partition_key
    record = track_record.read(lake, publication, publications_back=KEPT)
    document = live_accuracy_document(concatenate_records([]) if record is None else record)
    document["sample"] = prices.read_vintage(lake, publication)["sample"]
    lake.write_json(path(publication), document)
    if lake.newest(LAYER, FILE) == publication:  # an older publication that is made again leaves the newest standing
        artefacts.write_json(TRACK_RECORD, document)
    newest = document["newest"] or {}
    return dg.MaterializeResult(
        metadata={
            "alarm": document["alarm"] or "none",
            "by_horizon": materialization.records(document["by_horizon"]),
            "by_segment": materialization.records(document["by_segment"]),
            "dagster/uri": lake.uri(path(publication)),
            **{name: newest[name] for name in ("skill", "bias", "cover80", "brier") if newest.get(name) is not None},
        }
    )
