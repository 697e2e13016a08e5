"""Track record: every issued forecast with the price that was published for its date.

Belongs here: the asset. Joining is `forecasting.evaluation.issued_forecasts`, measures are `monitoring.detection.live_accuracy`.
"""

from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.defs.common import materialization
from milk_assets.defs.common.publication_asset import publication_asset
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import forecasts, prices, shadow_forecasts
from milk_assets.stores.layers import track_record as layer

if TYPE_CHECKING:
    from milk_assets.frames import Forecasts

# Publications back whose forecasts may meet their date now: two months to the longest lead, seven calendar months to the last month.
ORIGINS_BACK, ORIGINS_BACK_AFTER_A_MONTH = 30, 100


# depends on earlier forecasts too, which as a declared dependency would close a circle
@publication_asset(group="monitoring", kinds={"parquet"}, deps=["prices"])
def track_record(context: dg.AssetExecutionContext, lake: Lake) -> dg.MaterializeResult[Any]:
    """Every forecast of champion and challenger whose target became known with this publication, with the published price.

    A publication keeps its record; only a corrected workbook of the same date replaces it.
    """
    import numpy as np

    from milk_assets.forecasting.evaluation.issued_forecasts import error_summary, month_ended_since, track_record_rows
    from milk_assets.frames import TrackRecordFrame, described_columns

    publication = context.partition_key
    panel = prices.read_panel(lake, publication)
    earlier = [key for key in prices.LAYER.partitions(lake) if key < publication]
    known_until = np.datetime64(earlier[-1] if earlier else publication, "D")
    origins_back = ORIGINS_BACK_AFTER_A_MONTH if month_ended_since(panel, known_until) else ORIGINS_BACK
    record = track_record_rows(panel, known_until, issued_forecasts(lake, publication, origins_back))
    layer.write_track_record(lake, publication, record)
    return dg.MaterializeResult(
        metadata={
            **materialization.of_table(record, lake.uri(layer.LAYER.path(publication)), described_columns(TrackRecordFrame)),
            "summary": materialization.markdown(error_summary(record)) if len(record) else "no forecast has met its date yet",
        },
        data_version=dg.DataVersion(prices.read_vintage(lake, publication).sha256),
    )


def issued_forecasts(lake: Lake, publication: str, origins_back: int) -> "dict[str, list[Forecasts]]":
    """Forecasts issued before a publication, by role: champion (served) and challenger (shadow)."""

    def origins(keys: list[str]) -> list[str]:
        return [key for key in keys if key < publication][-origins_back:]

    return {
        "champion": [forecasts.read_forecasts(lake, key) for key in origins(forecasts.LAYER.partitions(lake))],
        "challenger": [
            shadow_forecasts.read_shadow_forecasts(lake, key) for key in origins(shadow_forecasts.LAYER.partitions(lake))
        ],
    }
