"""Monitoring: the feed report, drift report, live accuracy and dashboard of each publication.

Belongs here: paths and readers. Their content is computed by `milk_assets.monitoring`, which also defines the documents.
"""

from typing import TYPE_CHECKING, Any

from milk_assets.reporting.file_names import DASHBOARD_PAGE
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers.layer import Layer

if TYPE_CHECKING:
    import pandas as pd

FEED = Layer("feed_report", marker="feed.json")
DRIFT = Layer("drift_report", marker="drift.json")
DRIFT_PAGE = "drift.html"  # Evidently's own page, where there is enough history
DRIFT_THRESHOLDS_FOLDER = (
    "drift_thresholds"  # in the artefact store: one document per served bundle, replaced at each publication
)
LIVE_ACCURACY = Layer("live_accuracy", marker="performance.json")
DASHBOARD = Layer("dashboard", marker=DASHBOARD_PAGE)


def drift_thresholds_path(bundle: str) -> str:
    """Path in the artefact store of the drift thresholds that go with a bundle."""
    return f"{DRIFT_THRESHOLDS_FOLDER}/{bundle[:12]}.json"


def feed_table_path(publication: str, sha256: str, table: str) -> str:
    """Path of `restatements` or `quarantine` of a vintage; a corrected workbook has its own folder."""
    return f"{FEED.name}/{publication}/{sha256[:12]}/{table}.parquet"


def read_newest(lake: Lake, layer: Layer) -> dict[str, Any] | None:
    """The newest document of FEED, DRIFT or LIVE_ACCURACY; None before the first."""
    key = layer.newest(lake)
    return None if key is None else lake.read_json(layer.path(key))


def read_restatements(lake: Lake, publication: str) -> "pd.DataFrame":
    """Past prices that a publication's workbook changed: publication, series, old, new, kind."""
    return lake.read_table(feed_table_path(publication, lake.read_json(FEED.path(publication))["workbook"], "restatements"))


def read_quarantine(lake: Lake, publication: str) -> "pd.DataFrame":
    """Price jumps in quarantine as known at a publication: publication, series, price, previous, reason."""
    return lake.read_table(feed_table_path(publication, lake.read_json(FEED.path(publication))["workbook"], "quarantine"))
