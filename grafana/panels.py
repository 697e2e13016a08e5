"""Panels: how dashboards, rows, panels and queries look.

Belongs here: units, colours, sizes and data sources. Not here: what a dashboard shows (`grafana.platform_dashboard`,
`grafana.endpoint_dashboard`).
"""

from collections.abc import Iterable, Sequence
from typing import Any

from grafana_foundation_sdk.builders import cloudwatch as cloudwatch_builders
from grafana_foundation_sdk.builders import common, dashboard, stat, timeseries
from grafana_foundation_sdk.builders import prometheus as prometheus_builders
from grafana_foundation_sdk.models.cloudwatch import MetricEditorMode, MetricQueryType, QueryMode
from grafana_foundation_sdk.models.common import BigValueColorMode, BigValueGraphMode, DataSourceRef, GraphThresholdsStyleMode
from grafana_foundation_sdk.models.dashboard import Dashboard, Threshold, ThresholdsMode

from milk_assets.resource_names import TIMEZONE

SECONDS_PER_HOUR, SECONDS_PER_DAY = 3600, 86_400
GREEN, RED = "green", "red"
GRID_COLUMNS = 24
STAT_HEIGHT, GRAPH_HEIGHT = 5, 8  # grid rows


def new_dashboard(uid: str, title: str, description: str, data_source: str) -> dashboard.Dashboard:
    """Return an empty dashboard.

    Args:
        uid: Identifier in Grafana's URLs.
        title: Title.
        description: One line about its content.
        data_source: Type of data source, e.g. `prometheus`; the user chooses one of this type in the dashboard.
    """
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["milk"])
        .timezone(TIMEZONE)
        .time("now-30d", "now")
        .refresh("5m")
        .readonly()
        .with_variable(dashboard.DatasourceVariable("source").label("Data source").type(data_source))
    )


def add_row(board: dashboard.Dashboard, title: str, panels: Sequence[Any]) -> dashboard.Dashboard:
    """Return the dashboard with a titled row added: stat panels share the whole width, graphs take half of it each."""
    board = board.with_row(dashboard.Row(title))
    only_stats = all(isinstance(panel, stat.Panel) for panel in panels)
    for panel in panels:
        if only_stats:
            board = board.with_panel(panel.span(GRID_COLUMNS // len(panels)).height(STAT_HEIGHT))
        else:
            board = board.with_panel(panel.span(GRID_COLUMNS // 2).height(GRAPH_HEIGHT))
    return board


def with_panel_ids(board: dashboard.Dashboard) -> Dashboard:
    """Return the dashboard's model with numbered panels, so that links can point to a panel."""
    model = board.build()
    for number, panel in enumerate(model.panels or [], start=1):
        panel.id_val = number
    return model


def stat_panel(
    title: str,
    queries: Iterable[Any],
    *,
    unit: str = "none",
    bad_from: float | None = None,
    decimals: int | None = None,
    reducer: str = "lastNotNull",
) -> stat.Panel:
    """Return a panel with one large number.

    Args:
        title: Title.
        queries: Queries of `prometheus` or `cloudwatch`.
        unit: Grafana's id of the unit.
        bad_from: The number is red from this value upwards.
        decimals: Fixed number of decimals.
        reducer: Grafana's id of the function that reduces the time range to one number.
    """
    steps = [Threshold(value=None, color=GREEN)]
    if bad_from is not None:
        steps.append(Threshold(value=bad_from, color=RED))
    panel = (
        stat.Panel()
        .title(title)
        .unit(unit)
        .color_mode(BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs([reducer]))
        .thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    )
    if decimals is not None:
        panel = panel.decimals(decimals)
    return _with_queries(panel, queries)


def graph_panel(
    title: str, queries: Iterable[Any], *, unit: str = "none", limits: tuple[float | None, float | None] = (None, None)
) -> timeseries.Panel:
    """Return a panel with lines over time.

    Args:
        title: Title.
        queries: Queries of `prometheus` or `cloudwatch`.
        unit: Grafana's id of the unit.
        limits: Lowest and highest good value, drawn as dashed lines; None for no limit.
    """
    low, high = limits
    steps = [Threshold(value=None, color=GREEN if low is None else RED)]
    if low is not None:
        steps.append(Threshold(value=low, color=GREEN))
    if high is not None:
        steps.append(Threshold(value=high, color=RED))
    panel = timeseries.Panel().title(title).unit(unit)
    if limits != (None, None):
        dashed = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
        panel = panel.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)).thresholds_style(dashed)
    return _with_queries(panel, queries)


def prometheus(expression: str, legend: str) -> prometheus_builders.Dataquery:
    """Return a Prometheus query over the whole time range."""
    return prometheus_builders.Dataquery().expr(expression).legend_format(legend).range()


def cloudwatch(
    namespace: str, metric: str, statistic: str, dimensions: dict[str, str], label: str
) -> cloudwatch_builders.MetricsQuery:
    """Return a CloudWatch query with a period of five minutes."""
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


def _with_queries(panel: Any, queries: Iterable[Any]) -> Any:
    panel = panel.datasource(DataSourceRef(uid="${source}"))
    for index, query in enumerate(queries):
        panel = panel.with_target(query.ref_id(chr(ord("A") + index)))
    return panel
