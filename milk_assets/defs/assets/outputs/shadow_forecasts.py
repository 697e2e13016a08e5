"""Shadow forecasts: what the challenger would have said, beside the champion.

Belongs here: the asset and its documents. They are issued and scored like the champion's, and served to nobody.
"""

from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.defs.assets.data import features, prices
from milk_assets.defs.assets.models import candidate
from milk_assets.defs.common import materialization
from milk_assets.defs.common.column_descriptions import FORECASTS
from milk_assets.defs.common.partitions import publications
from milk_assets.defs.common.retry_policy import RETRY
from milk_assets.settings import OWNER
from milk_assets.stores import model_bundles
from milk_assets.stores.lake import Lake

if TYPE_CHECKING:
    import pandas as pd

LAYER = "shadow_forecasts"
MADE = "shadow.json"
TABLE = "shadow.parquet"
LOOK_BACK = 40  # publications in which a contender's shadow is counted: three months; trials end, one way or the other, in weeks


def read(lake: Lake, publication: str) -> "pd.DataFrame":
    """The challenger's forecasts of a publication: one row a series, task and lead."""
    return lake.read_table(f"{LAYER}/{publication}/{TABLE}")


def made_by(lake: Lake, contender: str, until: str) -> list[dict[str, Any]]:
    """What the shadow forecasts of a contender were made of, publication by publication, newest first."""
    keys = [key for key in lake.partitions(LAYER, MADE) if key <= until][-LOOK_BACK:]
    found = (lake.read_json(f"{LAYER}/{key}/{MADE}") for key in reversed(keys))
    return [made for made in found if made["contender"] == contender]


@dg.asset(
    partitions_def=publications,
    deps=[features.features, dg.AssetDep(candidate.candidate, partition_mapping=dg.AllPartitionMapping())],
    group_name="forecasts",
    kinds={"parquet", "xgboost"},
    owners=[OWNER],
    retry_policy=RETRY,
)
def shadow_forecasts(context: dg.AssetExecutionContext, lake: Lake, artefacts: Lake) -> dg.MaterializeResult[Any]:
    """The newest challenger's forecasts, issued before their dates are published, so that it has a live record before it serves."""
    from milk_assets.forecasting.model import Model

    publication = context.partition_key
    newest = lake.newest(candidate.LAYER, candidate.FILE, until=publication)
    if newest is None:
        return dg.MaterializeResult(metadata={"challenger": "none yet"})
    challenger = candidate.read(lake, newest)
    model = Model.load(model_bundles.read(artefacts, challenger["bundle"]).files)
    table = model.predict(features.read_panel(lake, publication))
    table = table.assign(model_version=str(challenger["version"]), is_baseline=False)
    made = {name: challenger[name] for name in ("version", "bundle", "contender")} | {
        "publication": publication,
        "workbook": prices.read_vintage(lake, publication)["sha256"],
    }
    lake.write_table(f"{LAYER}/{publication}/{TABLE}", table)
    lake.write_json(f"{LAYER}/{publication}/{MADE}", made)  # last: what it names is whole
    return dg.MaterializeResult(
        metadata={**materialization.of_table(table, lake.uri(f"{LAYER}/{publication}/{TABLE}"), FORECASTS), **made},
        data_version=dg.DataVersion(f"{made['workbook'][:12]}-{made['bundle'][:12]}"),
    )
