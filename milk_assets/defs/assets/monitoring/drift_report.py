"""Drift: whether a publication behaves as its market always has.

Belongs here: the asset and its documents. The statistics and their thresholds are `milk_assets.monitoring`'s.
"""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Any

import dagster as dg

from milk_assets.defs.assets.data import prices
from milk_assets.defs.common import check_names, materialization
from milk_assets.defs.common.partitions import publications
from milk_assets.defs.common.retry_policy import RETRY
from milk_assets.settings import OWNER
from milk_assets.stores import champion_manifest
from milk_assets.stores.lake import Lake

LAYER = "drift_report"
THRESHOLDS = "drift_thresholds"  # in the artefact store, one document a served bundle, recomputed at each publication


def path(publication: str, file: str = "drift.json") -> str:
    """The verdicts; beside them, where there is history enough, Evidently's own result and page."""
    return f"{LAYER}/{publication}/{file}"


@dg.asset(
    partitions_def=publications,
    deps=[prices.prices],
    check_specs=[dg.AssetCheckSpec(check_names.DRIFT, asset="drift_report", description="No market has left its own history.")],
    group_name="monitoring",
    kinds={"evidently", "json", "html"},
    owners=[OWNER],
    retry_policy=RETRY,
)
def drift_report(
    context: dg.AssetExecutionContext, lake: Lake, artefacts: Lake
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
    """Log returns, shares of changed prices and spreads of each market against their own history; levels always drift."""
    from milk_assets.monitoring.detection.feed import unchanged_publications
    from milk_assets.monitoring.detection.market_drift import drift_report as judge
    from milk_assets.stores.lake import json_bytes

    publication = context.partition_key
    table, standing = prices.read(lake, publication), champion_manifest.served(artefacts)
    drift = judge(table, date.fromisoformat(publication))
    document = drift.to_document() | {"unchanged": unchanged_publications(table)}
    files = {"drift.json": json_bytes(document)} | ({"drift.html": drift.html.encode()} if drift.html else {})
    for name, content in files.items():
        lake.write_bytes(path(publication, name), content)
    if standing is not None and any(threshold is not None for threshold in drift.thresholds().values()):
        thresholds = {"publication": publication, "version": standing["version"], "thresholds": drift.thresholds()}
        artefacts.write_json(f"{THRESHOLDS}/{standing['bundle'][:12]}.json", thresholds)
    told = [f"{breach.signal} of {breach.milk}, {breach.channel}, twice in a row" for breach in drift.repeated]
    told += [f"no price from {', '.join(drift.coverage.missing_states)}"] if drift.coverage.missing_states else []
    yield dg.AssetCheckResult(
        check_name=check_names.DRIFT,
        passed=not drift.repeated and not drift.coverage.breached,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{drift.outcome.replace('_', ' ')}{': ' if told else ''}{'; '.join(told)}",
    )
    yield dg.MaterializeResult(
        metadata={
            "outcome": drift.outcome,
            "coverage": drift.coverage.share,
            "signals": materialization.records([asdict(result) for result in drift.results]),
            "dagster/uri": lake.uri(path(publication, "drift.html" if drift.html else "drift.json")),
        }
    )
