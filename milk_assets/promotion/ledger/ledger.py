"""Ledger: entries as files, each created once and never changed.

Belongs here: the order of entries, adding and reading them, and the evidence of decisions. Not here: what entries say
(`promotion.ledger.entries`) and what they add up to (`promotion.ledger.state`).
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from milk_assets.promotion.ledger.entries import AnyEntry, Entry, EntryBody, entry_from_document

LEDGER_FOLDER = "ledger"
EVIDENCE_FOLDER = f"{LEDGER_FOLDER}/evidence"  # inputs of decisions, each under its sha256: read by a replay only
ADD_ATTEMPTS = 20  # a failed attempt means that another entry was added
RESTORE = "restore it from the bucket's versions"

Body = TypeVar("Body", bound=EntryBody)


class LedgerError(RuntimeError):
    """The ledger cannot be read or added to: which entry, and what to do."""


class LedgerStore(Protocol):
    """Files by path, each created once. `Lake` is one."""

    def files(self, prefix: str) -> list[str]: ...
    def read_bytes(self, path: str) -> bytes: ...
    def create_bytes(self, path: str, content: bytes) -> bool: ...


class Ledger:
    """The entries in a store. Entries never change, so each is read once."""

    def __init__(self, store: LedgerStore) -> None:
        self.store = store
        self._entries: dict[int, AnyEntry] = {}

    def entries(self) -> tuple[AnyEntry, ...]:
        """All entries in order.

        Raises:
            LedgerError: An entry is missing or damaged.
        """
        numbers = [int(stem) for stem in map(_number_in_name, self.store.files(f"{LEDGER_FOLDER}/")) if stem is not None]
        if numbers != list(range(1, len(numbers) + 1)):
            missing = sorted(set(range(1, max(numbers) + 1)) - set(numbers))
            raise LedgerError(f"entries {missing[:5]} of the ledger are missing: restore them from the bucket's versions")
        for number in numbers:
            if number not in self._entries:
                self._entries[number] = self._load(number)
        return tuple(self._entries[number] for number in numbers)

    def add(self, body: Body, *, at: datetime, actor: str) -> Entry[Body]:
        """Add an entry after all others. Safe under races, because a number is given once.

        Args:
            body: What the entry says.
            at: Time, UTC.
            actor: Person or run that adds it.

        Raises:
            LedgerError: Others added an entry first at every attempt.
        """
        for _ in range(ADD_ATTEMPTS):
            entry = self.add_at(len(self.entries()) + 1, body, at=at, actor=actor)
            if entry is not None:
                return entry
        raise LedgerError(f"another entry was added first at each of {ADD_ATTEMPTS} attempts: try again")

    def add_at(self, number: int, body: Body, *, at: datetime, actor: str) -> Entry[Body] | None:
        """Add an entry under a number; None if the number is taken, so the ledger is not what the caller has read."""
        entry = Entry(number, at, actor, body)
        return entry if self.store.create_bytes(entry_path(number), _json_line(entry.to_document())) else None

    def keep_evidence(self, document: Mapping[str, Any]) -> str:
        """Store the inputs of a decision; returns the sha256 that its entry names."""
        content = _json_line(document)
        sha256 = hashlib.sha256(content).hexdigest()
        self.store.create_bytes(evidence_path(sha256), content)
        return sha256

    def read_evidence(self, sha256: str) -> dict[str, Any]:
        """The inputs of a decision.

        Raises:
            LedgerError: They are missing, or were changed after the decision.
        """
        file = evidence_path(sha256)
        if file not in self.store.files(f"{EVIDENCE_FOLDER}/"):
            raise LedgerError(f"evidence {sha256[:16]} is missing: {RESTORE}")
        content = self.store.read_bytes(file)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise LedgerError(f"evidence {sha256[:16]} was changed after the decision: {RESTORE}")
        document: dict[str, Any] = json.loads(content)
        return document

    def _load(self, number: int) -> AnyEntry:
        path = entry_path(number)
        try:
            entry = entry_from_document(json.loads(self.store.read_bytes(path)))
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
            raise LedgerError(f"{path} is not a valid entry ({problems}): {RESTORE}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LedgerError(f"{path} is not a valid entry ({error}): {RESTORE}") from error
        if entry.number != number:
            raise LedgerError(f"{path} says that it is entry {entry.number}: {RESTORE}")
        return entry


def entry_path(number: int) -> str:
    """Path of an entry; paths sort by number."""
    return f"{LEDGER_FOLDER}/{number:06d}.json"


def evidence_path(sha256: str) -> str:
    """Path of the inputs of a decision."""
    return f"{EVIDENCE_FOLDER}/{sha256[:16]}.json"


def _number_in_name(file: str) -> str | None:
    """The number in an entry's path; None for any other file."""
    stem = file.removeprefix(f"{LEDGER_FOLDER}/").removesuffix(".json")
    return stem if stem.isdigit() else None


def _json_line(document: Mapping[str, Any]) -> bytes:
    """A document on one line: equal documents give equal bytes, which the sha256 of evidence relies on."""
    return (json.dumps(document, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n").encode()
