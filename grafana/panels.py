"""Panels: how a figure, a line and a query look on every dashboard here.

Belongs here: units, colours, sizes and data sources. What is shown is each dashboard's.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from grafana_foundation_sdk.builders import cloudwatch as cloudwatch_builders
from grafana_foundation_sdk.builders import common, dashboard, stat, timeseries
from grafana_foundation_sdk.builders import prometheus as prometheus_builders
from grafana_foundation_sdk.models.cloudwatch import MetricEditorMode, MetricQueryType, QueryMode
from grafana_foundation_sdk.models.common import BigValueColorMode, BigValueGraphMode, DataSourceRef, GraphThresholdsStyleMode
from grafana_foundation_sdk.models.dashboard import Dashboard, Threshold, ThresholdsMode

HOUR, DAY = 3600, 86_400  # seconds
GREEN, RED = "green", "red"
WHOLE_ROW = 24  # columns of Grafana's grid


def frame(uid: str, title: str, description: str, source: str) -> dashboard.Dashboard:
    """An empty dashboard. source: the kind of data source it asks for, chosen by its reader."""
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["milk"])
        .timezone("America/Mexico_City")
        .time("now-30d", "now")
        .refresh("5m")
        .readonly()
        .with_variable(dashboard.DatasourceVariable("source").label("Data source").type(source))
    )


def row(board: dashboard.Dashboard, title: str, panels: Sequence[Any]) -> dashboard.Dashboard:
    """The dashboard with a titled row of panels, as wide as they fit."""
    board = board.with_row(dashboard.Row(title))
    small = all(isinstance(panel, stat.Panel) for panel in panels)
    for panel in panels:
        board = board.with_panel(panel.span(WHOLE_ROW // len(panels) if small else WHOLE_ROW // 2).height(5 if small else 8))
    return board


def finished(board: dashboard.Dashboard) -> Dashboard:
    """The dashboard's model, its panels numbered, as links to a panel ask for."""
    built = board.build()
    for number, panel in enumerate(built.panels or [], start=1):
        panel.id_val = number
    return built


def figure(
    title: str,
    targets: Iterable[Any],
    *,
    unit: str = "none",
    bad_from: float | None = None,
    decimals: int | None = None,
    reduced_by: str = "lastNotNull",
) -> stat.Panel:
    """One large figure. bad_from: value from which it is red. reduced_by: how the range becomes one figure."""
    steps = [Threshold(value=None, color=GREEN)] + ([] if bad_from is None else [Threshold(value=bad_from, color=RED)])
    panel = (
        stat.Panel()
        .title(title)
        .unit(unit)
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs([reduced_by]))
        .thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    )
    return _asking(panel if decimals is None else panel.decimals(decimals), targets)


def series(
    title: str, targets: Iterable[Any], *, unit: str = "none", limits: tuple[float | None, float | None] = (None, None)
) -> timeseries.Panel:
    """Lines over time. limits: between which they are well, drawn dashed."""
    low, high = limits
    steps = [Threshold(value=None, color=GREEN if low is None else RED)]
    steps += [] if low is None else [Threshold(value=low, color=GREEN)]
    steps += [] if high is None else [Threshold(value=high, color=RED)]
    panel = timeseries.Panel().title(title).unit(unit)
    if limits != (None, None):
        panel = panel.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)).thresholds_style(
            common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
        )
    return _asking(panel, targets)


def prometheus(expression: str, legend: str) -> prometheus_builders.Dataquery:
    """A query of Prometheus over the whole range."""
    return prometheus_builders.Dataquery().expr(expression).legend_format(legend).range()


def cloudwatch(
    namespace: str, metric: str, statistic: str, dimensions: dict[str, str], label: str
) -> cloudwatch_builders.MetricsQuery:
    """A metric of CloudWatch, each five minutes."""
    return (
        cloudwatch_builders.MetricsQuery()
        .query_mode(QueryMode.METRICS)
        .metric_query_type(MetricQueryType.SEARCH)
        .metric_editor_mode(MetricEditorMode.BUILDER)
        .region("default")
        .namespace(namespace)
        .metric_name(metric)
        .statistic(statistic)
        .dimensions({name: [value] for name, value in dimensions.items()})
        .match_exact(True)
        .period("300")
        .label(label)
    )


def _asking(panel: Any, targets: Iterable[Any]) -> Any:
    panel = panel.datasource(DataSourceRef(uid="${source}"))
    for place, target in enumerate(targets):
        panel = panel.with_target(target.ref_id(chr(ord("A") + place)))
    return panel
