"""Forecast columns: from price changes to prices, window by window.

Belongs here: names, no-change forecasts, and the rules that every interval obeys. Not here: how a change is forecast, see `forecaster` and
`averages`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milk_model.features import Floats
from milk_model.targets import Dates, Window

Columns = dict[str, NDArray[Any]]


def window_columns(
    windows: list[Window],
    dates: Dates,
    series: tuple[str, ...],
    prices: Floats,
    last_price: Floats,
    offsets: Mapping[str, Floats],
) -> Columns:
    """Columns that name and value each window x series.

    A window that has begun is the mean of the prices published so far and of those to come, so only the share still to come moves with a
    forecast change. Intervals never narrow with the lead and never fall below zero.

    Args:
        windows: (W,) targets of one task.
        dates: (T,) publications.
        series: (N,) keys.
        prices: (T, N) MXN/l, NaN where none was published.
        last_price: (N,) newest price of each series, MXN/l.
        offsets: Changes from the last price, (W, N) MXN/l each: forecast, lo80, hi80, lo95, hi95.

    Returns:
        task, lead, target, series, last_price, last_date, no_change and one price column per offset, W x N rows, window by window.
    """
    window_count, series_count = shape = (len(windows), len(series))
    columns: Columns = {
        "task": np.repeat([window.task for window in windows], series_count),
        "lead": np.repeat([window.lead for window in windows], series_count),
        "target": np.repeat(np.array([window.target for window in windows]).astype("datetime64[D]"), series_count),
        "series": np.tile(np.array(series, dtype=object), window_count),
        "last_price": np.tile(last_price, window_count),
        "last_date": np.tile(_last_dates(dates, prices), window_count),
    }
    no_change, share_to_come = np.empty(shape), np.empty(shape)
    for index, window in enumerate(windows):
        so_far = prices[len(prices) - window.past :]
        published_count = np.isfinite(so_far).sum(axis=0)
        total_count = np.maximum(published_count + window.size, 1)
        share_to_come[index] = np.where(published_count + window.size > 0, window.size / total_count, 1.0)
        no_change[index] = share_to_come[index] * last_price + np.nansum(so_far, axis=0) / total_count
    changes = {name: share_to_come * offset for name, offset in offsets.items()}
    columns["no_change"] = no_change.ravel()
    columns["forecast"] = np.maximum(no_change + changes["forecast"], 0.0).ravel()
    for name in ("80", "95"):
        below = np.maximum.accumulate(changes["forecast"] - changes[f"lo{name}"], axis=0)
        above = np.maximum.accumulate(changes[f"hi{name}"] - changes["forecast"], axis=0)
        columns[f"lo{name}"] = np.maximum(columns["forecast"] - below.ravel(), 0.0)
        columns[f"hi{name}"] = columns["forecast"] + above.ravel()
    return columns


def _last_dates(dates: Dates, prices: Floats) -> Dates:
    """Date of each series' newest price, (N,); NaT for a series without a price."""
    is_published = np.isfinite(prices)
    row = len(prices) - 1 - is_published[::-1].argmax(axis=0)
    return np.where(is_published.any(axis=0), dates[row].astype("datetime64[D]"), np.datetime64("NaT"))
