"""Drift: whether the markets of a publication behave as they always have.

Belongs here: the asset, its check and its metadata. Statistics and thresholds are `milk_assets.monitoring.detection.market_drift`.
"""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Any

import dagster as dg

from milk_assets.defs.common import check_names, materialization
from milk_assets.defs.common.publication_asset import publication_asset
from milk_assets.stores import champion_manifest
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import monitoring as layer
from milk_assets.stores.layers import prices

CHECK = dg.AssetCheckSpec(check_names.DRIFT, asset="drift_report", description="No market has left its own history.")


@publication_asset(group="monitoring", kinds={"evidently", "json", "html"}, deps=["prices"], check_specs=[CHECK])
def drift_report(
    context: dg.AssetExecutionContext, lake: Lake, artefacts: Lake
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
    """Log returns, shares of changed prices and spreads of each market against its own history; price levels always drift."""
    from milk_assets.monitoring.detection.feed import unchanged_publications
    from milk_assets.monitoring.detection.market_drift import drift_report as detect_drift

    publication = context.partition_key
    table, champion = prices.read_prices(lake, publication), champion_manifest.read_manifest(artefacts)
    drift = detect_drift(table, date.fromisoformat(publication))
    document = drift.to_document() | {"unchanged": unchanged_publications(table)}
    lake.write_json(layer.DRIFT.path(publication), document)
    page = layer.DRIFT.path(publication, layer.DRIFT_PAGE)
    if drift.html:
        lake.write_bytes(page, drift.html.encode())
    thresholds = drift.thresholds()
    if champion is not None and any(threshold is not None for threshold in thresholds.values()):
        artefacts.write_json(
            layer.drift_thresholds_path(champion.bundle),
            {"publication": publication, "version": champion.version, "thresholds": thresholds},
        )
    problems = [f"{breach.signal} of {breach.milk}, {breach.channel}, twice in a row" for breach in drift.repeated]
    if drift.coverage.missing_states:
        problems.append(f"no price from {', '.join(drift.coverage.missing_states)}")
    yield dg.AssetCheckResult(
        check_name=check_names.DRIFT,
        passed=not drift.repeated and not drift.coverage.breached,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{drift.outcome.replace('_', ' ')}{': ' if problems else ''}{'; '.join(problems)}",
    )
    yield dg.MaterializeResult(
        metadata={
            "outcome": drift.outcome,
            "coverage": drift.coverage.share,
            "signals": materialization.records([asdict(result) for result in drift.results]),
            "dagster/uri": lake.uri(page if drift.html else layer.DRIFT.path(publication)),
        }
    )
