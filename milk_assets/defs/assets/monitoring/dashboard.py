"""The dashboard: drift, feed and live accuracy of a publication on one page.

Belongs here: the asset, and where its page stands. What the page says is `milk_assets.monitoring.dashboard.page`'s.
"""

from typing import Any

import dagster as dg

from milk_assets.defs.assets.data import prices
from milk_assets.defs.assets.monitoring import drift_report, feed_report, live_accuracy
from milk_assets.defs.assets.outputs import price_report
from milk_assets.defs.common.partitions import publications
from milk_assets.defs.common.retry_policy import RETRY
from milk_assets.monitoring.alerts.incidents import open_incidents
from milk_assets.settings import OWNER
from milk_assets.stores.alert_state import read_alert_state
from milk_assets.stores.lake import Lake

LAYER = "dashboard"
PAGE = "dashboard.html"
LATEST = price_report.path(price_report.LATEST, PAGE)  # beside the newest report, which links to it by its name alone


def path(publication: str) -> str:
    """The page as it was at a publication."""
    return f"{LAYER}/{publication}/{PAGE}"


@dg.asset(
    partitions_def=publications,
    deps=[drift_report.drift_report, feed_report.feed_report, live_accuracy.live_accuracy],
    group_name="monitoring",
    kinds={"html"},
    owners=[OWNER],
    retry_policy=RETRY,
)
def dashboard(context: dg.AssetExecutionContext, lake: Lake) -> dg.MaterializeResult[Any]:
    """One page, self-contained: how issued forecasts fared, which markets left their history, what the source changed, what is open."""
    from milk_assets.monitoring.dashboard.page import to_page

    publication = context.partition_key
    incidents = [incident.model_dump(mode="json") for incident in open_incidents(read_alert_state(lake))]
    page = to_page(
        publication,
        lake.read_json(drift_report.path(publication)),
        lake.read_json(feed_report.path(publication)),
        lake.read_json(live_accuracy.path(publication)),
        incidents,
        feed_report.read_quarantine(lake, publication),
        sample=prices.read_vintage(lake, publication)["sample"],
    ).encode()
    lake.write_bytes(path(publication), page)
    newest = lake.newest(LAYER, PAGE)
    if newest is None or publication >= newest:
        lake.write_bytes(LATEST, page)
    return dg.MaterializeResult(
        metadata={
            "dagster/uri": lake.uri(path(publication)),
            "kilobytes": round(len(page) / 1000, 1),
            "incidents": len(incidents),
        }
    )
