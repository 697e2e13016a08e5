"""The champion as the endpoint serves it: swapped while it runs, and kept when anything fails.

Belongs here: when to ask the store, what to take from it, and what to stay on. Within a TTL nothing is asked; after it one conditional
read. What is new is downloaded, proven and scored before it replaces what is served, in one assignment. A bad artefact is remembered by
the manifest's tag and not tried again; a store that is down or slow is asked again at growing intervals. Where nothing was ever loaded,
the folder baked into the image is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Literal

from lambda_service.serving.artefact_reader import MissingError, Source, SourceError, Unchanged
from lambda_service.serving.scored_market import Market
from milk_model.artefact_paths import SERVED
from milk_model.bundle import MANIFEST, BundleError, prefix, read_manifest, unpack
from milk_model.forecaster import Forecaster
from milk_model.snapshot import SnapshotError, read_snapshot

TTL = 60.0  # seconds: a promotion is served within them
LONGEST_WAIT = 300.0  # seconds between attempts on a store that stays down
AT_ONCE = 4  # files read at the same time
SCHEMA = 1  # of the manifest

Outcome = Literal["loaded", "unchanged", "bad artefact", "store unavailable", "never"]


class UnavailableError(RuntimeError):
    """No champion was ever loaded, from the store or from the image."""


class ArtefactError(ValueError):
    """What the manifest names cannot be served."""


@dataclass(frozen=True)
class Refresh:
    """The last attempt to see what is served. at: seconds since 1970, None before the first. reason: of a failure, for operators."""

    outcome: Outcome = "never"
    at: float | None = None
    reason: str | None = None
    failures: int = 0

    @property
    def failed(self) -> bool:
        """Whether what is served may be older than what should be."""
        return self.outcome in ("bad artefact", "store unavailable")

    def to_document(self) -> dict[str, Any]:
        """For the health answer, which anyone may ask for: the reason, which names files and folders, is for the log."""
        at = None if self.at is None else datetime.fromtimestamp(self.at, UTC).isoformat(timespec="seconds")
        return {"outcome": self.outcome, "at": at, "failures": self.failures}


class Champion:
    """What is served now. source: the store. baked: a folder of the same layout in the image. now: seconds since 1970."""

    def __init__(self, source: Source, now: Callable[[], float], *, baked: Source | None = None, ttl: float = TTL) -> None:
        self.source, self.baked, self.ttl, self._now = source, baked, ttl, now
        self.refreshed = Refresh()
        self.from_image = False
        self._market: Market | None = None
        self._tag: str | None = None  # of the manifest that was last dealt with, well or badly
        self._bad: str | None = None  # why that manifest cannot be served, where it cannot
        self._next = float("-inf")
        self._lock = Lock()

    def current(self) -> Market:
        """The market to answer from; asks the store where the TTL is over. Raises UnavailableError where there never was one."""
        self.refresh()
        if self._market is None:
            raise UnavailableError(self.refreshed.reason or "nothing was loaded yet")
        return self._market

    @property
    def newest(self) -> Market | None:
        """What was loaded last; asks nobody."""
        return self._market

    def refresh(self) -> None:
        """Ask the store, where it is time to. While one caller asks, the others are answered from what is there."""
        if not self._is_due() or not self._lock.acquire(blocking=self._market is None):
            return
        try:
            if self._is_due():
                self._ask()
                if self._market is None and self.baked is not None:
                    self._fall_back(self.baked)
        finally:
            self._lock.release()

    def _is_due(self) -> bool:
        """Whether to ask again: the wait is over, or the clock was set back to before it began."""
        now, asked = self._now(), self.refreshed.at
        return now >= self._next or (asked is not None and now < asked)

    def _ask(self) -> None:
        try:
            found = self.source.read(SERVED, self._tag)
            if isinstance(found, Unchanged):
                self._note("bad artefact" if self._bad else "unchanged", self._bad)
                return
            content, tag = found
            try:
                market = load(self.source, content)
            except (ArtefactError, MissingError) as error:
                self._tag, self._bad = tag, str(error)
                self._note("bad artefact", self._bad)
                return
        except MissingError as error:
            self._note("store unavailable", f"{error}: nothing was promoted yet, or the setting MILK_ARTEFACTS is wrong")
            return
        except SourceError as error:
            self._note("store unavailable", str(error))
            return
        self._market, self._tag, self._bad, self.from_image = market, tag, None, False
        self._note("loaded", None)

    def _note(self, outcome: Outcome, reason: str | None) -> None:
        now = self._now()
        failures = self.refreshed.failures + 1 if outcome in ("bad artefact", "store unavailable") else 0
        self.refreshed = Refresh(outcome, now, reason, failures)
        patience = self.ttl
        if outcome == "store unavailable":
            patience = min(self.ttl * 2 ** min(failures - 1, 10), max(LONGEST_WAIT, self.ttl))
        self._next = now + patience

    def _fall_back(self, baked: Source) -> None:
        try:
            found = baked.read(SERVED)
            assert not isinstance(found, Unchanged)  # noqa: S101  without a tag there is no such answer
            self._market, self.from_image = load(baked, found[0]), True
        except (ArtefactError, MissingError, SourceError) as error:
            self.refreshed = replace(self.refreshed, reason=f"{self.refreshed.reason}; in the image: {error}")


def load(source: Source, content: bytes) -> Market:
    """The market that a manifest names: everything read, proven and scored.

    Raises ArtefactError and MissingError where that cannot be served, SourceError where the store fails meanwhile.
    """
    manifest = _manifest(content)
    folder = prefix(manifest["bundle"])
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            data = pool.submit(_read, source, manifest["data"]["path"])
            named = _read(source, f"{folder}/{MANIFEST}")
            names = list(read_manifest(named, manifest["bundle"])["files"])
            contents = list(pool.map(lambda name: _read(source, f"{folder}/{name}"), names))
            bundle = unpack({MANIFEST: named, **dict(zip(names, contents, strict=True))}, manifest["bundle"])
            snapshot = read_snapshot(data.result(), manifest["data"]["sha256"])
        return Market.scored(manifest, snapshot, Forecaster.from_files(bundle.files))
    except (BundleError, SnapshotError) as error:
        raise ArtefactError(str(error)) from error
    except (SourceError, MissingError):
        raise
    except Exception as error:
        # a proven file that this release cannot read all the same, in whatever way; its text may hold anything
        raise ArtefactError(f"the bundle or the data cannot be scored: {type(error).__name__}") from error


def _read(source: Source, path: str) -> bytes:
    found = source.read(path)
    assert not isinstance(found, Unchanged)  # noqa: S101  without a tag there is no such answer
    return found[0]


def _manifest(content: bytes) -> Mapping[str, Any]:
    try:
        manifest = json.loads(content)
        if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
            raise ArtefactError(f"the manifest is not of schema {SCHEMA}: deploy the release that reads it")
        if not manifest.get("data"):
            raise ArtefactError("the manifest names no data: run the job `forecast` once")
        int(manifest["version"]), bool(manifest["is_baseline"]), str(manifest["facts"]["trained_through"])
        datetime.fromisoformat(manifest["since"])
        for name in (manifest["bundle"], manifest["data"]["sha256"], manifest["data"]["path"]):
            if not isinstance(name, str):
                raise ArtefactError("the manifest names a file by something that is no text: publish it again")
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, ArtefactError):
            raise
        raise ArtefactError(f"the manifest lacks or misstates {error}: publish it again") from error
    return manifest
