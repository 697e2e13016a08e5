"""Alert sensors: they observe the platform and send messages about incidents.

Belongs here: the sensors `failure_alert`, `check_alert` and `alert_sensor`, and the sources that they read. Not here: which observations
lead to which messages (`milk_assets.monitoring.alerts`) and storing and sending them (`milk_assets.stores.alert_state`).
Dagster's own `make_slack_on_run_failure_sensor` sends one message per failed run; these report each problem once, and its end.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import dagster as dg

from milk_assets.defs.automation import decisions
from milk_assets.defs.common import check_names
from milk_assets.defs.common.run_failures import failure_cause
from milk_assets.defs.resources.telegram import Telegram
from milk_assets.defs.resources.webhook import Webhook
from milk_assets.monitoring.alerts.incidents import Observation, open_incidents, queue_digest
from milk_assets.monitoring.alerts.state_documents import AlertState, Incident
from milk_assets.reporting.file_names import DIGEST
from milk_assets.settings import TIMEZONE
from milk_assets.stores import alert_state, champion_manifest
from milk_assets.stores.alert_state import deliver_messages, record_observations
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import monitoring as monitoring_layers
from milk_assets.stores.layers import prices, reports
from milk_model.artefact_paths import TRACK_RECORD

RUNNING = dg.DefaultSensorStatus.RUNNING
RESULTS_PER_CHECK = 20
"""Newest results of each check that a tick reads: more publications than are ever ingested between two ticks."""
DIGEST_TIME = (7, 30)
"""Hour and minute in Mexico City: half an hour after the daily report."""
FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


@dataclass(frozen=True)
class ObservationSource:
    """Something that observations are read from.

    Attributes:
        complete_rules: Rules of which the source shows every breach, so that an incident it does not show has ended.
        read: Reads the observations; empty where the platform has not written the document yet.
    """

    complete_rules: tuple[str, ...]
    read: Callable[[], list[Observation]]


@dataclass(frozen=True)
class SourceReading:
    """What all sources showed. errors: of the sources that could not be read; their rules are not in `complete_rules`."""

    observations: list[Observation]
    complete_rules: list[str]
    errors: list[Exception]


@dg.run_failure_sensor(
    default_status=RUNNING, description="Opens an incident for a failed run, with its job, partition and causes."
)
def failure_alert(context: dg.RunFailureSensorContext, lake: Lake, telegram: Telegram, webhook: Webhook) -> None:
    from milk_assets.monitoring.alerts.observations import run_observation

    run = context.dagster_run
    causes = [failure_cause(event) for event in context.get_step_failure_events()]
    if not causes:
        causes = [context.failure_event.message or "no cause recorded"]
    observation = run_observation(run.job_name, run.tags.get("dagster/partition", ""), run.run_id, causes)
    record_observations(lake, [observation], (telegram, webhook))
    context.log.info("alert of run %s: %s", run.run_id, deliver_messages(lake, (telegram, webhook)))


@dg.sensor(
    minimum_interval_seconds=decisions.POLL_SECONDS,
    default_status=RUNNING,
    description="Opens an incident for a failed check that does not stop its run, and resolves it when the check passes.",
)
def check_alert(context: dg.SensorEvaluationContext, lake: Lake, telegram: Telegram, webhook: Webhook) -> dg.SensorResult:
    from milk_assets.monitoring.alerts.observations import check_observation

    storage = context.instance.event_log_storage
    records = [
        record
        for key in check_names.WATCHED_CHECKS
        for record in storage.get_asset_check_execution_history(key, limit=RESULTS_PER_CHECK)
    ]
    finished = sorted(
        (record for record in records if isinstance(record.evaluation, dg.AssetCheckEvaluation)),  # not those still running
        key=lambda record: record.id,
    )
    # at the first start, or after a lost cursor, earlier results are history and are not announced
    newest_seen = finished[-1].id if context.cursor is None and finished else int(context.cursor or 0)
    for record in finished:
        evaluation = record.evaluation
        if record.id > newest_seen and evaluation is not None:
            check = record.key.to_user_string()
            observation = check_observation(
                check, record.partition or "", record.id, evaluation.passed, evaluation.description or ""
            )
            # one at a time, so that a failure followed by a pass sends both messages
            record_observations(lake, [observation], (telegram, webhook))
            newest_seen = record.id
    deliver_messages(lake, (telegram, webhook))
    return dg.SensorResult(skip_reason=f"check results up to number {newest_seen} are processed", cursor=str(newest_seen))


@dg.sensor(
    minimum_interval_seconds=decisions.POLL_SECONDS,
    default_status=RUNNING,
    description="Reads feed, drift, live accuracy and ledger; opens and resolves incidents, and sends messages and the daily digest.",
)
def alert_sensor(
    context: dg.SensorEvaluationContext, lake: Lake, artefacts: Lake, telegram: Telegram, webhook: Webhook
) -> dg.SkipReason:
    channels, now = (telegram, webhook), alert_state.clock()
    reading = read_sources(observation_sources(lake, artefacts, now))
    recovered = recovered_jobs(context.instance, open_incidents(alert_state.read_alert_state(lake)))
    state = record_observations(
        lake,
        [*reading.observations, *recovered],
        channels,
        complete_rules=[*reading.complete_rules, "system_silent"],  # this sensor is running
        is_complete=not reading.errors,
    )
    if not reading.errors:
        _queue_daily_digest(lake, artefacts, state, now, alert_state.active_channels(channels))
    alert_state.write_heartbeat(lake, now)
    outcomes = deliver_messages(lake, channels)
    if reading.errors:
        raise reading.errors[0]  # a document that cannot be read is not an empty one: the tick must show the error
    return dg.SkipReason(f"{len(open_incidents(alert_state.read_alert_state(lake)))} incidents open, {outcomes}")


def observation_sources(lake: Lake, artefacts: Lake, now: datetime) -> list[ObservationSource]:
    """Everything that `alert_sensor` reads. Add a source here for a new rule."""
    from milk_assets.monitoring.alerts import observations as observe

    def lateness() -> list[Observation]:
        newest = prices.LAYER.newest(lake)
        return observe.lateness_observations(date.fromisoformat(newest) if newest else None, now)

    def feed() -> list[Observation]:
        document = monitoring_layers.read_newest(lake, monitoring_layers.FEED)
        return observe.feed_observations(document) if document else []

    def drift() -> list[Observation]:
        document = monitoring_layers.read_newest(lake, monitoring_layers.DRIFT)
        return observe.drift_observations(document) if document else []

    def live_accuracy() -> list[Observation]:
        if not artefacts.exists(TRACK_RECORD):
            return []
        return observe.live_accuracy_observations(artefacts.read_json(TRACK_RECORD))

    def ledger() -> list[Observation]:
        entries = champion_manifest.ledger(artefacts).entries()
        return observe.ledger_observations(entry.to_document() for entry in entries)

    return [
        ObservationSource(("publication_late",), lateness),
        ObservationSource(("feed_frozen",), feed),
        ObservationSource(("states_missing", "market_drift"), drift),
        ObservationSource(("model_performance",), live_accuracy),
        ObservationSource((), ledger),
    ]


def read_sources(sources: Iterable[ObservationSource]) -> SourceReading:
    """Read every source; one that cannot be read does not keep the others from being read."""
    reading = SourceReading([], [], [])
    for source in sources:
        try:
            reading.observations.extend(source.read())
        except Exception as error:
            reading.errors.append(error)
        else:
            reading.complete_rules.extend(source.complete_rules)
    return reading


def recovered_jobs(instance: dg.DagsterInstance, incidents: Iterable[Incident]) -> list[Observation]:
    """Successes of the jobs with an open failure, where their newest finished run succeeded."""
    from milk_assets.monitoring.alerts.observations import run_observation

    observations = []
    failed_jobs = sorted({incident.segment for incident in incidents if incident.rule == "run_failed"})
    for job in failed_jobs:
        runs = instance.get_runs(dg.RunsFilter(job_name=job, statuses=FINISHED), limit=1)
        newest = next(iter(runs), None)
        if newest is not None and newest.status == dg.DagsterRunStatus.SUCCESS:
            observations.append(run_observation(job, newest.tags.get("dagster/partition", ""), newest.run_id))
    return observations


def digest_lines(lake: Lake, artefacts: Lake) -> list[str]:
    """What the daily digest says after the open incidents: newest publication, served model, live accuracy, and the report's digest."""
    from milk_assets.monitoring.detection.live_accuracy_report import LiveAccuracyReport

    publication, champion = prices.LAYER.newest(lake), champion_manifest.read_manifest(artefacts)
    model = f"version {champion.version}" if champion else "none"
    lines = [f"Newest publication: {publication or 'none'}. Served model: {model}."]
    report = LiveAccuracyReport.model_validate(artefacts.read_json(TRACK_RECORD)) if artefacts.exists(TRACK_RECORD) else None
    if report and report.newest and report.newest.skill is not None:
        coverage = "" if report.newest.cover80 is None else f" Prices inside the 80 % interval: {report.newest.cover80:.0%}."
        lines.append(f"Error relative to no change: {report.newest.skill:.3f} (below 1 is better).{coverage}")
    report_digest = reports.latest_path(DIGEST)
    if lake.exists(report_digest):
        lines += ["", lake.read_bytes(report_digest).decode()]
    return lines


def _queue_daily_digest(lake: Lake, artefacts: Lake, state: AlertState, now: datetime, channels: Sequence[str]) -> None:
    """Queue the digest of the day once, from DIGEST_TIME on."""
    local_time = now.astimezone(ZoneInfo(TIMEZONE))
    day = local_time.date().isoformat()
    if (local_time.hour, local_time.minute) < DIGEST_TIME or state.digest_day == day:
        return
    lines = digest_lines(lake, artefacts)
    alert_state.update_alert_state(lake, lambda stored: queue_digest(stored, day, lines, now, channels=channels))


ALERT_SENSORS = (failure_alert, check_alert, alert_sensor)
