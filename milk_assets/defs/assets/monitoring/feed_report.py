"""Feed report: what a publication changed of the past, whether prices still move, and which jumps are in quarantine.

Belongs here: which vintages are compared, and writing the tables. Comparing is `milk_assets.monitoring.detection.feed`, holding jumps
`milk_assets.monitoring.detection.quarantine`.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.defs.common import check_names, materialization
from milk_assets.defs.common.column_descriptions import RESTATEMENTS
from milk_assets.defs.common.publication_asset import publication_asset
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import monitoring as layer
from milk_assets.stores.layers import prices

if TYPE_CHECKING:
    import pandas as pd

CHECKS = [
    dg.AssetCheckSpec(check_names.PAST, asset="feed_report", description="The source has not changed past prices."),
    dg.AssetCheckSpec(
        check_names.MOVING, asset="feed_report", description="Prices still change from publication to publication."
    ),
]


@publication_asset(group="monitoring", kinds={"parquet", "json"}, deps=["prices"], check_specs=CHECKS)
def feed_report(context: dg.AssetExecutionContext, lake: Lake) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
    """Past prices that the source changed, whether prices still move, and jumps that wait for a second publication."""
    from milk_assets.monitoring.detection.feed import FROZEN_PUBLICATIONS, feed_document, new_series, restatements
    from milk_assets.monitoring.detection.quarantine import quarantine

    publication = context.partition_key
    sha256, table = prices.read_vintage(lake, publication).sha256, prices.read_prices(lake, publication)
    previous_name, previous_table = previous_vintage(lake, publication, sha256)
    changes = restatements(table if previous_table is None else previous_table, table)
    held_jumps = quarantine(table).held
    restatements_path = layer.feed_table_path(publication, sha256, "restatements")
    lake.write_table(restatements_path, changes)
    lake.write_table(layer.feed_table_path(publication, sha256, "quarantine"), held_jumps)
    added_series = () if previous_table is None else new_series(previous_table, table)
    document = feed_document(date.fromisoformat(publication), sha256, table, changes, previous_name, added_series)
    unchanged, restated_dates = document["unchanged"], document["restated"]["dates"]
    lake.write_json(layer.FEED.path(publication), document)  # last: the tables it names are complete
    yield dg.AssetCheckResult(
        check_name=check_names.PAST,
        passed=changes.empty,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(changes)} prices of {restated_dates} dates differ from {previous_name}"
        if len(changes)
        else "no past price changed",
    )
    yield dg.AssetCheckResult(
        check_name=check_names.MOVING,
        passed=unchanged < FROZEN_PUBLICATIONS,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"no price changed at the last {unchanged} publications"
        if unchanged
        else "prices changed at this publication",
    )
    yield dg.MaterializeResult(
        metadata={
            **materialization.of_table(changes, lake.uri(restatements_path), RESTATEMENTS),
            "compared_with": previous_name or "nothing: first vintage",
            "restated": materialization.markdown(changes.head(20)),
            "held": materialization.markdown(held_jumps.tail(20)),
            "unchanged_publications": unchanged,
        },
        data_version=dg.DataVersion(sha256),
    )


def previous_vintage(lake: Lake, publication: str, sha256: str) -> "tuple[str | None, pd.DataFrame | None]":
    """The vintage to compare with, and its name: the same date's before its correction, else the previous publication's."""
    if layer.FEED.has(lake, publication):
        compared = lake.read_json(layer.FEED.path(publication))["workbook"]
        table = prices.prices_path(publication, compared)
        if compared != sha256 and lake.exists(table):
            return f"{publication} ({compared[:12]})", lake.read_table(table)
    day_before = (date.fromisoformat(publication) - timedelta(days=1)).isoformat()
    newest = prices.LAYER.newest(lake, until=day_before)
    return (newest, prices.read_prices(lake, newest)) if newest else (None, None)
