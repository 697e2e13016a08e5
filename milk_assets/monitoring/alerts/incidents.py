"""Incidents: which observations open an incident, resolve it or announce an event, and the messages that follow.

Belongs here: pure functions that take the alert state and return it changed. Not here: sending messages (`outbox`) and storing the state
(`milk_assets.stores.alert_state`). Prometheus Alertmanager would do this too, but it is a server to run, and incidents must also work in
a local set-up without one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from milk_assets.monitoring.alerts.rules import RULES, Rule
from milk_assets.monitoring.alerts.state_documents import AlertState, Delivery, Incident, Message

REMEMBERED_EVENTS = 500
"""Ids of announced events that are kept: several times as many as any source repeats."""
LINES_PER_MESSAGE = 8
"""Incidents that a message lists; it gives the number of the others."""


@dataclass(frozen=True)
class Observation:
    """One look at the subject of one rule.

    Attributes:
        rule: Name of the rule.
        observation_id: Identifies the observation: a publication date, a run id, a ledger entry. A repeated id counts once.
        text: What was observed, for a person.
        segment: Market, job or check that it is about; empty for the whole platform.
        model: Version of the model that it is about; empty where no model is involved.
        is_breach: Whether the rule is breached. False means that all is well.
    """

    rule: str
    observation_id: str
    text: str = ""
    segment: str = ""
    model: str = ""
    is_breach: bool = True

    @property
    def incident_key(self) -> str:
        """Observations with the same key belong to the same incident."""
        return "|".join((self.rule, self.segment, self.model))


@dataclass(frozen=True)
class _Entry:
    """One incident or event in a message. since: as text; part of the message's id."""

    segment: str
    model: str
    text: str
    since: str


def update_incidents(
    state: AlertState,
    observations: Iterable[Observation],
    now: datetime,
    *,
    channels: Collection[str],
    complete_rules: Collection[str] = (),
) -> AlertState:
    """Apply observations to the alert state, and queue one message for each rule that opened or resolved.

    The same observations applied twice change nothing.

    Args:
        state: The state before.
        observations: What was observed, in order.
        now: Current time, with its time zone.
        channels: Names of the channels that messages are queued for.
        complete_rules: Rules for which `observations` holds every breach. Their incidents that are not observed are resolved.

    Returns:
        The state afterwards.

    Raises:
        KeyError: An observation names a rule that does not exist.
    """
    incidents = dict(state.incidents)
    opened: dict[str, Incident] = {}
    resolved: list[Incident] = []
    observed_keys: set[str] = set()

    for observation in observations:
        rule, key = RULES[observation.rule], observation.incident_key
        observed_keys.add(key)
        if rule.is_event:
            state = _announce_event(state, rule, observation, now, channels)
        elif observation.is_breach:
            was_open = key in incidents and incidents[key].is_open
            incidents[key] = _after_breach(incidents.get(key), observation, rule, now)
            if key in opened or (incidents[key].is_open and not was_open):
                opened[key] = incidents[key]
        elif key in incidents:
            resolved.append(_with_text(incidents.pop(key), observation.text))

    unobserved = [key for key, incident in incidents.items() if incident.rule in complete_rules and key not in observed_keys]
    resolved += [incidents.pop(key) for key in unobserved]

    state = state.model_copy(update={"incidents": incidents})
    state = _queue_by_rule(state, "OPEN", list(opened.values()), now, channels)
    announced = [incident for incident in resolved if incident.is_open]  # an incident that never opened ends silently
    return _queue_by_rule(state, "RESOLVED", announced, now, channels)


def queue_digest(state: AlertState, day: str, lines: Iterable[str], now: datetime, *, channels: Collection[str]) -> AlertState:
    """Queue the digest of a day, unless that day or a later one has had it.

    Args:
        state: The state before.
        day: YYYY-MM-DD in Mexico City.
        lines: Further lines, after the open incidents.
        now: Current time, with its time zone.
        channels: Names of the channels that it is queued for.
    """
    if state.digest_day is not None and state.digest_day >= day:
        return state
    incidents = open_incidents(state)
    listed = [
        f"{RULES[incident.rule].title} (since {_minute(incident.since)}): {incident.text}"
        for incident in incidents[:LINES_PER_MESSAGE]
    ]
    count = {0: "no open incidents", 1: "1 open incident"}.get(len(incidents), f"{len(incidents)} open incidents")
    heading = f"milk {day}: {count}"
    message_id = hashlib.sha256(f"digest|{day}".encode()).hexdigest()[:10]
    state = state.model_copy(update={"digest_day": day})
    return _queue(state, "\n".join([heading, *listed, *lines]), message_id, now, channels)


def open_incidents(state: AlertState) -> list[Incident]:
    """The incidents that were announced and have not ended, oldest first."""
    announced = [incident for incident in state.incidents.values() if incident.is_open]
    return sorted(announced, key=lambda incident: (incident.since, incident.rule))


def _after_breach(incident: Incident | None, observation: Observation, rule: Rule, now: datetime) -> Incident:
    """The incident with one more breach, unless its newest breach has the same id."""
    if incident is None:
        incident = Incident(
            rule=observation.rule, segment=observation.segment, model=observation.model, since=now.replace(microsecond=0)
        )
    is_new = incident.last_observation_id != observation.observation_id
    breaches = incident.breaches + is_new
    return incident.model_copy(
        update={
            "last_observation_id": observation.observation_id,
            "breaches": breaches,
            "is_open": incident.is_open or breaches >= rule.breaches_to_open,
            "text": observation.text,
        }
    )


def _with_text(incident: Incident, text: str) -> Incident:
    return incident.model_copy(update={"text": text}) if text else incident


def _announce_event(
    state: AlertState, rule: Rule, observation: Observation, now: datetime, channels: Collection[str]
) -> AlertState:
    """Queue a message about an event, unless it was announced before."""
    event_id = f"{observation.incident_key}|{observation.observation_id}"
    if event_id in state.announced_events:
        return state
    announced_events = (*state.announced_events, event_id)[-REMEMBERED_EVENTS:]
    entries = [_Entry(observation.segment, observation.model, observation.text, observation.observation_id)]
    state = state.model_copy(update={"announced_events": announced_events})
    return _queue(state, _message_text("NEWS", rule, entries), _message_id("NEWS", rule.name, entries), now, channels)


def _queue_by_rule(
    state: AlertState, status: str, incidents: Sequence[Incident], now: datetime, channels: Collection[str]
) -> AlertState:
    """Queue one message for each rule that has incidents."""
    by_rule: dict[str, list[Incident]] = {}
    for incident in incidents:
        by_rule.setdefault(incident.rule, []).append(incident)
    for name, group in by_rule.items():
        entries = [_Entry(incident.segment, incident.model, incident.text, incident.since.isoformat()) for incident in group]
        first = min(incident.since for incident in group) if status == "RESOLVED" else None
        text = _message_text(status, RULES[name], entries, first)
        state = _queue(state, text, _message_id(status, name, entries), now, channels)
    return state


def _message_text(status: str, rule: Rule, entries: Sequence[_Entry], open_since: datetime | None = None) -> str:
    """What happened, what to do, and where the runbook says more."""
    lines = [f"milk {status}: {rule.title}", *(entry.text or entry.segment for entry in entries[:LINES_PER_MESSAGE])]
    if len(entries) > LINES_PER_MESSAGE:
        lines.append(f"and {len(entries) - LINES_PER_MESSAGE} more")
    lines.append(f"What to do: {rule.action}" if open_since is None else f"It was open since {_minute(open_since)}.")
    return "\n".join([*lines, f"Runbook: {rule.section}"])


def _message_id(status: str, rule: str, entries: Sequence[_Entry]) -> str:
    """The same for the same incidents, whenever and by whichever process the message is made."""
    listed = sorted(f"{entry.segment}|{entry.model}|{entry.since}" for entry in entries)
    return hashlib.sha256("\n".join([status, rule, *listed]).encode()).hexdigest()[:10]


def _queue(state: AlertState, text: str, message_id: str, now: datetime, channels: Collection[str]) -> AlertState:
    """Add a message for every channel, unless one with this id is waiting."""
    if not channels or any(message.message_id == message_id for message in state.outbox):
        return state
    queued_at = now.replace(microsecond=0)
    message = Message(
        message_id=message_id,
        text=f"{text}\n#{message_id}",
        queued_at=queued_at,
        deliveries={channel: Delivery(not_before=queued_at) for channel in sorted(channels)},
    )
    return state.model_copy(update={"outbox": (*state.outbox, message)})


def _minute(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
