"""Observations: what the platform's documents say about each alert rule, and the text that people receive.

Belongs here: one function per document, plain values in, `Observation`s out. Not here: reading the documents
(`milk_assets.defs.automation.alert_sensors`) and deciding which observations lead to a message (`incidents`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from milk_assets.monitoring.alerts.incidents import Observation
from milk_assets.monitoring.detection.feed import FROZEN_PUBLICATIONS, FeedReport, late_publications
from milk_assets.monitoring.detection.live_accuracy_report import LiveAccuracyReport
from milk_assets.monitoring.detection.market_drift import DriftReport, SegmentDrift

SILENT_AFTER = timedelta(minutes=15)
"""Time without a heartbeat of the alert sensor, which runs twice a minute. A restart or a deployment takes less."""
RULE_OF_ACTION = {
    "promote": "champion_promoted",
    "first": "champion_promoted",
    "fall_back": "champion_rolled_back",
    "rollback": "champion_rolled_back",
}
"""Applied change of the champion → its rule. A repair has none, because the served model stays the same."""
ACTION_LABELS = {
    "promote": "Promotion",
    "first": "First model",
    "fall_back": "Switch to the baseline",
    "rollback": "Rollback",
}
NEWEST_CHANGES = 100
"""Changes of the champion that are reported: fewer than the announced events that are remembered, so none is announced twice."""
MILK_LABELS = {"uht": "UHT milk", "pasteurised": "pasteurised milk"}
CHANNEL_LABELS = {"store": "stores", "supermarket": "supermarkets"}
SIGNAL_LABELS = {
    "returns": "mean price change",
    "changed": "share of changed prices",
    "spread": "price difference from the other markets",
}


def lateness_observations(newest: date | None, now: datetime) -> list[Observation]:
    """Whether expected publications are missing.

    Args:
        newest: The newest validated publication; None before the first.
        now: Current time, with its time zone.
    """
    late = late_publications(newest, now) if newest else None
    if late is None:
        return []
    return [Observation("publication_late", late.dates[-1].isoformat(), f"{late}. Newest publication: {newest}.")]


def feed_observations(document: Mapping[str, Any]) -> list[Observation]:
    """Whether the feed is frozen or changed its past, from a stored FeedReport."""
    report = FeedReport.model_validate(document)
    day, restated = report.publication.isoformat(), report.restated
    observations = []
    if report.is_frozen:
        text = f"{day}: no price changed in the last {report.unchanged_publications} publications."
        observations.append(Observation("feed_frozen", day, text))
    if restated.prices:
        text = (
            f"{day}: {restated.prices} prices on {restated.dates} dates ({restated.first} to {restated.last}) "
            f"differ from publication {restated.against}."
        )
        observations.append(Observation("past_restated", f"{day}:{report.workbook[:12]}", text))
    return observations


def drift_observations(document: Mapping[str, Any]) -> list[Observation]:
    """States without a price, and signals that exceed their threshold twice in a row, from a stored DriftReport.

    While the whole feed is frozen, its markets are not also reported as drifting.
    """
    report = DriftReport.model_validate(document)
    day, coverage = report.publication.isoformat(), report.coverage
    observations = []
    if coverage.breached:
        states = f"States without a price: {', '.join(coverage.missing_states)}." if coverage.missing_states else ""
        text = f"{day}: {coverage.priced} of the {coverage.usual} usual prices are present. {states}".rstrip()
        observations.append(Observation("states_missing", day, text))
    if report.unchanged_publications < FROZEN_PUBLICATIONS:
        observations += [
            Observation("market_drift", day, f"{day}: {_drift_text(drift)}", drift.column)
            for drift in report.signals
            if drift.repeated
        ]
    return observations


def _drift_text(drift: SegmentDrift) -> str:
    market = f"{MILK_LABELS.get(drift.milk, drift.milk)} in {CHANNEL_LABELS.get(drift.channel, drift.channel)}"
    return (
        f"{market}, {SIGNAL_LABELS[drift.signal]}: {_figure(drift.current)} %, usually {_figure(drift.reference)} %. "
        f"Distance {_figure(drift.statistic)}, limit {_figure(drift.threshold)}."
    )


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def live_accuracy_observations(document: Mapping[str, Any]) -> list[Observation]:
    """Which accuracy rules the served model breaches, from a stored LiveAccuracyReport."""
    report = LiveAccuracyReport.model_validate(document)
    return [
        Observation("model_performance", str(report.publication), alarm.text, alarm.rule, report.version or "")
        for alarm in report.alarms
    ]


def ledger_observations(entries: Iterable[Mapping[str, Any]]) -> list[Observation]:
    """Changes of the champion: promotions, rollbacks, fall-backs, and changes that failed.

    Args:
        entries: The ledger's documents, in order.

    Returns:
        The newest NEWEST_CHANGES of them.
    """
    observations = []
    for entry in entries:
        action = entry.get("action", "")
        rule = {"applied": RULE_OF_ACTION.get(action), "aborted": "promotion_aborted"}.get(entry["kind"])
        if rule is None:
            continue
        version = str((entry.get("to") or {}).get("version", ""))
        observations.append(Observation(rule, f"ledger {entry['number']}", _change_text(entry, action), action, version))
    return observations[-NEWEST_CHANGES:]


def _change_text(entry: Mapping[str, Any], action: str) -> str:
    new, previous = entry.get("to") or {}, entry.get("expected") or {}
    baseline = " (no-change baseline)" if new.get("is_baseline") else ""
    versions = f"version {previous.get('version', 'none')} → {new.get('version', '?')}{baseline}"
    reason = entry.get("reason") or "not given"
    outcome = f" Outcome: {entry['outcome']}" if entry.get("outcome") else ""
    return f"{ACTION_LABELS.get(action, action)} by {entry['actor']}: {versions}. Reason: {reason}.{outcome}"


def run_observation(job: str, partition: str, run_id: str, causes: Iterable[str] = ()) -> Observation:
    """How a run of a job ended. causes: of its failure, one line each; none where it succeeded."""
    failures, run = list(causes), f"{job} {partition}".strip()
    text = "\n".join([run, *failures]) if failures else f"{run} succeeded"
    return Observation("run_failed", run_id, text, segment=job, is_breach=bool(failures))


def check_observation(check: str, partition: str, result_id: int, passed: bool, description: str) -> Observation:
    """The result of a check that does not stop a run. result_id: number of the result in Dagster's event log."""
    text = f"{f'{check} {partition}'.strip()}: {description}"
    return Observation("check_failed", str(result_id), text, segment=check, is_breach=not passed)


def health_observation(run_id: str, problem: str | None, url: str) -> Observation:
    """How the endpoint answered. problem: why it is unhealthy, None where it is healthy."""
    return Observation("api_unhealthy", run_id, problem or f"{url} is healthy again", is_breach=problem is not None)


def silence_observations(heartbeat: datetime | None, now: datetime) -> list[Observation]:
    """Whether the alert sensor itself has stopped, seen from another process. heartbeat: its newest one, None before the first."""
    if heartbeat is None or now - heartbeat <= SILENT_AFTER:
        return []
    text = f"The alert sensor last ran at {heartbeat:%Y-%m-%d %H:%M} UTC. Is the Dagster daemon running?"
    return [Observation("system_silent", heartbeat.isoformat(), text)]
