"""The ledger: every decision about the champion, one document each, only ever added.

Belongs here: the documents, their order, and adding one. What they amount to is `state`; changing the champion is `apply`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, get_args

FOLDER = "ledger"
EVIDENCE = f"{FOLDER}/evidence"  # what decisions were taken on, under its sha256: read by a replay, not at every look
ATTEMPTS = 20  # of adding where others add too: each loss means that another entry was added

# decision: the gate's, on a challenger. floor: on the champion. mode: who decides. The others are the steps of a change.
Kind = Literal["decision", "floor", "mode", "intent", "applied", "aborted"]
KINDS: tuple[str, ...] = get_args(Kind)


class LedgerError(RuntimeError):
    """The ledger cannot be read or added to: says which entry, and what to do."""


class Store(Protocol):
    """Where the ledger stands: files by path, each created once. `Lake` is one."""

    def files(self, prefix: str) -> list[str]: ...
    def read_bytes(self, path: str) -> bytes: ...
    def create_bytes(self, path: str, content: bytes) -> bool: ...


@dataclass(frozen=True)
class Entry:
    """One document. number: its place, from 1. at: UTC. actor: who or what added it. body: what its kind says."""

    number: int
    kind: Kind
    at: datetime
    actor: str
    body: Mapping[str, Any]

    def to_document(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"number": self.number, "kind": self.kind, "at": self.at.isoformat(), "actor": self.actor, **self.body}

    @staticmethod
    def from_document(values: Mapping[str, Any]) -> "Entry":
        """The entry that `to_document` wrote. Raises LedgerError on a kind it does not know."""
        if values.get("kind") not in KINDS:
            raise LedgerError(f"entry {values.get('number')} is of kind {values.get('kind')!r}, known are {', '.join(KINDS)}")
        body = {name: value for name, value in values.items() if name not in {"number", "kind", "at", "actor"}}
        return Entry(values["number"], values["kind"], datetime.fromisoformat(values["at"]), values["actor"], body)


class Ledger:
    """The entries in a store. One that was read once is not read again: entries never change."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._read: dict[int, Entry] = {}

    def entries(self) -> tuple[Entry, ...]:
        """All entries in order. Raises LedgerError on one that is missing, or is no entry."""
        numbers = [int(stem) for stem in map(_stem, self.store.files(f"{FOLDER}/")) if stem is not None]
        if numbers != list(range(1, len(numbers) + 1)):
            missing = sorted(set(range(1, max(numbers) + 1)) - set(numbers))
            raise LedgerError(f"entries {missing[:5]} of the ledger are missing: restore them from the bucket's versions")
        for number in numbers:
            if number not in self._read:
                self._read[number] = self._load(number)
        return tuple(self._read[number] for number in numbers)

    def add(self, kind: Kind, *, at: datetime, actor: str, body: Mapping[str, Any]) -> Entry:
        """Add an entry after all others. Safe under races: numbers are given once."""
        for _ in range(ATTEMPTS):
            entry = self.add_at(len(self.entries()) + 1, kind, at=at, actor=actor, body=body)
            if entry is not None:
                return entry
        raise LedgerError(f"{ATTEMPTS} times another entry came first: too many write at once, try again")

    def add_at(self, number: int, kind: Kind, *, at: datetime, actor: str, body: Mapping[str, Any]) -> Entry | None:
        """Add an entry as this number; None where that number is taken: the ledger is not what the caller had read."""
        entry = Entry(number, kind, at, actor, body)
        return entry if self.store.create_bytes(path(number), _json(entry.to_document())) else None

    def keep_evidence(self, document: Mapping[str, Any]) -> str:
        """Keep what a decision is taken on; returns the sha256 that its entry names."""
        content = _json(document)
        sha256 = hashlib.sha256(content).hexdigest()
        self.store.create_bytes(f"{EVIDENCE}/{sha256[:16]}.json", content)
        return sha256

    def read_evidence(self, sha256: str) -> dict[str, Any]:
        """What a decision was taken on. Raises LedgerError where it is not what the entry says."""
        file = f"{EVIDENCE}/{sha256[:16]}.json"
        if file not in self.store.files(f"{EVIDENCE}/"):
            raise LedgerError(f"evidence {sha256[:16]} is gone: restore it from the bucket's versions")
        content = self.store.read_bytes(file)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise LedgerError(f"evidence {sha256[:16]} was changed after the decision: restore it from the bucket's versions")
        document: dict[str, Any] = json.loads(content)
        return document

    def _load(self, number: int) -> Entry:
        try:
            entry = Entry.from_document(json.loads(self.store.read_bytes(path(number))))
        except (ValueError, KeyError, TypeError) as error:
            raise LedgerError(f"{path(number)} is no entry ({error}): restore it from the bucket's versions") from error
        if entry.number != number:
            raise LedgerError(f"{path(number)} says that it is entry {entry.number}: restore it from the bucket's versions")
        return entry


def path(number: int) -> str:
    """Where an entry stands; names sort by number."""
    return f"{FOLDER}/{number:06d}.json"


def _stem(file: str) -> str | None:
    """The number in an entry's name; None of any other file."""
    stem = file.removeprefix(f"{FOLDER}/").removesuffix(".json")
    return stem if stem.isdigit() else None


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n").encode()
