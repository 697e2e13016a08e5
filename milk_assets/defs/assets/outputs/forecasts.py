"""Forecasts: the champion's forecasts of every active series at a publication.

Belongs here: the asset and its metadata. Scoring is `milk_model.forecaster`, paths are `stores.layers.forecasts`.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.defs.common import materialization
from milk_assets.defs.common.publication_asset import publication_asset
from milk_assets.stores import champion_manifest, model_bundles
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import forecasts as layer
from milk_assets.stores.layers import prices

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@publication_asset(group="forecasts", kinds={"parquet", "xgboost"}, deps=["features", "champion"])
def forecasts(context: dg.AssetExecutionContext, lake: Lake, artefacts: Lake) -> dg.MaterializeResult[Any]:
    """Next publications and months for every active series and the national means, with intervals and chances of change."""
    from milk_assets.forecasting.explanations import explain, main_reasons
    from milk_assets.forecasting.model import Model
    from milk_assets.frames import ForecastsFrame, described_columns

    publication = context.partition_key
    champion = champion_manifest.read_manifest(artefacts)
    if champion is None:
        raise dg.Failure("there is no champion yet: run the jobs `train` and `promote` first", allow_retries=False)
    model = Model.load(model_bundles.read(artefacts, champion.bundle).files)
    panel, vintage = prices.read_panel(lake, publication), prices.read_vintage(lake, publication)
    explanations = explain(model, panel)
    table = model.predict(panel).assign(model_version=str(champion.version), is_baseline=champion.is_baseline)
    source = layer.ForecastSource(
        version=champion.version,
        bundle=champion.bundle,
        is_baseline=champion.is_baseline,
        trained_through=champion.facts["trained_through"],
        workbook=vintage.sha256,
        sample=vintage.sample,
    )
    layer.write_forecasts(lake, publication, source, table, explanations)
    served_data = champion_manifest.publish_data(lake, artefacts, publication, datetime.now(UTC))
    national = table[(table.level == "national") & (table.task == "month")]
    return dg.MaterializeResult(
        metadata={
            **materialization.of_table(
                table, lake.uri(layer.forecasts_path(publication, source)), described_columns(ForecastsFrame)
            ),
            **source.model_dump(exclude={"schema_version"}),
            "series": table.series.nunique(),
            "served_data": served_data.path if served_data else "newer data are served already",
            "national_months": materialization.markdown(
                national[["city", "milk", "channel", "target", "forecast", "lo80", "hi80"]]
            ),
            "largest_reasons": materialization.markdown(
                main_reasons(explanations, 1)[["series", "task", "lead", "contribution", "en"]]
            ),
            "plot": materialization.plot(lambda axes: draw_national_months(axes, national, vintage.sample)),
        },
        data_version=dg.DataVersion(f"{source.workbook[:12]}-{source.bundle[:12]}"),
    )


def draw_national_months(axes: "Axes", national: "pd.DataFrame", sample: bool) -> None:
    """Plot the national monthly forecasts with their 80 % intervals, arithmetic means."""
    for (milk, channel), line in national[national.series.str.contains("aritmetico")].groupby(["milk", "channel"]):
        (drawn,) = axes.plot(line.target, line.forecast, marker="o", markersize=3, linewidth=1.2, label=f"{milk}, {channel}")
        axes.fill_between(line.target, line.lo80, line.hi80, alpha=0.15, color=drawn.get_color(), linewidth=0)
    axes.set_ylabel("MXN per litre")
    axes.set_title(f"Monthly forecast, 80 % interval{' (sample data)' if sample else ''}", loc="left", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
