"""Incidents: what is told of what was observed. Opened once, then silence, then resolved.

Belongs here: the state machine as pure functions, facts and state in, state with new messages out. The state is plain values, for JSON.
Sending messages is `outbox`'s and the channels' business.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from milk_assets.monitoring.alerts.rules import RULES, Rule

SCHEMA = 1
EVENTS_KEPT = 500  # identities of told events: many times more than any source repeats
LINES = 8  # of one message; the rest are counted
State = dict[str, Any]


@dataclass(frozen=True)
class Fact:
    """What was observed of one rule. segment, model: what it is about, empty for the whole. at: name of the observation (a date, a run,
    a time): the same one seen twice counts once. text: one line for a person. breached: False says that it is well."""

    rule: str
    at: str
    text: str = ""
    segment: str = ""
    model: str = ""
    breached: bool = True

    @property
    def key(self) -> str:
        """What makes it one incident."""
        return "|".join((self.rule, self.segment, self.model))


def new_state() -> State:
    """The state of a system that has told nothing yet, and has taken nothing of its past as told (adopted)."""
    return {"schema": SCHEMA, "incidents": {}, "told": [], "digest": None, "outbox": [], "adopted": False}


def observe(
    state: State, facts: Iterable[Fact], now: datetime, *, whole: Collection[str] = (), channels: Collection[str]
) -> State:
    """The state after some facts, with a message for each rule that opened or resolved.

    whole: rules of which `facts` holds every breach there is: what they do not name is well. now: with its zone. channels: that
    messages are due on. Pure: the same facts told twice add nothing. Raises KeyError on a rule that does not exist.
    """
    after = copy.deepcopy(state)
    incidents: dict[str, Any] = after["incidents"]
    seen = list(facts)
    named = {fact.key for fact in seen}
    stamp = now.isoformat(timespec="seconds")
    opened: dict[str, list[dict[str, Any]]] = {}
    resolved: dict[str, list[dict[str, Any]]] = {}
    for fact in seen:
        rule = RULES[fact.rule]
        if rule.once:
            _tell_once(after, rule, fact, stamp, channels)
            continue
        standing = incidents.get(fact.key)
        if not fact.breached:
            _end(incidents, fact.key, fact.text, resolved)
            continue
        if standing is None:
            standing = incidents[fact.key] = {
                "rule": fact.rule, "segment": fact.segment, "model": fact.model, "since": stamp, "at": None, "seen": 0, "open": False,
            }  # fmt: skip
        if standing["at"] != fact.at:
            standing |= {"at": fact.at, "seen": standing["seen"] + 1}
        standing["text"] = fact.text
        if not standing["open"] and standing["seen"] >= rule.after:
            standing["open"] = True
            opened.setdefault(fact.rule, []).append(standing)
    for key in [key for key, standing in incidents.items() if standing["rule"] in whole and key not in named]:
        _end(incidents, key, "", resolved)
    for word, groups in (("OPEN", opened), ("RESOLVED", resolved)):
        for name, group in groups.items():
            _queue(after, _message(word, RULES[name], group), _identity(word, name, group), stamp, channels)
    return after


def _end(incidents: dict[str, Any], key: str, text: str, resolved: dict[str, list[dict[str, Any]]]) -> None:
    """Forget what is well again, and say so where it was told."""
    standing = incidents.pop(key, None)
    if standing is not None and standing["open"]:
        resolved.setdefault(standing["rule"], []).append(standing | {"text": text or standing["text"]})


def _tell_once(state: State, rule: Rule, fact: Fact, stamp: str, channels: Collection[str]) -> None:
    identity = f"{fact.key}|{fact.at}"
    if identity in state["told"]:
        return
    state["told"] = [*state["told"], identity][-EVENTS_KEPT:]
    group = [{"segment": fact.segment, "model": fact.model, "text": fact.text, "since": fact.at}]
    _queue(state, _message("NEWS", rule, group), _identity("NEWS", rule.name, group), stamp, channels)


def _message(word: str, rule: Rule, group: list[dict[str, Any]]) -> str:
    lines = [one["text"] or one["segment"] for one in group[:LINES]]
    more = [f"and {len(group) - LINES} more"] if len(group) > LINES else []
    since = [f"since {min(one['since'] for one in group)}"] if word == "RESOLVED" else []
    return "\n".join([f"milk {word}: {rule.title}", *lines, *more, *since, f"→ {rule.section}"])


def _identity(word: str, rule: str, group: list[dict[str, Any]]) -> str:
    named = sorted(f"{one['segment']}|{one['model']}|{one['since']}" for one in group)
    return hashlib.sha256("\n".join([word, rule, *named]).encode()).hexdigest()[:10]


def _queue(state: State, text: str, identity: str, stamp: str, channels: Collection[str]) -> None:
    """A message for every channel, unless one of that identity waits already."""
    if not channels or any(message["id"] == identity for message in state["outbox"]):
        return
    due = {channel: {"step": "queued", "attempts": 0, "not_before": stamp} for channel in sorted(channels)}
    state["outbox"].append({"id": identity, "text": f"{text}\n#{identity}", "at": stamp, "channels": due})


def digest(state: State, day: str, lines: Iterable[str], now: datetime, *, channels: Collection[str]) -> State:
    """The state with the day's digest queued: what is open, and `lines`. A day has one, whoever asks how often.

    day: YYYY-MM-DD in Mexico City.
    """
    if state["digest"] is not None and state["digest"] >= day:
        return state
    after = copy.deepcopy(state)
    after["digest"] = day
    standing = open_incidents(after)
    told = [f"{RULES[one['rule']].title} since {one['since'][:16]}: {one['text']}" for one in standing[:LINES]]
    head = f"milk {day}: {len(standing)} open" if standing else f"milk {day}: all is well"
    identity = hashlib.sha256(f"digest|{day}".encode()).hexdigest()[:10]
    _queue(after, "\n".join([head, *told, *lines]), identity, now.isoformat(timespec="seconds"), channels)
    return after


def open_incidents(state: State) -> list[dict[str, Any]]:
    """The incidents that were told and have not ended, oldest first."""
    return sorted((one for one in state["incidents"].values() if one["open"]), key=lambda one: (one["since"], one["rule"]))
