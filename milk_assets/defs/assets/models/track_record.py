"""Track record: every issued forecast beside what was published, once its date has come.

Belongs here: the asset and its table. Measures over it are `milk_assets.monitoring`'s, what follows from them the floor's.
"""

from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.defs.assets.data import features, prices
from milk_assets.defs.assets.outputs import forecasts, shadow_forecasts
from milk_assets.defs.common import materialization
from milk_assets.defs.common.column_descriptions import FORECASTS
from milk_assets.defs.common.partitions import publications
from milk_assets.defs.common.retry_policy import RETRY
from milk_assets.promotion.policy import HORIZONS, Policy
from milk_assets.settings import OWNER
from milk_assets.stores.lake import Lake

if TYPE_CHECKING:
    import pandas as pd

LAYER = "track_record"
FILE = "track_record.parquet"
KEPT = (
    *("origin", "target", "task", "lead", "series", "state", "city", "milk", "channel", "level", "role", "model_version"),
    *("is_baseline", "last_price", "no_change", "forecast", "lo80", "hi80", "lo95", "hi95", "p_up", "p_same", "p_down", "actual"),
)
COLUMNS = FORECASTS | {
    "role": "champion: it was served; challenger: it was issued beside it",
    "model_version": "version in the registry",
    "actual": "MXN per litre: what was published, or its mean over the month",
}
# Publications whose forecasts may meet their date now: two months to the longest lead, and seven calendar months to the last month.
NEAR, FAR = 30, 100


def read(lake: Lake, until: str | None = None, publications_back: int = Policy().dates + max(HORIZONS)) -> "pd.DataFrame | None":
    """The newest publications' rows; None before there are any. until: the newest partition to read."""
    import pandas as pd

    keys = [key for key in lake.partitions(LAYER, FILE) if until is None or key <= until][-publications_back:]
    tables = [lake.read_table(f"{LAYER}/{key}/{FILE}") for key in keys]
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else None


@dg.asset(
    partitions_def=publications,
    deps=[prices.prices],  # and the forecasts of earlier publications, which as a dependency would close a circle
    group_name="monitoring",
    kinds={"parquet"},
    owners=[OWNER],
    retry_policy=RETRY,
)
def track_record(context: dg.AssetExecutionContext, lake: Lake) -> dg.MaterializeResult[Any]:
    """Every forecast, the champion's and the challenger's, whose target became known with this publication, beside what came.

    A publication has one record and keeps it; only a corrected workbook of the same date writes it anew.
    """
    import numpy as np
    import pandas as pd

    from milk_assets.forecasting.evaluation.outcomes import Outcomes, ended_months

    publication = context.partition_key
    panel = features.read_panel(lake, publication)
    outcomes = Outcomes.from_panel(panel)
    earlier = [key for key in lake.partitions(prices.LAYER, prices.VINTAGE) if key < publication]
    after = np.datetime64(earlier[-1] if earlier else publication, "D")
    months_ended = len(ended_months(panel.dates)) > len(ended_months(panel.dates[panel.dates <= after]))
    tables = []
    for role, stage in (("champion", forecasts), ("challenger", shadow_forecasts)):
        origins = [key for key in lake.partitions(stage.LAYER, stage.MADE) if key < publication]
        for key in origins[-(FAR if months_ended else NEAR) :]:
            table = outcomes.join_actual(stage.read(lake, key), after)
            tables.append(table.assign(role=role)[list(KEPT)])
    found = [table for table in tables if len(table)]
    empty = pd.DataFrame(columns=list(KEPT)).astype({"origin": "datetime64[ns]", "target": "datetime64[ns]"})
    record = pd.concat(found, ignore_index=True) if found else empty
    path = f"{LAYER}/{publication}/{FILE}"
    lake.write_table(path, record)
    errors = record.assign(mae=(record.forecast - record.actual).abs(), mae_no_change=(record.no_change - record.actual).abs())
    summary = (
        errors.groupby(["role", "task", "lead"], as_index=False)[["mae", "mae_no_change"]].mean() if found else errors.head(0)
    )
    return dg.MaterializeResult(
        metadata={
            **materialization.of_table(record, lake.uri(path), COLUMNS),
            "summary": materialization.markdown(summary) if found else "no forecast has met its date yet",
        },
        data_version=dg.DataVersion(prices.read_vintage(lake, publication)["sha256"]),
    )
