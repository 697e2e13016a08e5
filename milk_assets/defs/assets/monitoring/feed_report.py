"""Feed: what a publication says differently from the one before it, and whether the source still moves.

Belongs here: which vintages are compared, and the documents. Comparing is
`milk_assets.monitoring.detection.feed`, holding jumps `milk_assets.monitoring.detection.quarantine`.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.defs.assets.data import prices
from milk_assets.defs.common import check_names, materialization
from milk_assets.defs.common.partitions import publications
from milk_assets.defs.common.retry_policy import RETRY
from milk_assets.settings import OWNER
from milk_assets.stores.lake import Lake

if TYPE_CHECKING:
    import pandas as pd

LAYER = "feed_report"
FILE = "feed.json"
COLUMNS = {
    "publication": "date whose price differs",
    "series": "key: state/city/milk/channel",
    "old": "MXN per litre as the vintage before said; null for none",
    "new": "MXN per litre as this vintage says; null for none",
    "kind": "changed, removed or added",
}


def path(publication: str, file: str = FILE) -> str:
    """The facts of a publication's feed."""
    return f"{LAYER}/{publication}/{file}"


def table_path(publication: str, sha256: str, table: str) -> str:
    """`restatements` or `quarantine` of a vintage; a correction has a folder of its own, so that what changed twice is kept twice."""
    return f"{LAYER}/{publication}/{sha256[:12]}/{table}.parquet"


def read_restatements(lake: Lake, publication: str) -> "pd.DataFrame":
    """What a publication's accepted workbook says differently of the past: publication, series, old, new, kind."""
    return lake.read_table(table_path(publication, lake.read_json(path(publication))["workbook"], "restatements"))


def read_quarantine(lake: Lake, publication: str) -> "pd.DataFrame":
    """The prices that were held, as known at a publication: publication, series, price, previous, reason."""
    return lake.read_table(table_path(publication, lake.read_json(path(publication))["workbook"], "quarantine"))


@dg.asset(
    partitions_def=publications,
    deps=[prices.prices],
    check_specs=[
        dg.AssetCheckSpec(check_names.PAST, asset="feed_report", description="The source says of the past what it said before."),
        dg.AssetCheckSpec(
            check_names.MOVING, asset="feed_report", description="Prices still change from publication to publication."
        ),
    ],
    group_name="monitoring",
    kinds={"parquet", "json"},
    owners=[OWNER],
    retry_policy=RETRY,
)
def feed_report(context: dg.AssetExecutionContext, lake: Lake) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
    """What the source says differently of its past, price by price; whether it moves; jumps that wait for a second publication."""
    from milk_assets.monitoring.detection.feed import FROZEN_PUBLICATIONS, feed_document, new_series, restatements
    from milk_assets.monitoring.detection.quarantine import quarantine

    publication = context.partition_key
    sha256, table = prices.read_vintage(lake, publication)["sha256"], prices.read(lake, publication)
    against, before = _before(lake, publication, sha256)
    past = restatements(table if before is None else before, table)
    held = quarantine(table).held
    lake.write_table(table_path(publication, sha256, "restatements"), past)
    lake.write_table(table_path(publication, sha256, "quarantine"), held)
    series = () if before is None else new_series(before, table)
    document = feed_document(date.fromisoformat(publication), sha256, table, past, against, series)
    unchanged, dates = document["unchanged"], document["restated"]["dates"]
    lake.write_json(path(publication), document)  # last: what it names is whole
    warn = dg.AssetCheckSeverity.WARN
    said = f"{len(past)} prices of {dates} dates differ from what {against} said" if len(past) else "nothing differs"
    yield dg.AssetCheckResult(check_name=check_names.PAST, passed=past.empty, severity=warn, description=said)
    said = f"no price changed at the last {unchanged} publications" if unchanged else "prices changed at this publication"
    yield dg.AssetCheckResult(
        check_name=check_names.MOVING, passed=unchanged < FROZEN_PUBLICATIONS, severity=warn, description=said
    )
    yield dg.MaterializeResult(
        metadata={
            **materialization.of_table(past, lake.uri(table_path(publication, sha256, "restatements")), COLUMNS),
            "compared_with": against or "nothing: it is the first vintage",
            "restated": materialization.markdown(past.head(20)),
            "held": materialization.markdown(held.tail(20)),
            "unchanged_publications": unchanged,
        },
        data_version=dg.DataVersion(sha256),
    )


def _before(lake: Lake, publication: str, sha256: str) -> "tuple[str | None, pd.DataFrame | None]":
    """The vintage that this one is held against, and its name: the same date's before its correction, else the date before."""
    if lake.exists(path(publication)):
        earlier = lake.read_json(path(publication))["workbook"]
        table = f"{prices.LAYER}/{publication}/{earlier[:12]}/prices.parquet"
        if earlier != sha256 and lake.exists(table):
            return f"{publication} ({earlier[:12]})", lake.read_table(table)
    day = (date.fromisoformat(publication) - timedelta(days=1)).isoformat()
    newest = lake.newest(prices.LAYER, prices.VINTAGE, until=day)
    return (newest, prices.read(lake, newest)) if newest else (None, None)
