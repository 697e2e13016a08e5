"""Alerts: what gathers the facts, keeps the alert state and sends its messages.

Belongs here: the sensors `failure_alert`, `check_alert` and `alert_sensor`, and the state's file. What is told of which fact is decided
in `milk_assets.monitoring`, by pure functions; here it is only looked up, stored and sent.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import dagster as dg

from milk_assets.defs.automation import decisions
from milk_assets.defs.common import check_names
from milk_assets.defs.common.run_failures import failure_cause
from milk_assets.defs.resources.http_post import Attempt
from milk_assets.defs.resources.telegram import Telegram
from milk_assets.defs.resources.webhook import Webhook
from milk_assets.monitoring.alerts import incidents
from milk_assets.monitoring.alerts.incidents import Fact, State
from milk_assets.monitoring.alerts.rules import RULES
from milk_assets.settings import TIMEZONE
from milk_assets.stores import champion_manifest
from milk_assets.stores.lake import Lake, json_bytes
from milk_assets.stores.layers import prices
from milk_model.artefact_paths import TRACK_RECORD

FOLDER = "monitoring"
STATE = f"{FOLDER}/alerts.json"
BEAT = f"{FOLDER}/beat.json"  # when the alert sensor last looked: what watches it reads this
RUNNING = dg.DefaultSensorStatus.RUNNING
RESULTS_A_TICK = 20  # newest results of each check: more publications than are ever read between two ticks
MESSAGES_A_TICK = 10  # to each channel: chats take some twenty a minute, and a tick must end
ATTEMPTS = 20  # of a write that others came before
DIGEST_AT = (7, 30)  # hour and minute in Mexico City: half an hour after the report
RULES_OF_DOCUMENTS = ("publication_late", "feed_frozen", "states_missing", "market_drift", "model_performance")
FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


class Channel(Protocol):
    """Where messages go: Telegram and Webhook are some."""

    @property
    def name(self) -> str: ...
    @property
    def is_set_up(self) -> bool: ...
    def attempt(self, text: str) -> Attempt: ...


@dg.run_failure_sensor(default_status=RUNNING, description="Opens an incident for a failed run: job, partition, what went wrong.")
def failure_alert(context: dg.RunFailureSensorContext, lake: Lake, telegram: Telegram, webhook: Webhook) -> None:
    from milk_assets.monitoring.alerts.alert_facts import run_fact

    run = context.dagster_run
    causes = [failure_cause(event) for event in context.get_step_failure_events()] or [
        context.failure_event.message or "no cause recorded"
    ]
    fact = run_fact(run.job_name, run.tags.get("dagster/partition", ""), run.run_id, causes)
    observe(lake, [fact], (telegram, webhook))
    context.log.info("alert of run %s: %s", run.run_id, deliver(lake, (telegram, webhook)))


@dg.sensor(
    minimum_interval_seconds=decisions.POLL_SECONDS,
    default_status=RUNNING,
    description="Opens an incident for failed checks that stopped no run, and so would go unseen; ends it when they pass.",
)
def check_alert(context: dg.SensorEvaluationContext, lake: Lake, telegram: Telegram, webhook: Webhook) -> dg.SensorResult:
    from milk_assets.monitoring.alerts.alert_facts import check_fact

    storage = context.instance.event_log_storage
    records = [
        record for key in check_names.WATCHED for record in storage.get_asset_check_execution_history(key, limit=RESULTS_A_TICK)
    ]
    ended = sorted(
        (record for record in records if isinstance(record.evaluation, dg.AssetCheckEvaluation)),  # not those of runs under way
        key=lambda record: record.id,
    )
    told = ended[-1].id if context.cursor is None and ended else int(context.cursor or 0)
    for record in ended:
        found = record.evaluation
        if record.id > told and found is not None:  # a first start, or a lost cursor, tells nothing of the past
            key = record.key.to_user_string()
            fact = check_fact(key, record.partition or "", record.id, found.passed, found.description or "")
            observe(lake, [fact], (telegram, webhook))  # one by one: what failed and then passed is told both
            told = record.id
    deliver(lake, (telegram, webhook))
    return dg.SensorResult(skip_reason=f"check results up to {told} are told", cursor=str(told))


@dg.sensor(
    minimum_interval_seconds=decisions.POLL_SECONDS,
    default_status=RUNNING,
    description="Looks at the feed, drift, live accuracy and the ledger; opens and ends incidents, sends what waits, and the day's digest.",
)
def alert_sensor(
    context: dg.SensorEvaluationContext, lake: Lake, artefacts: Lake, telegram: Telegram, webhook: Webhook
) -> dg.SkipReason:
    channels, now = (telegram, webhook), clock()
    facts, whole, faults = gathered(lake, artefacts, now)
    facts += recovered(context.instance, incidents.open_incidents(read_state(lake)))
    state = observe(lake, facts, channels, whole=[*whole, "system_silent"], complete=not faults)
    here = now.astimezone(ZoneInfo(TIMEZONE))
    if not faults and (here.hour, here.minute) >= DIGEST_AT and state["digest"] != here.date().isoformat():
        lines = digest_lines(lake, artefacts)
        keep(lake, lambda state: incidents.digest(state, here.date().isoformat(), lines, now, channels=set_up(channels)))
    lake.write_json(BEAT, {"at": now.isoformat(timespec="seconds")})
    sent = deliver(lake, channels)
    if faults:
        raise faults[0]  # what could be read was told; a failed read is not an empty one, so the tick fails
    return dg.SkipReason(f"{len(incidents.open_incidents(read_state(lake)))} incidents open, {sent}")


def clock() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def gathered(lake: Lake, artefacts: Lake, now: datetime) -> tuple[list[Fact], list[str], list[Exception]]:
    """The facts of the newest documents, the rules of which they are the whole truth, and what could not be read."""
    from milk_assets.monitoring.alerts import alert_facts as facts

    def lateness() -> list[Fact]:
        newest = prices.LAYER.newest(lake)
        return facts.lateness_facts(date.fromisoformat(newest) if newest else None, now)

    def newest_document(layer: str, file: str, read: Callable[[Any], list[Fact]]) -> list[Fact]:
        key = lake.newest(layer, file)
        return read(lake.read_json(f"{layer}/{key}/{file}")) if key else []

    def performance() -> list[Fact]:
        return facts.performance_facts(artefacts.read_json(TRACK_RECORD)) if artefacts.exists(TRACK_RECORD) else []

    looks: Sequence[tuple[tuple[str, ...], Callable[[], list[Fact]]]] = (
        (("publication_late",), lateness),
        (("feed_frozen",), lambda: newest_document("feed_report", "feed.json", facts.feed_facts)),
        (("states_missing", "market_drift"), lambda: newest_document("drift_report", "drift.json", facts.drift_facts)),
        (("model_performance",), performance),
        ((), lambda: facts.ledger_facts(entry.to_document() for entry in champion_manifest.ledger(artefacts).entries())),
    )
    found: list[Fact] = []
    whole: list[str] = []
    faults: list[Exception] = []
    for rules, look in looks:
        try:
            found += look()
            whole += rules
        except Exception as error:
            faults.append(error)
    return found, whole, faults


def recovered(instance: dg.DagsterInstance, standing: Iterable[dict[str, Any]]) -> list[Fact]:
    """Of the jobs whose failure stands, those whose newest finished run succeeded."""
    from milk_assets.monitoring.alerts.alert_facts import run_fact

    facts = []
    for job in sorted({one["segment"] for one in standing if one["rule"] == "run_failed"}):
        (newest, *_) = [*instance.get_runs(dg.RunsFilter(job_name=job, statuses=FINISHED), limit=1), None]
        if newest is not None and newest.status == dg.DagsterRunStatus.SUCCESS:
            facts.append(run_fact(job, newest.tags.get("dagster/partition", ""), newest.run_id))
    return facts


def digest_lines(lake: Lake, artefacts: Lake) -> list[str]:
    """What a day's digest says beside what is open: newest publication, live accuracy, the report's own digest."""
    newest, standing = prices.LAYER.newest(lake), champion_manifest.read_manifest(artefacts)
    document = artefacts.read_json(TRACK_RECORD) if artefacts.exists(TRACK_RECORD) else None
    lines = [f"newest publication {newest or 'none'}, version {standing.version if standing else 'none'} served"]
    if document and document["newest"] and document["newest"]["skill"] is not None:
        lines.append(
            f"error over that of no change {document['newest']['skill']:.3f}, inside 80 %: {document['newest']['cover80']:.0%}"
        )
    report = "price_report/latest/digest.txt"
    return lines + (["", lake.read_bytes(report).decode()] if lake.exists(report) else [])


def set_up(channels: Iterable[Channel]) -> list[str]:
    """The names of the channels that have somebody to tell."""
    return [channel.name for channel in channels if channel.is_set_up]


def read_state(lake: Lake) -> State:
    """The alert state; that of a system which told nothing yet where there is none."""
    return _read(lake.read_tagged(STATE))


def observe(
    lake: Lake, facts: Sequence[Fact], channels: Iterable[Channel], *, whole: Sequence[str] = (), complete: bool = False
) -> State:
    """Store what some facts make of the alert state. complete: they are all there are.

    Until a first complete look, events are taken as told: what happened before anybody watched is no news.
    """
    named, now = set_up(channels), clock()

    def change(state: State) -> State:
        if not state["adopted"]:
            past = [fact for fact in facts if RULES[fact.rule].once]
            state = incidents.observe(state, past, now, channels=()) | {"adopted": complete}
        return incidents.observe(state, facts, now, whole=whole, channels=named)

    return keep(lake, change)


def keep(lake: Lake, change: Callable[[State], State]) -> State:
    """Apply a pure change to the stored state, over again where another came first; returns what is stored."""
    for _ in range(ATTEMPTS):
        found = lake.read_tagged(STATE)
        before = _read(found)
        after = change(before)
        if after == before or lake.replace_bytes(STATE, json_bytes(after), found[1] if found else None):
            return after
    raise RuntimeError(f"{lake.uri(STATE)} was changed {ATTEMPTS} times before it could be written: too many send at once")


def _read(found: tuple[bytes, str] | None) -> State:
    """A stored state, with what an older one did not hold yet."""
    return incidents.new_state() | (json.loads(found[0]) if found else {})


def deliver(lake: Lake, channels: Iterable[Channel]) -> str:
    """Send what is due, each message claimed and stored before it goes out. Returns what became of it, for the log."""
    told = []
    for channel in channels:
        for _ in range(MESSAGES_A_TICK):
            message = _claimed(lake, channel)
            if message is None:
                break
            found = channel.attempt(message["text"])
            _settled(lake, channel, message["id"], found)
            told.append(f"{channel.name} {found.outcome}{f' ({found.reason})' if found.reason else ''}")
            if found.outcome != "sent":
                break
    return ", ".join(told) or "nothing to send"


def _claimed(lake: Lake, channel: Channel) -> dict[str, Any] | None:
    """The channel's next due message, claimed in the stored state."""
    from milk_assets.monitoring.alerts import outbox

    claimed: dict[str, Any] | None = None

    def change(state: State) -> State:
        nonlocal claimed
        after, claimed = outbox.claim(state, channel.name, clock())
        return after

    keep(lake, change)
    return claimed


def _settled(lake: Lake, channel: Channel, identity: str, found: Attempt) -> None:
    from milk_assets.monitoring.alerts import outbox

    def change(state: State) -> State:
        return outbox.settle(state, channel.name, identity, found.outcome, clock(), wait=found.wait, reason=found.reason)

    keep(lake, change)


ALL = (failure_alert, check_alert, alert_sensor)
