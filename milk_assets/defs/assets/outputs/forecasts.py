"""Forecasts: what the champion says of every active series at a publication.

Belongs here: the asset and its documents. Scoring is `milk_model.forecaster`'s, the one way a bundle is read, here and online.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.defs.assets.data import features, prices
from milk_assets.defs.common import materialization
from milk_assets.defs.common.column_descriptions import FORECASTS
from milk_assets.defs.common.partitions import publications
from milk_assets.defs.common.retry_policy import RETRY
from milk_assets.settings import OWNER
from milk_assets.stores import champion_manifest, model_bundles
from milk_assets.stores.lake import Lake

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LAYER = "forecasts"
MADE = "forecasts.json"


def read(lake: Lake, publication: str) -> "pd.DataFrame":
    """The forecasts of a publication: one row a series, task and lead."""
    return lake.read_table(f"{_folder(publication, read_made(lake, publication))}/forecasts.parquet")


def read_explanations(lake: Lake, publication: str) -> "pd.DataFrame":
    """What moves each city forecast away from no change: one row a series, task, lead and term, MXN per litre, in words."""
    return lake.read_table(f"{_folder(publication, read_made(lake, publication))}/explanations.parquet")


def _folder(publication: str, made: Mapping[str, Any]) -> str:
    """Forecasts of another workbook or model have a folder of their own: a reader never sees half of each."""
    return f"{LAYER}/{publication}/{made['workbook'][:12]}-{made['bundle'][:12]}"


def read_made(lake: Lake, publication: str) -> dict[str, Any]:
    """What a publication's forecasts were made of: workbook, model version, bundle, whether the data are sample data."""
    document: dict[str, Any] = lake.read_json(f"{LAYER}/{publication}/{MADE}")
    return document


def made_of(lake: Lake, publication: str) -> tuple[str, str] | None:
    """The sha256 of the workbook and of the bundle behind a publication's forecasts; None before there are any."""
    if not lake.exists(f"{LAYER}/{publication}/{MADE}"):
        return None
    made = read_made(lake, publication)
    return made["workbook"], made["bundle"]


@dg.asset(
    partitions_def=publications,
    deps=[features.features, "champion"],  # by name: what the champion is decided on is made of earlier forecasts
    group_name="forecasts",
    kinds={"parquet", "xgboost"},
    owners=[OWNER],
    retry_policy=RETRY,
)
def forecasts(context: dg.AssetExecutionContext, lake: Lake, artefacts: Lake) -> dg.MaterializeResult[Any]:
    """Next publications and months for every active series and the national means, with intervals and chances of change."""
    from milk_assets.forecasting.explanations import explain, main_reasons
    from milk_assets.forecasting.model import Model

    publication = context.partition_key
    standing = champion_manifest.served(artefacts)
    if standing is None:
        raise dg.Failure("there is no champion yet; run the jobs `train` and `promote` first", allow_retries=False)
    model = Model.load(model_bundles.read(artefacts, standing["bundle"]).files)
    panel = features.read_panel(lake, publication)
    table, explained = model.predict(panel), explain(model, panel)
    table = table.assign(model_version=str(standing["version"]), is_baseline=standing["is_baseline"])
    vintage = prices.read_vintage(lake, publication)
    made = {name: standing[name] for name in champion_manifest.FACTS} | {
        "trained_through": standing["facts"]["trained_through"],
        "workbook": vintage["sha256"],
        "sample": vintage["sample"],
    }
    folder = _folder(publication, made)
    lake.write_table(f"{folder}/forecasts.parquet", table)
    lake.write_table(f"{folder}/explanations.parquet", explained)
    lake.write_json(f"{LAYER}/{publication}/{MADE}", made)  # last: what it names is whole
    published = champion_manifest.publish_data(lake, artefacts, publication, datetime.now(UTC))
    national = table[(table.level == "national") & (table.task == "month")]
    return dg.MaterializeResult(
        metadata={
            **materialization.of_table(table, lake.uri(f"{folder}/forecasts.parquet"), FORECASTS),
            **made,
            "series": table.series.nunique(),
            "served_data": published["path"] if published else "newer data are served already",
            "national_months": materialization.markdown(
                national[["city", "milk", "channel", "target", "forecast", "lo80", "hi80"]]
            ),
            "largest_reasons": materialization.markdown(
                main_reasons(explained, 1)[["series", "task", "lead", "contribution", "en"]]
            ),
            "plot": materialization.plot(lambda axes: draw(axes, national, vintage["sample"])),
        },
        data_version=dg.DataVersion(f"{vintage['sha256'][:12]}-{standing['bundle'][:12]}"),
    )


def draw(axes: "Axes", national: "pd.DataFrame", sample: bool) -> None:
    """The national monthly forecasts with their 80 % intervals, arithmetic means."""
    for (milk, channel), line in national[national.series.str.contains("aritmetico")].groupby(["milk", "channel"]):
        (drawn,) = axes.plot(line.target, line.forecast, marker="o", markersize=3, linewidth=1.2, label=f"{milk}, {channel}")
        axes.fill_between(line.target, line.lo80, line.hi80, alpha=0.15, color=drawn.get_color(), linewidth=0)
    axes.set_ylabel("MXN per litre")
    axes.set_title(f"Monthly forecast, 80 % interval{' (sample data)' if sample else ''}", loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
