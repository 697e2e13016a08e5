"""The snapshot: the price history as known at the newest publication, in one file that the platform writes and the endpoint reads.

Belongs here: its format, both ways, and its checks. Prices are whole centavos wherever the source's are, so that the file is small and
exact. Where the file stands, and when it is written, is elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from milk_model.artefact_paths import DATA
from milk_model.features import Floats
from milk_model.forecaster import History
from milk_model.series_names import PARTS, Vocabulary
from milk_model.targets import Dates, windows_from

SCHEMA = 1  # raised when a reader of the old format would read the new one wrongly
CENTAVOS = 100


class SnapshotError(ValueError):
    """A snapshot is not what it should be: what was expected, what came, and what to do."""


@dataclass(frozen=True)
class Snapshot:
    """Prices as known at the last of `dates`, with all that is needed to forecast and to name them.

    dates: (T,) datetime64[D], ascending. names: of each series, by its key, the four of PARTS in canonical form; the order is that of
    the columns. prices: (T, N) MXN/l, NaN where none was published: active series only. average_names, averages: likewise, (T, K).
    expected: publication dates to come. inactive: keys that are known but no longer forecast. labels: Spanish words of milks and
    channels. workbook: sha256 of the source's file.
    """

    dates: Dates
    names: Mapping[str, tuple[str, str, str, str]]
    prices: Floats
    average_names: Mapping[str, tuple[str, str, str, str]]
    averages: Floats
    expected: Dates
    inactive: tuple[str, ...]
    vocabulary: Vocabulary
    labels: Mapping[str, str]
    sample: bool
    workbook: str

    @property
    def publication(self) -> str:
        """The newest publication, YYYY-MM-DD."""
        return str(self.dates[-1])

    def history(self) -> History:
        """What the forecaster takes."""
        return History(self.dates, tuple(self.names), self.prices, tuple(self.average_names), self.averages)


def pack(snapshot: Snapshot) -> bytes:
    """The snapshot as a file; equal snapshots give equal bytes. Raises SnapshotError on one that could not be read back."""
    document = {
        "schema": SCHEMA,
        "publication": snapshot.publication,
        "workbook": snapshot.workbook,
        "sample": snapshot.sample,
        "dates": [str(day) for day in snapshot.dates],
        "expected": [str(day) for day in snapshot.expected],
        "series": _columns(snapshot.names, snapshot.prices),
        "averages": _columns(snapshot.average_names, snapshot.averages),
        "inactive": list(snapshot.inactive),
        "words": {
            "places": dict(snapshot.vocabulary.places),
            "milks": dict(snapshot.vocabulary.milks),
            "channels": dict(snapshot.vocabulary.channels),
        },
        "labels": dict(snapshot.labels),
    }
    content = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True).encode()
    read(content)
    return content


def path(content: bytes) -> str:
    """Where a snapshot's file stands in the artefact store; content-addressed, so it is never overwritten by another."""
    return f"{DATA}/{hashlib.sha256(content).hexdigest()[:12]}.json"


def read(content: bytes, sha256: str | None = None) -> Snapshot:
    """The snapshot in a file. sha256: what it must hash to, where the caller knows it.

    Raises SnapshotError: it is another file, no JSON, of another schema, or its parts do not fit together.
    """
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256:
        raise SnapshotError(f"the data have sha256 {found[:12]}…, the manifest says {sha256[:12]}…: publish them again")
    try:
        document = json.loads(content)
    except ValueError as error:
        raise SnapshotError(f"the data are no JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise SnapshotError(f"the data are not of schema {SCHEMA}: read them with the release that wrote them")
    try:
        dates, expected = (np.array(document[name], dtype="datetime64[D]") for name in ("dates", "expected"))
        names, prices = _table(document["series"], len(dates))
        average_names, averages = _table(document["averages"], len(dates))
        snapshot = Snapshot(
            dates=dates,
            names=names,
            prices=prices,
            average_names=average_names,
            averages=averages,
            expected=expected,
            inactive=tuple(document["inactive"]),
            vocabulary=Vocabulary(**document["words"]),
            labels=document["labels"],
            sample=bool(document["sample"]),
            workbook=str(document["workbook"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SnapshotError(f"the data lack or misstate {error}: publish them again") from error
    _check(snapshot)
    return snapshot


def _columns(names: Mapping[str, tuple[str, str, str, str]], prices: Floats) -> list[dict[str, Any]]:
    if prices.shape[1] != len(names):
        raise SnapshotError(f"expected a column of prices for each of {len(names)} series, got {prices.shape[1]}")
    cents = prices * CENTAVOS
    whole = np.round(cents)
    exact = np.abs(cents - whole) < 1e-6
    return [
        {"key": key, **dict(zip(PARTS, parts, strict=True)), "prices": _numbers(cents[:, n], whole[:, n], exact[:, n])}
        for n, (key, parts) in enumerate(names.items())
    ]


def _numbers(cents: Floats, whole: Floats, exact: Any) -> list[int | float | None]:
    triples = zip(cents.tolist(), whole.tolist(), exact.tolist(), strict=True)
    return [None if np.isnan(value) else int(rounded) if is_exact else value for value, rounded, is_exact in triples]


def _table(columns: Sequence[Mapping[str, Any]], count: int) -> tuple[dict[str, tuple[str, str, str, str]], Floats]:
    names = {column["key"]: (column["state"], column["city"], column["milk"], column["channel"]) for column in columns}
    if len(names) != len(columns):
        raise ValueError("one column for each key")
    cents = np.array([column["prices"] for column in columns], dtype=float).reshape(len(columns), count)
    return names, np.ascontiguousarray(cents.T / CENTAVOS)


def _check(snapshot: Snapshot) -> None:
    if not len(snapshot.dates) or not snapshot.names:
        raise SnapshotError("the data hold no price: publish them again")
    if not (np.diff(snapshot.dates).astype(int) > 0).all():
        raise SnapshotError("the data's dates are not in order: publish them again")
    if np.nanmin(snapshot.prices, initial=np.inf) <= 0 or np.isinf(snapshot.prices).any():
        raise SnapshotError("the data hold a price that is not above nought: look at the workbook")
    try:
        snapshot.history().segments  # noqa: B018  computed once, and checked by it
        windows_from(snapshot.dates, snapshot.expected)
    except ValueError as error:
        raise SnapshotError(f"the data cannot be forecast from: {error}") from error
