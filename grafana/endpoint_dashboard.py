"""Endpoint dashboard: requests, latency, cold starts and the served model, from CloudWatch.

Belongs here: which metrics of the endpoint are shown. Not here: how panels look (`grafana.panels`). Limits are the thresholds of the
CloudWatch alarms (`cdk.common.alarm_thresholds`).
"""

from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import Dashboard

from cdk.common.alarm_thresholds import OLDEST_CHAMPION_DAYS, SLOWEST_REQUEST_MS
from grafana.panels import SECONDS_PER_DAY, add_row, cloudwatch, graph_panel, new_dashboard, stat_panel, with_panel_ids
from milk_model.artefact_paths import METRICS

FUNCTION_NAME = "milk-${environment}-api"


def endpoint_dashboard() -> Dashboard:
    """Return the dashboard's model."""
    environments = dashboard.CustomVariable("environment").label("Environment").values("prod,staging")
    board = new_dashboard(
        "milk-endpoint", "Milk: endpoint", "Requests, latency, cold starts and the served model", "cloudwatch"
    ).with_variable(environments)
    board = add_row(board, "Overview", _overview())
    board = add_row(board, "Requests", _requests())
    return with_panel_ids(board)


def _overview() -> tuple[Any, ...]:
    return (
        stat_panel("Requests", [_lambda_metric("Invocations", "Sum", "requests")], decimals=0, reducer="sum"),
        stat_panel("Errors", [_lambda_metric("Errors", "Sum", "errors")], bad_from=1, decimals=0, reducer="sum"),
        stat_panel(
            "Age of the served model",
            [_endpoint_metric("ChampionAgeSeconds", "Maximum", "age")],
            unit="s",
            bad_from=OLDEST_CHAMPION_DAYS * SECONDS_PER_DAY,
        ),
        stat_panel("Failed refreshes", [_endpoint_metric("ChampionRefreshFailed", "Sum", "failed")], bad_from=1, decimals=0),
    )


def _requests() -> tuple[Any, ...]:
    return (
        graph_panel(
            "Duration",
            [_lambda_metric("Duration", percentile, percentile) for percentile in ("p50", "p99")],
            unit="ms",
            limits=(None, SLOWEST_REQUEST_MS),
        ),
        graph_panel(
            "Requests, errors, throttles",
            [_lambda_metric(metric, "Sum", metric) for metric in ("Invocations", "Errors", "Throttles")],
        ),
        graph_panel("Cold starts", [_endpoint_metric("ColdStart", "Sum", "cold starts")]),
        graph_panel("Requests for unknown series", [_endpoint_metric("UnknownSeries", "Sum", "unknown")]),
    )


def _lambda_metric(metric: str, statistic: str, label: str) -> Any:
    return cloudwatch("AWS/Lambda", metric, statistic, {"FunctionName": FUNCTION_NAME}, label)


def _endpoint_metric(metric: str, statistic: str, label: str) -> Any:
    return cloudwatch(METRICS, metric, statistic, {"service": FUNCTION_NAME}, label)
