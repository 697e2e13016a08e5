"""Panel: prices as an array of publications x series, as known on a date.

Belongs here: building arrays from tidy frames, and cutting them at an origin. Not here: features of these arrays, see
`milk_model.features`.
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

# Publications, about two months: a series without a price for longer is not forecast. 185 of 216 are active in the file to 2025-03-31.
ACTIVE_WITHIN = 26


@dataclass(frozen=True)
class SeriesNames:
    """Keys of series and their four parts, (N,) each."""

    series: tuple[str, ...]
    state: tuple[str, ...]
    city: tuple[str, ...]
    milk: tuple[str, ...]
    channel: tuple[str, ...]

    def by_key(self) -> dict[str, tuple[str, str, str, str]]:
        """Key of each series → state, city, milk and channel."""
        return dict(zip(self.series, zip(self.state, self.city, self.milk, self.channel, strict=True), strict=True))

    def subset(self, chosen: NDArray[np.bool_]) -> SeriesNames:
        """The names of some of the series. chosen: (N,)."""
        return SeriesNames(**{part: tuple(np.array(values, dtype=object)[chosen]) for part, values in vars(self).items()})


@dataclass(frozen=True)
class Panel:
    """Prices as known at the last of `dates`.

    Attributes:
        dates: (T,) datetime64[D], ascending.
        names: Of the N series.
        prices: (T, N) MXN/l, NaN where none was published.
        average_names: Of the K national averages.
        averages: (T, K) MXN/l.
    """

    dates: Dates
    names: SeriesNames
    prices: Floats
    average_names: SeriesNames
    averages: Floats

    @property
    def origin(self) -> np.datetime64:
        """The newest publication in the panel."""
        return np.datetime64(self.dates[-1], "D")

    @cached_property
    def active(self) -> NDArray[np.bool_]:
        """Whether each series has a price within the last ACTIVE_WITHIN publications, (N,)."""
        return np.asarray(np.isfinite(self.prices[-ACTIVE_WITHIN:]).any(axis=0))

    @cached_property
    def segments(self) -> NDArray[np.intp]:
        """Position in SEGMENTS of each series' milk x channel, (N,)."""
        return segment_codes(self.names.series)

    def until(self, day: Any) -> Panel:
        """The panel as known on a day: publications up to and including it. Raises ValueError if there are none."""
        count = int(np.searchsorted(self.dates, np.datetime64(day, "D"), side="right"))
        if not count:
            raise ValueError(f"no publication on or before {day}: the first one is {self.dates[0]}")
        return replace(self, dates=self.dates[:count], prices=self.prices[:count], averages=self.averages[:count])

    def only_active(self) -> Panel:
        """The panel without the series that are not forecast."""
        return replace(self, names=self.names.subset(self.active), prices=self.prices[:, self.active])

    def history(self) -> History:
        """The input of `Forecaster.forecast`: active series and averages."""
        active_panel = self.only_active()
        return History(self.dates, active_panel.names.series, active_panel.prices, self.average_names.series, self.averages)


def build_panel(prices: pd.DataFrame, averages: pd.DataFrame | None = None) -> Panel:
    """Build a panel from tidy frames.

    Args:
        prices: One row per publication and series: publication, series, state, city, milk, channel, price (MXN/l or NaN).
        averages: One row per publication, average, milk and channel, with its price.

    Raises:
        ValueError: The prices frame is empty, or has two prices for one series and date.
    """
    if prices.empty:
        raise ValueError("the prices frame is empty: a panel needs at least one publication")
    duplicated = prices.duplicated(["publication", "series"])
    if duplicated.any():
        row = prices[duplicated].iloc[0]
        raise ValueError(
            f"{row['series']} has two prices on {row['publication']:%Y-%m-%d}: expected one row per series and publication"
        )
    table = prices.pivot(index="publication", columns="series", values="price").sort_index()
    of_series = prices.drop_duplicates("series").set_index("series").loc[table.columns]
    parts = (tuple(map(str, of_series[part])) for part in ("state", "city", "milk", "channel"))
    average_names, average_values = _averages(averages, table.index)
    return Panel(
        dates=table.index.to_numpy().astype("datetime64[D]"),
        names=SeriesNames(tuple(map(str, table.columns)), *parts),
        prices=np.ascontiguousarray(table.to_numpy(dtype=float)),
        average_names=average_names,
        averages=average_values,
    )


def _averages(frame: pd.DataFrame | None, dates: pd.Index[Any]) -> tuple[SeriesNames, Floats]:
    if frame is None or frame.empty:
        return SeriesNames((), (), (), (), ()), np.empty((len(dates), 0))
    table = frame.pivot(index="publication", columns=["average", "milk", "channel"], values="price").reindex(dates)
    columns = cast(list[tuple[str, str, str]], table.columns.tolist())
    parts = [(AVERAGES[average], milk, channel) for average, milk, channel in columns]
    names = SeriesNames(
        series=tuple(series_key(NATIONAL, city, milk, channel) for city, milk, channel in parts),
        state=(NATIONAL,) * len(parts),
        city=tuple(city for city, _, _ in parts),
        milk=tuple(milk for _, milk, _ in parts),
        channel=tuple(channel for _, _, channel in parts),
    )
    return names, np.ascontiguousarray(table.to_numpy(dtype=float))
