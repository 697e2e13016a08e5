"""Facts: from the documents that the platform leaves behind to what the alert rules ask.

Belongs here: one function a kind of document, plain values in, `Fact`s out. Reading the documents, and telling anybody, is elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from milk_assets.monitoring.alerts.incidents import Fact
from milk_assets.monitoring.detection.feed import FROZEN, late

SILENT_AFTER = timedelta(minutes=15)
"""Without a beat of the alert sensor, which looks twice a minute: a restart or a deployment takes less."""
CHANGES = {
    "promote": "champion_promoted",
    "first": "champion_promoted",
    "fall_back": "champion_rolled_back",
    "rollback": "champion_rolled_back",
}
"""What was done to the champion → its rule. A repair changes nothing that is served."""
CHANGES_TOLD = 100
WORDS = {"returns": "mean change", "changed": "share of changed prices", "spread": "spread to the other markets"}


def lateness_facts(newest: date | None, now: datetime) -> list[Fact]:
    """Whether expected publications are missing. newest: the newest proven one, None before the first. now: with its zone."""
    found = late(newest, now) if newest else None
    return [Fact("publication_late", found.dates[-1].isoformat(), f"{found}; the newest is {newest}")] if found else []


def feed_facts(document: Mapping[str, Any]) -> list[Fact]:
    """What the feed report of one publication says: frozen, restated."""
    day, facts = document["publication"], []
    if document["unchanged"] >= FROZEN:
        facts.append(
            Fact("feed_frozen", day, f"no price of any market changed at the last {document['unchanged']} publications, to {day}")
        )
    past = document["restated"]
    if past["prices"]:
        text = (
            f"{day}: {past['prices']} prices of {past['dates']} dates differ from what {past['against']} said "
            f"({past['first']} to {past['last']})"
        )
        facts.append(Fact("past_restated", f"{day}:{document['workbook'][:12]}", text))
    return facts


def drift_facts(document: Mapping[str, Any]) -> list[Fact]:
    """What the drift report of one publication says: states without a price, signals out of their history twice in a row.

    A feed that is frozen as a whole is told as such: its markets' stillness is no drift of theirs.
    """
    day, coverage = document["publication"], document["coverage"]
    facts = []
    if coverage["outcome"] == "breached":
        told = ", ".join(coverage["missing_states"]) or "no whole state"
        text = f"{day}: {coverage['priced']} of {coverage['usual']} usual prices; missing: {told}"
        facts.append(Fact("states_missing", day, text))
    frozen = document.get("unchanged", 0) >= FROZEN
    for one in document["signals"]:
        if one.get("repeated") and not frozen:
            segment = f"{one['signal']} {one['milk']}/{one['channel']}"
            text = (
                f"{day}: {WORDS[one['signal']]} of {one['milk']}, {one['channel']}: {one['statistic']:.2f} standard deviations from its "
                f"usual, threshold {one['threshold']:.2f}; {one['current']:.2f} %, before {one['reference']:.2f} %"
            )
            facts.append(Fact("market_drift", day, text, segment))
    return facts


def performance_facts(document: Mapping[str, Any]) -> list[Fact]:
    """What the live accuracy document says of the served model."""
    model = document.get("version") or ""  # a document of an older platform does not say
    return [
        Fact("model_performance", str(document["publication"]), one["text"], one["rule"], model) for one in document["alarms"]
    ]


def ledger_facts(entries: Iterable[Mapping[str, Any]]) -> list[Fact]:
    """What was done to the champion: promotions, rollbacks and fall-backs, changes that were put back.

    entries: the ledger's documents, in order. Only the newest CHANGES_TOLD changes are given: fewer than are remembered as told.
    """
    facts = []
    for entry in entries:
        action = entry.get("action", "")
        rule = {"applied": CHANGES.get(action), "aborted": "promotion_aborted"}.get(entry["kind"])
        if rule is None:
            continue
        to, before = entry.get("to") or {}, entry.get("expected") or {}
        reached = f"{to.get('version', '?')}{' (no change)' if to.get('is_baseline') else ''}"
        why = ": ".join(part for part in (entry.get("reason") or "no reason given", entry.get("outcome")) if part)
        text = f"{action}, version {before.get('version', 'none')} → {reached}, by {entry['actor']}: {why}"
        facts.append(Fact(rule, f"ledger {entry['number']}", text, action, str(to.get("version", ""))))
    return facts[-CHANGES_TOLD:]


def run_fact(job: str, partition: str, run: str, causes: Iterable[str] = ()) -> Fact:
    """How a run of a job ended: causes of its failure, none where it succeeded."""
    told = list(causes)
    text = "\n".join([f"{job} {partition}".strip(), *told]) if told else f"{job} {partition} succeeded".strip()
    return Fact("run_failed", run, text, segment=job, breached=bool(told))


def check_fact(check: str, partition: str, record: int, passed: bool, description: str) -> Fact:
    """How a check that stops no run came out. record: number of its result."""
    return Fact("check_failed", str(record), f"{check} {partition}: {description}", segment=check, breached=not passed)


def health_fact(at: str, fault: str | None, url: str) -> Fact:
    """How the endpoint answered. fault: why it is not well, None where it is."""
    return Fact("api_unhealthy", at, fault or f"{url} answers again", breached=fault is not None)


def silence_facts(beat: datetime | None, now: datetime) -> list[Fact]:
    """Whether the alert sensor itself has stopped, seen from outside it. beat: its last one, None before the first."""
    if beat is None or now - beat <= SILENT_AFTER:
        return []
    return [
        Fact(
            "system_silent",
            beat.isoformat(),
            f"nothing has looked at the platform since {beat:%Y-%m-%d %H:%M} UTC: is the daemon up?",
        )
    ]
