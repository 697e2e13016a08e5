"""Apply: changing the champion, all of it or nothing, whoever else tries and wherever the process dies.

Belongs here: the order of the steps, undoing them, and finishing or reverting what a dead process left. What is to be changed is decided
elsewhere; registry and store are the caller's.

The ledger is the lock: an intent is an entry whose number nobody else can take, and while it has no end nobody else begins. Steps:
intent, bundle proven, aliases, manifest (compare and swap), smoke test, applied. A process that dies in between is found by its
intent: where the manifest names the new version already the change is finished, otherwise it is undone.
"""

import json
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from milk_assets.promotion.ledger import Entry, Ledger, Store
from milk_assets.promotion.state import Change, Served, State, due, fold
from milk_model.artefact_paths import SERVED

CHAMPION, PREVIOUS = "champion", "previous_champion"
LEASE = timedelta(seconds=120)  # a change takes seconds; a holder elsewhere that is silent for longer is taken for dead
SWAPS = 5  # of the manifest, where the newest data are published at the same moment
OWN = (
    "schema",
    "version",
    "bundle",
    "is_baseline",
    "facts",
    "since",
    "decided_on",
    "change",
)  # of the manifest; `data` is the forecasts'
SCHEMA = 1


class ApplyError(RuntimeError):
    """A change of champion was not carried out: why, and what to do. What was served is still served."""


class BusyError(ApplyError):
    """Another change is under way."""


class Registry(Protocol):
    """The registry's aliases."""

    def point(self, alias: str, version: int) -> None: ...
    def number(self, alias: str) -> int | None: ...
    def drop(self, alias: str) -> None: ...


class Artefacts(Store, Protocol):
    """The store of the ledger and of the manifest."""

    def read_tagged(self, path: str) -> tuple[bytes, str] | None: ...
    def replace_bytes(self, path: str, content: bytes, tag: str | None) -> bool: ...
    def remove(self, path: str) -> None: ...


@dataclass(frozen=True)
class Place:
    """Where changes are carried out.

    prove: reads a bundle, scores its golden rows, and gives its facts. smoke: forecasts with what the manifest names, and raises
    where that is no price. now: the time, UTC.
    """

    ledger: Ledger
    store: Artefacts
    registry: Registry
    prove: Callable[[Served], Mapping[str, Any]]
    smoke: Callable[[Mapping[str, Any]], None]
    now: Callable[[], datetime]
    actor: str

    def state(self) -> State:
        """What the ledger amounts to now."""
        return fold(self.ledger.entries())

    def manifest(self) -> dict[str, Any] | None:
        """What is served, as a reader sees it."""
        found = self.store.read_tagged(SERVED)
        return None if found is None else read_manifest(found[0])


def carry_out(change: Change, place: Place) -> Entry:
    """Carry out a change; returns the entry that says so.

    Raises BusyError while another is under way, ApplyError where another champion stands than the change expects. Any other exception is
    that of the step which failed: everything was put back, and the ledger says `aborted`.
    """
    recover(place)
    state = place.state()
    if state.open is not None:  # begun since `recover` looked
        raise BusyError(f"{state.open.actor} began a change at this moment: try again in two minutes")
    if change.action == "promote" and change.cause is not None and state.mode != "auto":
        raise ApplyError(f"the mode is {state.mode} since the promotion was asked for: a person decides")
    if state.champion != change.expected:
        raise ApplyError(
            f"{change.action} was decided against {_name(change.expected)}, but {_name(state.champion)} is served: decide again"
        )
    intent = place.ledger.add_at(state.head + 1, "intent", at=place.now(), actor=place.actor, body=_intent(change, place))
    if intent is None:
        raise BusyError("the ledger was added to at the same moment: try again")
    try:
        facts = place.prove(change.to)
        if change.expected is not None and change.action != "repair":
            place.registry.point(PREVIOUS, change.expected.version)
        place.registry.point(CHAMPION, change.to.version)
        _swap(place, intent, lambda standing: _switched(standing, intent, facts))
        _smoke(place, intent)
    except Exception as error:
        _undo(place, intent)
        _end(place, intent, "aborted", f"{type(error).__name__}: {error}")
        raise
    return _end(place, intent, "applied", facts=facts)


def settle(place: Place) -> list[Entry]:
    """Bring everything to what the ledger asks for; returns the entries that ended a change.

    Finishes or reverts what was cut short, puts a manifest back that names another version, carries out the change that is due, and
    puts aliases back. Raises as `carry_out` does.
    """
    ended = [recover(place)]
    state, manifest = place.state(), place.manifest()
    mending = repair(state)
    if mending and disagreements(state, manifest, mending.to.version):
        ended.append(carry_out(mending, place))
    change = due(place.state())
    if change is not None:
        ended.append(carry_out(change, place))
    state = place.state()
    mending = repair(state)
    if mending and disagreements(state, place.manifest(), place.registry.number(CHAMPION)):
        ended.append(carry_out(mending, place))
    return [entry for entry in ended if entry is not None]


def recover(place: Place) -> Entry | None:
    """Finish or revert the change that a dead process left; returns the entry that ends it, None where there is nothing to do.

    May itself be interrupted and begun again. Raises BusyError where its holder may still be at work.
    """
    intent = place.state().open
    if intent is None:
        return None
    if not is_abandoned(intent, place.now()):
        raise BusyError(f"{intent.actor} began a change at {intent.at:%H:%M:%S} UTC that has not ended: try again in two minutes")
    manifest = place.manifest()
    to = Served.from_document(intent.body["to"])
    if manifest is not None and manifest.get("change") == intent.number and Served.from_document(manifest) == to:
        try:
            facts = place.prove(to)
            _smoke(place, intent)
        except Exception as error:
            _undo(place, intent)
            return _end(place, intent, "aborted", f"{type(error).__name__}: {error}")
        if intent.body["expected"] and intent.body["action"] != "repair":
            place.registry.point(PREVIOUS, int(intent.body["expected"]["version"]))
        place.registry.point(CHAMPION, to.version)
        return _end(place, intent, "applied", "finished after its process died", facts)
    _undo(place, intent)
    return _end(place, intent, "aborted", "its process died before the manifest was switched")


def disagreements(state: State, manifest: Mapping[str, Any] | None, alias: int | None) -> list[str]:
    """How the manifest and the alias differ from the ledger, in words; nothing while a change is under way or before the first.

    alias: the version that the champion's alias names.
    """
    if state.open is not None or state.champion is None:
        return []
    found = []
    if manifest is None or Served.from_document(manifest) != state.champion:
        found.append(f"the manifest names {_name(Served.from_document(manifest) if manifest else None)}")
    if alias != state.champion.version:
        found.append(f"the alias names {'nothing' if alias is None else f'version {alias}'}")
    return [f"{one}, the ledger {_name(state.champion)}" for one in found]


def repair(state: State) -> Change | None:
    """The change that puts aliases and manifest back to what the ledger says; None before there was a champion."""
    if state.champion is None:
        return None
    return Change("repair", state.champion, state.champion, "manifest or alias differed from the ledger")


def _intent(change: Change, place: Place) -> dict[str, Any]:
    manifest = place.manifest()
    return {
        "action": change.action,
        "to": change.to.to_document(),
        "expected": change.expected and change.expected.to_document(),
        "publication": change.publication,
        "cause": change.cause,
        "reason": change.reason,
        "before": {
            "aliases": {alias: place.registry.number(alias) for alias in (PREVIOUS, CHAMPION)},
            "manifest": manifest and {name: manifest[name] for name in OWN if name in manifest},
        },
        "holder": {"host": socket.gethostname(), "process": os.getpid()},
    }


def _switched(standing: Mapping[str, Any] | None, intent: Entry, facts: Mapping[str, Any]) -> dict[str, Any]:
    if standing and standing.get("undone") == intent.number:
        raise ApplyError(f"the change of entry {intent.number} was undone by another, who took this process for dead")
    return {
        "data": None,
        **(standing or {}),
        "schema": SCHEMA,
        **intent.body["to"],
        "facts": dict(facts),
        "since": intent.at.isoformat(),
        "decided_on": intent.body["publication"],
        "change": intent.number,
    }


def _undo(place: Place, intent: Entry) -> None:
    """Put manifest and aliases back to what the intent says was there. The manifest is written in any case: whoever read it before
    and still means to switch it then finds that it changed. One that names a version nobody spoke of is left for the repair."""
    before = intent.body["before"]
    standing = place.manifest()
    if before["manifest"] is None:
        place.store.remove(SERVED)
    elif standing is None or _is_expected(standing, intent):
        _swap(place, intent, lambda found: {**(found or {}), **before["manifest"], "undone": intent.number})
    for alias, version in before["aliases"].items():
        if version is None:
            place.registry.drop(alias)
        else:
            place.registry.point(alias, version)


def _swap(place: Place, intent: Entry, change: Callable[[Mapping[str, Any] | None], Mapping[str, Any]]) -> None:
    """Compare and swap the manifest. The newest data may be published in between; another champion may not."""
    for _ in range(SWAPS):
        found = place.store.read_tagged(SERVED)
        standing = read_manifest(found[0]) if found else None
        if standing and not _is_expected(standing, intent):
            raise ApplyError(f"version {standing['version']} is served, which nobody expected: it is put back at the next look")
        if place.store.replace_bytes(SERVED, manifest_bytes(change(standing)), found[1] if found else None):
            return
    raise ApplyError(f"the manifest changed {SWAPS} times while it was to be switched: try again")


def _is_expected(standing: Mapping[str, Any], intent: Entry) -> bool:
    """Whether the manifest names one of the two versions of a change; a repair expects anything."""
    names = Served.from_document(standing).to_document()
    return intent.body["action"] == "repair" or names in (intent.body["expected"], intent.body["to"])


def read_manifest(content: bytes) -> dict[str, Any] | None:
    """The manifest in a file's content; None where it names no version, which is then put back like any other wrong one."""
    try:
        document: dict[str, Any] = json.loads(content)
        Served.from_document(document)
    except (ValueError, KeyError, TypeError):
        return None
    return document


def manifest_bytes(document: Mapping[str, Any]) -> bytes:
    """The manifest as JSON, for people too."""
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _smoke(place: Place, intent: Entry) -> None:
    """Read the manifest as a reader does, and forecast with what it names."""
    manifest = place.manifest()
    if manifest is None or Served.from_document(manifest).to_document() != intent.body["to"]:
        raise ApplyError(f"the manifest does not name {intent.body['to']['version']} after it was switched")
    place.smoke(manifest)


def _end(place: Place, intent: Entry, kind: Any, outcome: str = "", facts: Mapping[str, Any] | None = None) -> Entry:
    """Add the end of a change, with what the new champion's bundle says of itself.

    Raises ApplyError where someone else has ended it: its holder was taken for dead.
    """
    keys = ("action", "to", "expected", "publication", "cause", "reason")
    body = {key: intent.body[key] for key in keys} | {"intent": intent.number, "outcome": outcome, "facts": dict(facts or {})}
    while True:
        state = place.state()
        if state.open != intent:
            raise ApplyError(f"the change of entry {intent.number} was ended by another: see the ledger's history")
        entry = place.ledger.add_at(state.head + 1, kind, at=place.now(), actor=place.actor, body=body)
        if entry is not None:
            return entry


def is_abandoned(intent: Entry, now: datetime) -> bool:
    """Whether the process that began a change is gone: surely where it was of this machine, by its silence where it was not."""
    holder = intent.body["holder"]
    if holder["host"] == socket.gethostname() and holder["process"] != os.getpid():
        try:
            os.kill(holder["process"], 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
    return now - intent.at > LEASE


def _name(served: Served | None) -> str:
    return "nothing" if served is None else f"version {served.version}{' (no change)' if served.is_baseline else ''}"
