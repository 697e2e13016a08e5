"""Snapshot: the price history as known at the newest publication, in one file that the platform writes and the endpoint reads.

Belongs here: the file's format in both directions, and its checks. Not here: where the file is stored and when it is written, see
`milk_assets.stores.endpoint_snapshot`. Prices are stored as whole centavos where the source has whole centavos, so the file is small and
exact.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from milk_model.artefact_paths import SNAPSHOTS
from milk_model.features import Floats
from milk_model.forecaster import History
from milk_model.series_names import PARTS, Vocabulary
from milk_model.targets import Dates, windows_from

SNAPSHOT_SCHEMA = 1  # raised when a reader of the old format would misread the new one
CENTAVOS_PER_PESO = 100


class SnapshotError(ValueError):
    """A snapshot is not valid. The message says what was expected, the actual value and what to do."""


@dataclass(frozen=True)
class Snapshot:
    """Prices as known at the last of `dates`, with everything that forecasting and naming them needs.

    Attributes:
        dates: (T,) datetime64[D], ascending.
        names: Key of each active series → its four PARTS in canonical form, in the order of the columns.
        prices: (T, N) MXN/l, NaN where none was published.
        average_names: The same as `names`, for the K national averages.
        averages: (T, K) MXN/l.
        expected: (E,) publication dates to come.
        inactive: Keys of known series that are no longer forecast.
        vocabulary: Accepted spellings of names.
        labels: Spanish words for milks and channels.
        sample: Whether the prices are generated sample data.
        workbook: sha256 of the source's file.
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
        """The input of `Forecaster.forecast`."""
        return History(self.dates, tuple(self.names), self.prices, tuple(self.average_names), self.averages)


def pack_snapshot(snapshot: Snapshot) -> bytes:
    """The snapshot as a file. Equal snapshots give equal bytes.

    Raises:
        SnapshotError: The file could not be read back.
    """
    document = {
        "schema": SNAPSHOT_SCHEMA,
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
    read_snapshot(content)
    return content


def snapshot_path(content: bytes) -> str:
    """Path of a snapshot's file in the artefact store. It is content-addressed, so no other snapshot overwrites it."""
    return f"{SNAPSHOTS}/{hashlib.sha256(content).hexdigest()[:12]}.json"


def read_snapshot(content: bytes, sha256: str | None = None) -> Snapshot:
    """Parse and check a snapshot's file.

    Args:
        content: Of the file.
        sha256: Expected sha256 of the content, if the caller knows it.

    Raises:
        SnapshotError: It is another file, is not JSON, has another schema, or its parts do not fit together.
    """
    actual_sha256 = hashlib.sha256(content).hexdigest()
    if sha256 is not None and actual_sha256 != sha256:
        raise SnapshotError(f"the data have sha256 {actual_sha256[:12]}…, the manifest says {sha256[:12]}…: publish them again")
    try:
        document = json.loads(content)
    except ValueError as error:
        raise SnapshotError(f"the data are not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != SNAPSHOT_SCHEMA:
        raise SnapshotError(f"the data are not of schema {SNAPSHOT_SCHEMA}: read them with the release that wrote them")
    try:
        snapshot = _from_document(document)
    except (KeyError, TypeError, ValueError) as error:
        raise SnapshotError(f"the data have a missing or invalid entry: {error}: publish them again") from error
    _check(snapshot)
    return snapshot


def _from_document(document: Mapping[str, Any]) -> Snapshot:
    dates, expected = (np.array(document[name], dtype="datetime64[D]") for name in ("dates", "expected"))
    names, prices = _table(document["series"], len(dates))
    average_names, averages = _table(document["averages"], len(dates))
    return Snapshot(
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


def _columns(names: Mapping[str, tuple[str, str, str, str]], prices: Floats) -> list[dict[str, Any]]:
    if prices.shape[1] != len(names):
        raise SnapshotError(f"expected a column of prices for each of {len(names)} series, got {prices.shape[1]}")
    centavos = prices * CENTAVOS_PER_PESO
    rounded = np.round(centavos)
    is_whole = np.abs(centavos - rounded) < 1e-6
    columns = []
    for index, (key, parts) in enumerate(names.items()):
        values = _price_list(centavos[:, index], rounded[:, index], is_whole[:, index])
        columns.append({"key": key, **dict(zip(PARTS, parts, strict=True)), "prices": values})
    return columns


def _price_list(centavos: Floats, rounded: Floats, is_whole: Any) -> list[int | float | None]:
    """Prices in centavos: whole numbers where they are whole, null where none was published."""
    prices: list[int | float | None] = []
    for value, whole_value, use_whole in zip(centavos.tolist(), rounded.tolist(), is_whole.tolist(), strict=True):
        if np.isnan(value):
            prices.append(None)
        else:
            prices.append(int(whole_value) if use_whole else value)
    return prices


def _table(columns: Sequence[Mapping[str, Any]], row_count: int) -> tuple[dict[str, tuple[str, str, str, str]], Floats]:
    names = {column["key"]: (column["state"], column["city"], column["milk"], column["channel"]) for column in columns}
    if len(names) != len(columns):
        raise ValueError("expected one column for each key")
    centavos = np.array([column["prices"] for column in columns], dtype=float).reshape(len(columns), row_count)
    return names, np.ascontiguousarray(centavos.T / CENTAVOS_PER_PESO)


def _check(snapshot: Snapshot) -> None:
    if not len(snapshot.dates) or not snapshot.names:
        raise SnapshotError("the data hold no price: publish them again")
    if not (np.diff(snapshot.dates).astype(int) > 0).all():
        raise SnapshotError("the data's dates are not in order: publish them again")
    if np.nanmin(snapshot.prices, initial=np.inf) <= 0 or np.isinf(snapshot.prices).any():
        raise SnapshotError("the data hold a price that is not above zero: check the workbook")
    try:
        snapshot.history().segments  # noqa: B018  computed once, and checked by it
        windows_from(snapshot.dates, snapshot.expected)
    except ValueError as error:
        raise SnapshotError(f"the data cannot be forecast from: {error}") from error
