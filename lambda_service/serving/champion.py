"""Champion: the model version that the endpoint serves, replaced while the process runs.

Belongs here: when to check the store, what to load, and what to keep when loading fails. Not here: reading files (`artefact_reader`)
and scoring (`scored_market`).

Within the TTL nothing is read; after it, one conditional read of the manifest. A new version is downloaded, verified and scored before
it replaces the served one in a single assignment. A manifest that cannot be served is remembered by its tag and not loaded again. A
store that fails is checked at growing intervals. While nothing was ever loaded, the model packaged with the code is served.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Literal

from lambda_service.serving.artefact_reader import ArtefactError, ArtefactNotFoundError, ArtefactReader
from lambda_service.serving.scored_market import ScoredMarket
from lambda_service.serving.served_manifest import BadArtefactError, parse_manifest
from milk_model.artefact_paths import SERVED
from milk_model.bundle import MANIFEST, BundleError, prefix, read_manifest, unpack
from milk_model.forecaster import Forecaster
from milk_model.snapshot import SnapshotError, read_snapshot

TTL_SECONDS = 60.0  # a promotion is served within this time
MAX_WAIT_SECONDS = 300.0  # between checks of a store that keeps failing
PARALLEL_READS = 4

RefreshOutcome = Literal["loaded", "unchanged", "bad artefact", "store unavailable", "never"]


class UnavailableError(RuntimeError):
    """No champion was ever loaded, neither from the store nor from the package."""


@dataclass(frozen=True)
class RefreshStatus:
    """The last check of the store.

    Attributes:
        outcome: what the check resulted in.
        at: seconds since 1970; None before the first check.
        reason: why it failed, for operators only.
        failures: failed checks in a row.
    """

    outcome: RefreshOutcome = "never"
    at: float | None = None
    reason: str | None = None
    failures: int = 0

    @property
    def has_failed(self) -> bool:
        """Whether the served version may be older than the champion."""
        return self.outcome in ("bad artefact", "store unavailable")

    def to_document(self) -> dict[str, Any]:
        """The status for the health answer. It is public, so the reason, which names files and folders, is only logged."""
        at = None if self.at is None else datetime.fromtimestamp(self.at, UTC).isoformat(timespec="seconds")
        return {"outcome": self.outcome, "at": at, "failures": self.failures}


class Champion:
    """The served model version, kept up to date with the store."""

    def __init__(
        self,
        reader: ArtefactReader,
        now: Callable[[], float],
        *,
        fallback: ArtefactReader | None = None,
        ttl: float = TTL_SECONDS,
    ) -> None:
        """
        Args:
            reader: of the artefact store.
            now: the clock, in seconds since 1970.
            fallback: reader of a folder with the same layout, packaged with the code.
            ttl: seconds between checks of the store.
        """
        self.reader, self.fallback, self.ttl, self._now = reader, fallback, ttl, now
        self.last_refresh = RefreshStatus()
        self.is_fallback = False
        self._market: ScoredMarket | None = None
        self._etag: str | None = None  # of the last manifest that was handled, whether it could be served or not
        self._rejection: str | None = None  # why that manifest cannot be served; None when it can
        self._next_check = float("-inf")
        self._lock = Lock()

    def current(self) -> ScoredMarket:
        """The served market, after checking the store if the TTL is over.

        Raises:
            UnavailableError: nothing was ever loaded.
        """
        self.refresh()
        if self._market is None:
            raise UnavailableError(self.last_refresh.reason or "nothing was loaded yet")
        return self._market

    @property
    def loaded(self) -> ScoredMarket | None:
        """The market that was loaded last, without checking the store."""
        return self._market

    def refresh(self) -> None:
        """Check the store if it is due. While one thread checks, others continue with the loaded market."""
        if not self._is_due() or not self._lock.acquire(blocking=self._market is None):
            return
        try:
            if self._is_due():
                self._check_store()
                if self._market is None and self.fallback is not None:
                    self._load_fallback(self.fallback)
        finally:
            self._lock.release()

    def _is_due(self) -> bool:
        """Whether the wait is over, or the clock was set back to before the last check."""
        now, last_check = self._now(), self.last_refresh.at
        return now >= self._next_check or (last_check is not None and now < last_check)

    def _check_store(self) -> None:
        try:
            artefact = self.reader.read_if_changed(SERVED, self._etag)
            if artefact is None:
                self._record("bad artefact" if self._rejection else "unchanged", self._rejection)
                return
            try:
                market = load(self.reader, artefact.content)
            except (BadArtefactError, ArtefactNotFoundError) as error:
                self._etag, self._rejection = artefact.etag, str(error)
                self._record("bad artefact", self._rejection)
                return
        except ArtefactNotFoundError as error:
            self._record("store unavailable", f"{error}: no version was promoted yet, or the setting MILK_ARTEFACTS is wrong")
            return
        except ArtefactError as error:
            self._record("store unavailable", str(error))
            return
        self._market, self._etag, self._rejection, self.is_fallback = market, artefact.etag, None, False
        self._record("loaded", None)

    def _record(self, outcome: RefreshOutcome, reason: str | None) -> None:
        """Store the outcome of a check and schedule the next one."""
        now = self._now()
        failures = self.last_refresh.failures + 1 if outcome in ("bad artefact", "store unavailable") else 0
        self.last_refresh = RefreshStatus(outcome, now, reason, failures)
        wait = self.ttl
        if outcome == "store unavailable":
            wait = min(self.ttl * 2 ** min(failures - 1, 10), max(MAX_WAIT_SECONDS, self.ttl))
        self._next_check = now + wait

    def _load_fallback(self, fallback: ArtefactReader) -> None:
        try:
            self._market, self.is_fallback = load(fallback, fallback.read(SERVED).content), True
        except (BadArtefactError, ArtefactNotFoundError, ArtefactError) as error:
            reason = f"{self.last_refresh.reason}; fallback model: {error}"
            self.last_refresh = replace(self.last_refresh, reason=reason)


def load(reader: ArtefactReader, content: bytes) -> ScoredMarket:
    """Load what a manifest names: read, verify and score it.

    Args:
        reader: of the store that holds the files.
        content: the manifest's bytes.

    Raises:
        BadArtefactError: the manifest or a file that it names cannot be served.
        ArtefactNotFoundError: a file that it names does not exist.
        ArtefactError: the store failed during the reads.
    """
    manifest = parse_manifest(content)
    folder = prefix(manifest.bundle)
    try:
        with ThreadPoolExecutor(PARALLEL_READS) as pool:
            data = pool.submit(_read, reader, manifest.data.path)
            bundle_manifest = _read(reader, f"{folder}/{MANIFEST}")
            names = list(read_manifest(bundle_manifest, manifest.bundle)["files"])
            contents = list(pool.map(lambda name: _read(reader, f"{folder}/{name}"), names))
            bundle = unpack({MANIFEST: bundle_manifest, **dict(zip(names, contents, strict=True))}, manifest.bundle)
            snapshot = read_snapshot(data.result(), manifest.data.sha256)
        return ScoredMarket.score(manifest, snapshot, Forecaster.from_files(bundle.files))
    except (BundleError, SnapshotError) as error:
        raise BadArtefactError(str(error)) from error
    except (ArtefactError, ArtefactNotFoundError):
        raise
    except Exception as error:
        # a verified file that this release still cannot read; the message of the error could contain anything
        raise BadArtefactError(f"the bundle or the data cannot be scored: {type(error).__name__}") from error


def _read(reader: ArtefactReader, path: str) -> bytes:
    return reader.read(path).content
