"""Live accuracy: how issued forecasts did, as one small document.

Belongs here: the asset. The measures are `milk_assets.monitoring.detection.live_accuracy`.
"""

from typing import Any

import dagster as dg

from milk_assets.defs.common import materialization
from milk_assets.defs.common.publication_asset import publication_asset
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import prices
from milk_assets.stores.layers.monitoring import LIVE_ACCURACY
from milk_assets.stores.layers.track_record import read_track_record
from milk_model.artefact_paths import TRACK_RECORD

PUBLICATIONS_READ = 91  # the 78 that the history shows, and the 13 before them that the first rolling measure needs


@publication_asset(group="monitoring", kinds={"json"}, deps=["track_record"])
def live_accuracy(context: dg.AssetExecutionContext, lake: Lake, artefacts: Lake) -> dg.MaterializeResult[Any]:
    """Error against no change, bias, coverage and Brier score of issued forecasts, rolling, by horizon and market, with alarms."""
    from milk_assets.monitoring.detection.live_accuracy import concatenate_records
    from milk_assets.monitoring.detection.live_accuracy_report import live_accuracy_document

    publication = context.partition_key
    record = read_track_record(lake, publication, publications_back=PUBLICATIONS_READ)
    document = live_accuracy_document(concatenate_records([]) if record is None else record)
    document["sample"] = prices.read_vintage(lake, publication).sample
    lake.write_json(LIVE_ACCURACY.path(publication), document)
    if LIVE_ACCURACY.newest(lake) == publication:  # recomputing an older publication leaves the served document as it is
        artefacts.write_json(TRACK_RECORD, document)
    newest = document["newest"] or {}
    return dg.MaterializeResult(
        metadata={
            "alarm": document["alarm"] or "none",
            "by_horizon": materialization.records(document["by_horizon"]),
            "by_segment": materialization.records(document["by_segment"]),
            "dagster/uri": lake.uri(LIVE_ACCURACY.path(publication)),
            **{name: newest[name] for name in ("skill", "bias", "cover80", "brier") if newest.get(name) is not None},
        }
    )
