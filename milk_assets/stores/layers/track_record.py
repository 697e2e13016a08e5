"""Track record: issued forecasts with the prices that were published for their dates.

Belongs here: the path and the table. Measures over it are `milk_assets.monitoring.detection.live_accuracy`.
"""

from typing import TYPE_CHECKING, cast

from milk_assets.promotion.policy import HORIZONS, Policy
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers.layer import Layer

if TYPE_CHECKING:
    from milk_assets.frames import TrackRecord

LAYER = Layer("track_record", marker="track_record.parquet")


def write_track_record(lake: Lake, publication: str, table: "TrackRecord") -> None:
    """Write the forecasts whose target became known with a publication."""
    lake.write_table(LAYER.path(publication), table)


def read_track_record(
    lake: Lake, until: str | None = None, publications_back: int = Policy().dates + max(HORIZONS)
) -> "TrackRecord | None":
    """The rows of the newest publications; None before there are any.

    Args:
        until: Newest partition to read.
        publications_back: Number of partitions to read.
    """
    import pandas as pd

    keys = LAYER.partitions(lake, until=until)[-publications_back:]
    tables = [lake.read_table(LAYER.path(key)) for key in keys]
    with_rows = [table for table in tables if len(table)]
    return cast("TrackRecord", pd.concat(with_rows, ignore_index=True)) if with_rows else None
