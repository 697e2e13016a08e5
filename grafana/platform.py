"""The platform's dashboard: feed, live accuracy, drift, champion and alerts, over its own Prometheus metrics.

Belongs here: what is shown of `milk_assets.commands.metrics_server`, and where its limits lie. How a panel looks is `panels`'.
"""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.panels import DAY, HOUR, figure, finished, frame, prometheus, row, series
from milk_assets.monitoring.detection import live_accuracy


def platform() -> Dashboard:
    """The dashboard, ready to be written as JSON."""
    low, high = live_accuracy.COVERAGE
    board = frame("milk-platform", "Milk: the platform", "Feed, live accuracy, drift, champion and alerts", "prometheus")
    rows: tuple[tuple[str, tuple[object, ...]], ...] = (
        (
            "At a glance",
            (
                figure("Incidents open", [prometheus("sum(milk_incidents_open)", "open")], bad_from=1, decimals=0),
                figure(
                    "Age of the newest publication",
                    [prometheus("milk_publication_age_seconds", "age")],
                    unit="s",
                    bad_from=5 * DAY,
                ),
                figure("Publications late", [prometheus("milk_publications_late", "late")], bad_from=1, decimals=0),
                figure(
                    "S, against no change", [prometheus("milk_skill_ratio", "S")], bad_from=live_accuracy.WORST_SKILL, decimals=3
                ),
                figure("Version served", [prometheus("milk_champion_version", "version")], decimals=0),
                figure(
                    "Silence of the alert sensor",
                    [prometheus("time() - milk_alert_beat_timestamp_seconds", "s")],
                    unit="s",
                    bad_from=HOUR / 4,
                ),
            ),
        ),
        (
            "Live accuracy",
            (
                series(
                    "S by horizon (1 is no change)",
                    [prometheus("milk_error_ratio", "+{{horizon}}")],
                    limits=(None, live_accuracy.WORST_SKILL),
                ),
                series(
                    "Prices inside the 80 % interval",
                    [prometheus('milk_interval_coverage_ratio{level="80"}', "80 %")],
                    unit="percentunit",
                    limits=(low, high),
                ),
                series(
                    "Bias, 13 publications ahead, MXN/l",
                    [prometheus("milk_bias_pesos", "bias")],
                    limits=(-live_accuracy.WORST_BIAS, live_accuracy.WORST_BIAS),
                ),
                series("Brier score over that of the mean rate", [prometheus("milk_brier_ratio", "Brier")], limits=(None, 1.0)),
            ),
        ),
        (
            "Feed and drift",
            (
                series(
                    "Drift over its threshold",
                    [prometheus("milk_drift_threshold_ratio", "{{signal}} {{milk}}/{{channel}}")],
                    limits=(None, 1.0),
                ),
                series(
                    "Usual series with and without a price",
                    [prometheus("milk_series_priced", "priced"), prometheus("milk_series_usual", "usual")],
                ),
                series("Prices of the past that were changed", [prometheus("milk_restated_prices", "restated")]),
                series(
                    "Publications in a row without a change",
                    [prometheus("milk_unchanged_publications", "unchanged")],
                    limits=(None, 1.5),
                ),
            ),
        ),
        (
            "Alerts",
            (
                series("Incidents open, by rule", [prometheus("milk_incidents_open > 0", "{{rule}}")]),
                series(
                    "Messages waiting, documents unreadable",
                    [prometheus("milk_messages_waiting", "waiting"), prometheus("sum(milk_read_errors)", "unreadable")],
                ),
            ),
        ),
    )
    for title, panels in rows:
        board = row(board, title, panels)
    return finished(board)
