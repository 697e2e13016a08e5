"""Outcomes: the published prices, by date and by whole month, to compare forecasts with.

Belongs here: when the actual price of a target is known, and joining forecasts with it. Not here: where the forecasts come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from milk_assets.forecasting.model import expected_dates
from milk_assets.forecasting.panel import Panel
from milk_model.features import Floats
from milk_model.targets import Dates

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Outcomes:
    """Published prices of N series and K averages.

    Attributes:
        columns: Key of a series → its column in `prices` and `month_means`.
        dates: (T,) publications.
        prices: (T, N + K) MXN/l.
        months: (M,) first days of the months that have ended, according to the calendar at the last date.
        month_means: (M, N + K) MXN/l.
    """

    columns: dict[str, int]
    dates: Dates
    prices: Floats
    months: Dates
    month_means: Floats

    @staticmethod
    def from_panel(panel: Panel) -> Outcomes:
        """The outcomes that a panel contains."""
        prices = np.hstack([panel.prices, panel.averages])
        dates = panel.dates.astype("datetime64[D]")
        month_of_date = dates.astype("datetime64[M]")
        months = ended_months(dates)
        month_means = np.full((len(months), prices.shape[1]), np.nan)
        for row, month in enumerate(months.astype("datetime64[M]")):
            of_month = prices[month_of_date == month]
            count = np.isfinite(of_month).sum(axis=0)
            month_means[row] = np.where(count > 0, np.nansum(of_month, axis=0) / np.maximum(count, 1), np.nan)
        keys = (*panel.names.series, *panel.average_names.series)
        columns = {key: column for column, key in enumerate(keys)}
        return Outcomes(columns, dates, prices, months, month_means)

    def join_actual(self, frame: pd.DataFrame, after: np.datetime64 | None = None) -> pd.DataFrame:
        """The forecasts whose actual price is known, with it in the column `actual`, MXN/l.

        Args:
            frame: Forecasts, with task, series and target.
            after: Only targets that were not yet known when this was the newest publication.
        """
        is_month = (frame["task"] == "month").to_numpy()
        column = frame["series"].map(self.columns).fillna(-1).to_numpy(dtype=np.intp)
        target = frame["target"].to_numpy().astype("datetime64[D]")
        by_month = _look_up(self.months, self.month_means, target, column)
        by_date = _look_up(self.dates, self.prices, target, column)
        actual = np.where(is_month, by_month, by_date)
        if after is not None:
            months_before = ended_months(self.dates[self.dates <= after])
            is_too_old = np.where(is_month, np.isin(target, months_before), target <= after)
            actual = np.where(is_too_old, np.nan, actual)
        return frame.assign(actual=actual).dropna(subset=["actual"])


def ended_months(dates: Dates) -> Dates:
    """First days of the months that have ended with the last of some publication dates.

    Args:
        dates: (T,) ascending.
    """
    if not len(dates):
        return np.empty(0, dtype="datetime64[D]")
    months = np.unique(dates.astype("datetime64[M]"))
    return (months if month_ends(dates[-1]) else months[:-1]).astype("datetime64[D]")


def month_ends(origin: np.datetime64) -> bool:
    """Whether a publication is the last one that the calendar expects in its month."""
    return bool(expected_dates(origin)[0].astype("datetime64[M]") > origin.astype("datetime64[M]"))


def _look_up(keys: Dates, values: Floats, targets: Dates, column: NDArray[np.integer[Any]]) -> Floats:
    """Values by target and column, NaN where nothing was published.

    Args:
        keys: (M,) ascending.
        values: (M, C).
        targets: (R,) to find in `keys`.
        column: (R,) of `values`; -1 for an unknown series.
    """
    if not len(keys):
        return np.full(len(targets), np.nan)
    row = np.minimum(np.searchsorted(keys, targets), len(keys) - 1)
    return np.asarray(np.where((keys[row] == targets) & (column >= 0), values[row, column], np.nan))
