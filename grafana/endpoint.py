"""The endpoint's dashboard: requests, latency, cold starts and the champion it serves, over CloudWatch.

Belongs here: which of the endpoint's own metrics are shown. Their names are the endpoint's; how a panel looks is `panels`'.
"""

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.panels import DAY, cloudwatch, figure, finished, frame, row, series
from milk_model.artefact_paths import METRICS

FUNCTION = "milk-${environment}-api"
OURS = {"service": FUNCTION}
LAMBDA = {"FunctionName": FUNCTION}
OLDEST_CHAMPION = 120 * DAY  # as the CloudWatch alarm has it


def endpoint() -> Dashboard:
    """The dashboard, ready to be written as JSON."""
    environments = dashboard.CustomVariable("environment").label("Environment").values("prod,staging")
    board = frame(
        "milk-endpoint", "Milk: the endpoint", "Requests, latency, cold starts and the champion that is served", "cloudwatch"
    )
    board = board.with_variable(environments)
    board = row(
        board,
        "At a glance",
        (
            figure(
                "Requests", [cloudwatch("AWS/Lambda", "Invocations", "Sum", LAMBDA, "requests")], decimals=0, reduced_by="sum"
            ),
            figure(
                "Errors", [cloudwatch("AWS/Lambda", "Errors", "Sum", LAMBDA, "errors")], bad_from=1, decimals=0, reduced_by="sum"
            ),
            figure(
                "Age of the champion",
                [cloudwatch(METRICS, "ChampionAgeSeconds", "Maximum", OURS, "age")],
                unit="s",
                bad_from=OLDEST_CHAMPION,
            ),
            figure(
                "Failed refreshes",
                [cloudwatch(METRICS, "ChampionRefreshFailed", "Sum", OURS, "failed")],
                bad_from=1,
                decimals=0,
            ),
        ),
    )
    board = row(
        board,
        "Requests",
        (
            series(
                "Duration",
                [cloudwatch("AWS/Lambda", "Duration", name, LAMBDA, name) for name in ("p50", "p99")],
                unit="ms",
                limits=(None, 2000),
            ),
            series(
                "Requests, errors, throttles",
                [cloudwatch("AWS/Lambda", name, "Sum", LAMBDA, name) for name in ("Invocations", "Errors", "Throttles")],
            ),
            series("Cold starts", [cloudwatch(METRICS, "ColdStart", "Sum", OURS, "cold starts")]),
            series("Unknown series asked for", [cloudwatch(METRICS, "UnknownSeries", "Sum", OURS, "unknown")]),
        ),
    )
    return finished(board)
