"""The columns of a forecast: prices from changes, window by window.

Belongs here: names, no-change forecasts, and the rules every interval obeys. How a change is forecast does not.
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
    windows: list[Window], dates: Dates, series: tuple[str, ...], prices: Floats, last: Floats, offsets: Mapping[str, Floats]
) -> Columns:
    """Prices from changes: the columns that name and value each window x series, raveled window by window.

    offsets: changes from the last price, (W, N) each: forecast, lo80, hi80, lo95, hi95. A window that has begun is the mean of
    what is published so far and the rest, so it keeps only the rest's share of each change. Intervals never narrow with the lead,
    nor turn negative.
    """
    shape = (len(windows), len(series))
    columns: Columns = {
        "task": np.repeat([w.task for w in windows], shape[1]),
        "lead": np.repeat([w.lead for w in windows], shape[1]),
        "target": np.repeat(np.array([w.target for w in windows]).astype("datetime64[D]"), shape[1]),
        "series": np.tile(np.array(series, dtype=object), shape[0]),
        "last_price": np.tile(last, shape[0]),
        "last_date": np.tile(_last_dates(dates, prices), shape[0]),
    }
    no_change, share = np.empty(shape), np.empty(shape)
    for row, window in enumerate(windows):
        so_far = prices[len(prices) - window.past :]
        number = np.isfinite(so_far).sum(axis=0)
        whole = np.maximum(number + window.size, 1)
        share[row] = np.where(number + window.size > 0, window.size / whole, 1.0)
        no_change[row] = share[row] * last + np.nansum(so_far, axis=0) / whole
    moved = {name: share * offset for name, offset in offsets.items()}
    columns["no_change"] = no_change.ravel()
    columns["forecast"] = np.maximum(no_change + moved["forecast"], 0.0).ravel()
    for name in ("80", "95"):
        below = np.maximum.accumulate(moved["forecast"] - moved[f"lo{name}"], axis=0)
        above = np.maximum.accumulate(moved[f"hi{name}"] - moved["forecast"], axis=0)
        columns[f"lo{name}"] = np.maximum(columns["forecast"] - below.ravel(), 0.0)
        columns[f"hi{name}"] = columns["forecast"] + above.ravel()
    return columns


def _last_dates(dates: Dates, prices: Floats) -> Dates:
    published = np.isfinite(prices)
    row = len(prices) - 1 - published[::-1].argmax(axis=0)
    return np.where(published.any(axis=0), dates[row].astype("datetime64[D]"), np.datetime64("NaT"))
