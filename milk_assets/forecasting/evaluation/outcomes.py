"""Outcomes: what was published, by date and by whole month, to set beside what had been forecast.

Belongs here: when a target is known, and joining forecasts with it. Where the forecasts come from is the caller's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from milk_assets.forecasting.model import expected_dates
from milk_assets.forecasting.panel import Panel
from milk_model.features import Floats
from milk_model.targets import Dates

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Outcomes:
    """Prices and averages as published. columns: series key → place. values: (T, N + K) by date, means: (M, N + K) by month, MXN/l.

    months: first days of the months that have ended, as the calendar saw it at the last date.
    """

    columns: dict[str, int]
    dates: Dates
    values: Floats
    months: Dates
    means: Floats

    @staticmethod
    def of(panel: Panel) -> Outcomes:
        """The outcomes that a panel knows."""
        values = np.hstack([panel.prices, panel.averages])
        dates = panel.dates.astype("datetime64[D]")
        of_date = dates.astype("datetime64[M]")
        months = ended_months(dates)
        means = np.full((len(months), values.shape[1]), np.nan)
        for row, month in enumerate(months.astype("datetime64[M]")):
            part = values[of_date == month]
            number = np.isfinite(part).sum(axis=0)
            means[row] = np.where(number > 0, np.nansum(part, axis=0) / np.maximum(number, 1), np.nan)
        columns = {key: place for place, key in enumerate((*panel.names.series, *panel.average_names.series))}
        return Outcomes(columns, dates, values, months, means)

    def joined(self, frame: pd.DataFrame, after: np.datetime64 | None = None) -> pd.DataFrame:
        """The forecasts whose outcome is known, with it as `actual`.

        after: only targets that were not yet known when this was the newest date.
        """
        monthly = (frame["task"] == "month").to_numpy()
        place = frame["series"].map(self.columns).fillna(-1).to_numpy(dtype=int)
        target = frame["target"].to_numpy().astype("datetime64[D]")
        by_month, by_date = _look_up(self.months, self.means, target, place), _look_up(self.dates, self.values, target, place)
        actual = np.where(monthly, by_month, by_date)
        if after is not None:
            known = ended_months(self.dates[self.dates <= after])
            actual = np.where(np.where(monthly, np.isin(target, known), target <= after), np.nan, actual)
        return frame.assign(actual=actual).dropna(subset=["actual"])


def ended_months(dates: Dates) -> Dates:
    """First days of the months of some publication dates that had ended with the last of them."""
    if not len(dates):
        return np.empty(0, dtype="datetime64[D]")
    months = np.unique(dates.astype("datetime64[M]"))
    return (months if month_ends(dates[-1]) else months[:-1]).astype("datetime64[D]")


def month_ends(origin: np.datetime64) -> bool:
    """Whether no publication is expected in the month of this one any more."""
    return bool(expected_dates(origin)[0].astype("datetime64[M]") > origin.astype("datetime64[M]"))


def _look_up(keys: Dates, values: Floats, wanted: Dates, place: Any) -> Floats:
    """Values by key and place, NaN where there is none."""
    if not len(keys):
        return np.full(len(wanted), np.nan)
    row = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.asarray(np.where((keys[row] == wanted) & (place >= 0), values[row, place], np.nan))
