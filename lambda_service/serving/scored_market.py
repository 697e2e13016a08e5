"""The market as it is served: one model version and one snapshot, scored once and ready to be asked.

Belongs here: forecasts by series, and forecasts from a caller's own prices. How versions are swapped, and how answers look, is elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np

from milk_model.forecast_columns import Columns
from milk_model.forecaster import Forecaster, History
from milk_model.snapshot import Snapshot
from milk_model.targets import PUBLICATION_LEADS

DECIMALS = 6  # of prices and chances in answers: no rounding that anyone could measure
FIGURES = ("no_change", "forecast", "lo80", "hi80", "lo95", "hi95", "p_up", "p_same", "p_down")
OWN_AHEAD = 13  # publications that a caller's own prices may run ahead of the source: a month
MOST_OWN = 60  # own prices of one series; further back, no feature but the slowest moves


class OwnPricesError(ValueError):
    """A caller's own prices cannot be used: which, and what is expected."""


@dataclass(frozen=True)
class Market:
    """A model version over a snapshot. manifest: what named both; forecasts: by series, task and lead, MXN/l."""

    manifest: Mapping[str, Any]
    snapshot: Snapshot
    forecaster: Forecaster
    forecasts: Mapping[str, Mapping[str, Any]]

    @staticmethod
    def scored(manifest: Mapping[str, Any], snapshot: Snapshot, forecaster: Forecaster) -> Market:
        """The market with every series scored. Raises ValueError on a forecast that is no number."""
        columns = forecaster.forecast(snapshot.history(), snapshot.expected)
        for name in FIGURES:
            if not np.isfinite(columns[name]).all():
                raise ValueError(f"{name} of version {manifest['version']} is not finite for some series: look at the bundle")
        return Market(manifest, snapshot, forecaster, by_series(columns))

    @property
    def since(self) -> datetime:
        """When this version became what is served, UTC."""
        return datetime.fromisoformat(self.manifest["since"]).astimezone(UTC)

    @property
    def generated(self) -> datetime:
        """When these forecasts came to be: with their model or with their data, whichever is newer, UTC."""
        data = self.manifest["data"].get("at")
        return max(self.since, datetime.fromisoformat(data).astimezone(UTC)) if data else self.since

    @cached_property
    def names(self) -> dict[str, tuple[str, str, str, str]]:
        """State, city, milk and channel of everything that is forecast, by its key: cities, then national averages."""
        names = {**self.snapshot.names, **self.snapshot.average_names}
        return {key: names[key] for key in names if key in self.forecasts}

    def from_own(self, wanted: Sequence[tuple[str, Mapping[np.datetime64, float]]]) -> list[Mapping[str, Any]]:
        """Forecasts of some series as if these prices had been published for them, in the order asked for.

        wanted: (key of a city series, its prices by publication date). Each stands alone: the rest of the market, and every other item,
        stays as published. Prices replace those of their dates, and add dates that are expected next. All of one origin are scored at
        once. Raises OwnPricesError where the dates are none the source publishes on, or are too far ahead.
        """
        answers: dict[int, Mapping[str, Any]] = {}
        groups: dict[int, list[int]] = {}
        for place, (key, prices) in enumerate(wanted):
            groups.setdefault(self.ahead(key, prices), []).append(place)
        for ahead, places in groups.items():
            scored = self._scored_with([wanted[place] for place in places], ahead)
            answers |= dict(zip(places, scored, strict=True))
        return [answers[place] for place in range(len(wanted))]

    def ahead(self, key: str, prices: Mapping[np.datetime64, float]) -> int:
        """How many publications a caller's own prices run ahead of the source. Raises OwnPricesError as `from_own` does."""
        if key not in self.snapshot.names:
            raise OwnPricesError("own prices can be given for the series of cities, not for national averages")
        near = self.snapshot.expected[:OWN_AHEAD]
        dates = dict.fromkeys(self.snapshot.dates[-MOST_OWN:], 0) | {day: n + 1 for n, day in enumerate(near)}
        for day in prices:
            if day not in dates:
                raise OwnPricesError(
                    f"{day} is none of the last {MOST_OWN} publication dates to {self.snapshot.publication}, "
                    f"nor of the next {OWN_AHEAD} to {near[-1]}"
                )
        return max((dates[day] for day in prices), default=0)

    def _scored_with(self, wanted: Sequence[tuple[str, Mapping[np.datetime64, float]]], ahead: int) -> list[Mapping[str, Any]]:
        snapshot = self.snapshot
        dates = np.concatenate([snapshot.dates, snapshot.expected[:ahead]])
        market = np.vstack([snapshot.prices, np.full((ahead, snapshot.prices.shape[1]), np.nan)])
        column = {key: n for n, key in enumerate(snapshot.names)}
        row = {day: n for n, day in enumerate(dates)}
        own = market[:, [column[key] for key, _ in wanted]]
        for n, (_, prices) in enumerate(wanted):
            for day, price in prices.items():
                own[row[day], n] = price
        segments = [key.split("/", 2)[-1] for key, _ in wanted]
        keys = tuple(f"own/{n}/{segment}" for n, segment in enumerate(segments))
        counted = np.arange(market.shape[1] + len(keys)) < market.shape[1]
        history = History(dates, (*snapshot.names, *keys), np.hstack([market, own]), in_market=counted)
        scored = by_series(self.forecaster.forecast(history, snapshot.expected[ahead:]), only=frozenset(keys))
        return [scored[key] for key in keys]


def by_series(columns: Columns, only: frozenset[str] | None = None) -> dict[str, dict[str, Any]]:
    """The forecaster's columns as documents: last_price, last_date, publications and months of each series, ready for JSON."""
    found: dict[str, dict[str, Any]] = {}
    figures = {name: np.round(columns[name], DECIMALS).tolist() for name in FIGURES}
    last = np.round(columns["last_price"], DECIMALS).tolist()
    dates, targets = columns["last_date"].astype(str).tolist(), columns["target"].astype(str).tolist()
    tasks, leads = columns["task"].tolist(), columns["lead"].tolist()
    for row, key in enumerate(columns["series"].tolist()):
        if only is not None and key not in only:
            continue
        document = found.get(key)
        if document is None:
            document = found[key] = {"last_price": last[row], "last_date": dates[row], "publications": [], "months": []}
        values = {name: figures[name][row] for name in FIGURES}
        document["publications" if tasks[row] == "publication" else "months"].append(
            {"lead": leads[row], "target": targets[row], **values}
        )
    return found


def furthest(snapshot: Snapshot) -> str:
    """The last publication date that is forecast by itself, YYYY-MM-DD."""
    return str(snapshot.expected[max(PUBLICATION_LEADS) - 1])
