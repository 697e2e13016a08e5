"""Features: the table of what was known of every series on every publication date.

Belongs here: the path and the table. The feature function is `milk_model.features`.
"""

from typing import TYPE_CHECKING

from milk_assets.stores.lake import Lake
from milk_assets.stores.layers.layer import Layer

if TYPE_CHECKING:
    import pandas as pd

LAYER = Layer("features", marker="features.parquet")


def write_features(lake: Lake, publication: str, table: "pd.DataFrame") -> None:
    """Write the features of a publication: one row per series and origin date."""
    lake.write_table(LAYER.path(publication), table)
