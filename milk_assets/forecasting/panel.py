"""The panel: prices as a grid of publications x series, as known on a date.

Belongs here: from the tidy frames to arrays, and cutting them at an origin. Features are made elsewhere, from these arrays.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from milk_assets.sniim.names import AVERAGES, NATIONAL, series_key
from milk_model.features import Floats
from milk_model.forecaster import History, segment_codes
from milk_model.targets import Dates

if TYPE_CHECKING:
    import pandas as pd

ACTIVE_WITHIN = (
    26  # publications, about two months: a series without a price for longer is not forecast. 185 of 216 on the real file
)


@dataclass(frozen=True)
class Names:
    """What a series is called: keys and their four parts, (N,) each."""

    series: tuple[str, ...]
    state: tuple[str, ...]
    city: tuple[str, ...]
    milk: tuple[str, ...]
    channel: tuple[str, ...]

    def by_key(self) -> dict[str, tuple[str, str, str, str]]:
        """State, city, milk and channel of each series, by its key."""
        return dict(zip(self.series, zip(self.state, self.city, self.milk, self.channel, strict=True), strict=True))

    def only(self, chosen: NDArray[np.bool_]) -> Names:
        """The names of some of the series."""
        return Names(**{part: tuple(np.array(values, dtype=object)[chosen]) for part, values in vars(self).items()})


@dataclass(frozen=True)
class Panel:
    """Prices as known at the last of `dates`.

    dates: (T,) datetime64[D], ascending. prices: (T, N) MXN/l, NaN where none was published. averages: (T, K) the national
    averages.
    """

    dates: Dates
    names: Names
    prices: Floats
    average_names: Names
    averages: Floats

    @property
    def origin(self) -> np.datetime64:
        """The newest publication known."""
        return np.datetime64(self.dates[-1], "D")

    @cached_property
    def active(self) -> NDArray[np.bool_]:
        """Whether each series has a price within the last ACTIVE_WITHIN publications, (N,)."""
        return np.asarray(np.isfinite(self.prices[-ACTIVE_WITHIN:]).any(axis=0))

    @cached_property
    def segments(self) -> NDArray[np.intp]:
        """The milk x channel of each series, as its place in SEGMENTS, (N,)."""
        return segment_codes(self.names.series)

    def until(self, day: Any) -> Panel:
        """The panel as known on a day: publications up to it, the day included. Raises ValueError when there are none."""
        count = int(np.searchsorted(self.dates, np.datetime64(day, "D"), side="right"))
        if not count:
            raise ValueError(f"no publication on or before {day}: the first is of {self.dates[0]}")
        return replace(self, dates=self.dates[:count], prices=self.prices[:count], averages=self.averages[:count])

    def only_active(self) -> Panel:
        """The panel without the series that are not forecast."""
        return replace(self, names=self.names.only(self.active), prices=self.prices[:, self.active])

    def history(self) -> History:
        """What the forecaster takes: active series and averages."""
        chosen = self.only_active()
        return History(self.dates, chosen.names.series, chosen.prices, self.average_names.series, self.averages)


def build_panel(prices: pd.DataFrame, averages: pd.DataFrame | None = None) -> Panel:
    """The panel of a prices frame and, where there is one, an averages frame.

    Raises ValueError on an empty frame and on two prices for one series and date.
    """
    if prices.empty:
        raise ValueError("the prices frame is empty: a panel needs at least one publication")
    repeated = prices.duplicated(["publication", "series"])
    if repeated.any():
        row = prices[repeated].iloc[0]
        raise ValueError(
            f"{row['series']} has two prices on {row['publication']:%Y-%m-%d}: the prices frame must hold one a series and date"
        )
    grid = prices.pivot(index="publication", columns="series", values="price").sort_index()
    first = prices.drop_duplicates("series").set_index("series").loc[grid.columns]
    names = Names(tuple(map(str, grid.columns)), *(tuple(map(str, first[part])) for part in ("state", "city", "milk", "channel")))
    average_names, average_grid = _averages(averages, grid.index)
    return Panel(
        dates=grid.index.to_numpy().astype("datetime64[D]"),
        names=names,
        prices=np.ascontiguousarray(grid.to_numpy(dtype=float)),
        average_names=average_names,
        averages=average_grid,
    )


def _averages(frame: pd.DataFrame | None, dates: pd.Index[Any]) -> tuple[Names, Floats]:
    if frame is None or frame.empty:
        return Names((), (), (), (), ()), np.empty((len(dates), 0))
    grid = frame.pivot(index="publication", columns=["average", "milk", "channel"], values="price").reindex(dates)
    columns = cast(list[tuple[str, str, str]], grid.columns.tolist())
    parts = [(AVERAGES[average], milk, channel) for average, milk, channel in columns]
    names = Names(
        series=tuple(series_key(NATIONAL, city, milk, channel) for city, milk, channel in parts),
        state=(NATIONAL,) * len(parts),
        city=tuple(city for city, _, _ in parts),
        milk=tuple(milk for _, milk, _ in parts),
        channel=tuple(channel for _, _, channel in parts),
    )
    return names, np.ascontiguousarray(grid.to_numpy(dtype=float))
