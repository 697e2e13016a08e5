"""Platform dashboard: feed, live accuracy, drift, champion and alerts, from the platform's Prometheus metrics.

Belongs here: which metrics of `milk_assets.commands.metrics_server` are shown, with their limits. Not here: how panels look
(`grafana.panels`).
"""

from typing import Any

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.panels import (
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    add_row,
    graph_panel,
    new_dashboard,
    prometheus,
    stat_panel,
    with_panel_ids,
)
from milk_assets.monitoring.detection import live_accuracy

OLDEST_PUBLICATION_DAYS = 5  # three publications appear each week
ALERT_SENSOR_TIMEOUT = SECONDS_PER_HOUR / 4


def platform_dashboard() -> Dashboard:
    """Return the dashboard's model."""
    board = new_dashboard("milk-platform", "Milk: platform", "Feed, live accuracy, drift, champion and alerts", "prometheus")
    board = add_row(board, "Overview", _overview())
    board = add_row(board, "Live accuracy", _live_accuracy())
    board = add_row(board, "Feed and drift", _feed_and_drift())
    board = add_row(board, "Alerts", _alerts())
    return with_panel_ids(board)


def _overview() -> tuple[Any, ...]:
    return (
        stat_panel("Open incidents", [prometheus("sum(milk_incidents_open)", "open")], bad_from=1, decimals=0),
        stat_panel(
            "Age of the newest publication",
            [prometheus("milk_publication_age_seconds", "age")],
            unit="s",
            bad_from=OLDEST_PUBLICATION_DAYS * SECONDS_PER_DAY,
        ),
        stat_panel("Late publications", [prometheus("milk_publications_late", "late")], bad_from=1, decimals=0),
        stat_panel(
            "Error ratio to the no-change baseline (S)",
            [prometheus("milk_skill_ratio", "S")],
            bad_from=live_accuracy.WORST_SKILL,
            decimals=3,
        ),
        stat_panel("Served model version", [prometheus("milk_champion_version", "version")], decimals=0),
        stat_panel(
            "Time since the last alert sensor tick",
            [prometheus("time() - milk_alert_beat_timestamp_seconds", "s")],
            unit="s",
            bad_from=ALERT_SENSOR_TIMEOUT,
        ),
    )


def _live_accuracy() -> tuple[Any, ...]:
    worst_bias = live_accuracy.WORST_BIAS
    return (
        graph_panel(
            "Error ratio by horizon (1 equals no change)",
            [prometheus("milk_error_ratio", "+{{horizon}}")],
            limits=(None, live_accuracy.WORST_SKILL),
        ),
        graph_panel(
            "Share of prices inside the 80 % interval",
            [prometheus('milk_interval_coverage_ratio{level="80"}', "80 %")],
            unit="percentunit",
            limits=live_accuracy.COVERAGE,
        ),
        graph_panel(
            "Bias 13 publications ahead, MXN/l",
            [prometheus("milk_bias_pesos", "bias")],
            limits=(-worst_bias, worst_bias),
        ),
        graph_panel("Brier score relative to the mean rate", [prometheus("milk_brier_ratio", "Brier")], limits=(None, 1.0)),
    )


def _feed_and_drift() -> tuple[Any, ...]:
    return (
        graph_panel(
            "Drift relative to its threshold",
            [prometheus("milk_drift_threshold_ratio", "{{signal}} {{milk}}/{{channel}}")],
            limits=(None, 1.0),
        ),
        graph_panel(
            "Expected series, and those with a price",
            [prometheus("milk_series_priced", "with a price"), prometheus("milk_series_usual", "expected")],
        ),
        graph_panel("Restated past prices", [prometheus("milk_restated_prices", "restated")]),
        graph_panel(
            "Consecutive publications without a change",
            [prometheus("milk_unchanged_publications", "unchanged")],
            limits=(None, 1.5),
        ),
    )


def _alerts() -> tuple[Any, ...]:
    return (
        graph_panel("Open incidents by rule", [prometheus("milk_incidents_open > 0", "{{rule}}")]),
        graph_panel(
            "Queued messages and unreadable documents",
            [prometheus("milk_messages_waiting", "queued"), prometheus("sum(milk_read_errors)", "unreadable")],
        ),
    )
