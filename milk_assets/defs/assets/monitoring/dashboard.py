"""Dashboard: drift, feed and live accuracy of a publication on one page.

Belongs here: the asset. What the page shows is `milk_assets.monitoring.dashboard.page`.
"""

from typing import Any

import dagster as dg

from milk_assets.defs.common.publication_asset import publication_asset
from milk_assets.monitoring.alerts.incidents import open_incidents
from milk_assets.reporting.file_names import DASHBOARD_PAGE
from milk_assets.stores.alert_state import read_alert_state
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import monitoring as layer
from milk_assets.stores.layers import prices, reports


@publication_asset(group="monitoring", kinds={"html"}, deps=["drift_report", "feed_report", "live_accuracy"])
def dashboard(context: dg.AssetExecutionContext, lake: Lake) -> dg.MaterializeResult[Any]:
    """One self-contained page: live accuracy, markets that left their history, changes of the source, open incidents."""
    from milk_assets.monitoring.dashboard.page import to_page

    publication = context.partition_key
    incidents = [incident.model_dump(mode="json") for incident in open_incidents(read_alert_state(lake))]
    page = to_page(
        publication,
        lake.read_json(layer.DRIFT.path(publication)),
        lake.read_json(layer.FEED.path(publication)),
        lake.read_json(layer.LIVE_ACCURACY.path(publication)),
        incidents,
        layer.read_quarantine(lake, publication),
        sample=prices.read_vintage(lake, publication).sample,
    ).encode()
    path = layer.DASHBOARD.path(publication)
    lake.write_bytes(path, page)
    newest = layer.DASHBOARD.newest(lake)
    if newest is None or publication >= newest:
        lake.write_bytes(reports.latest_path(DASHBOARD_PAGE), page)
    return dg.MaterializeResult(
        metadata={
            "dagster/uri": lake.uri(path),
            "kilobytes": round(len(page) / 1000, 1),
            "incidents": len(incidents),
        }
    )
