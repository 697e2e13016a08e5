"""The quarantine of prices: jumps that one publication shows are not believed before a second one does.

Belongs here: which prices are held, and the prices without them. Where they are left out is the `features` asset's business.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LARGEST_JUMP = 0.15
"""Change from one publication to the next, as a share of the price before, beyond which a price is held. On the real file 21 of
34,039 prices are, and the next publication confirmed 20 of them."""
COLUMNS = ("publication", "series", "price", "previous", "reason")


@dataclass(frozen=True)
class Quarantine:
    """prices: the prices frame with null where a price is not believed. held: COLUMNS, one row a price that was held, in date order;
    previous is the last believed price, MXN/l, reason whether the next publication `confirmed` it (it is back in `prices`), did not
    (`not confirmed`: it stays out), or is `awaited`."""

    prices: pd.DataFrame
    held: pd.DataFrame


def quarantine(prices: pd.DataFrame, largest_jump: float = LARGEST_JUMP) -> Quarantine:
    """Hold every price that is more than `largest_jump` away from its series' last believed one.

    prices: the prices frame (publication, series, price MXN/l) as known at its newest publication: cut it at an origin first, then
    hold, lest an origin knows what confirmed a price later. The next price of the series settles a held one: near it, it confirms the
    new level; near the old level, it ends the episode, as a short promotion does; near neither, it is held in its turn.
    """
    wide = prices.pivot(index="publication", columns="series", values="price").sort_index()
    values = wide.to_numpy(dtype=float)
    is_held, previous, settled = _walk(values, largest_jump)
    row, column = np.nonzero(is_held)
    held = pd.DataFrame(
        {
            "publication": wide.index.to_numpy()[row],
            "series": wide.columns.to_numpy()[column],
            "price": values[row, column],
            "previous": previous[row, column],
            "reason": settled[row, column],
        },
        columns=list(COLUMNS),
    )
    keys = pd.MultiIndex.from_frame(held.loc[held["reason"] != "confirmed", ["publication", "series"]])
    out = pd.MultiIndex.from_frame(prices[["publication", "series"]]).isin(keys)
    return Quarantine(prices.assign(price=prices["price"].mask(out)), held)


def _walk(values: NDArray[np.float64], largest_jump: float) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.object_]]:
    """Row by row: what is held (T, N), the believed price before it, and how it was settled."""
    shape = values.shape
    is_held = np.zeros(shape, dtype=bool)
    previous = np.full(shape, np.nan)
    settled = np.full(shape, "", dtype=object)
    believed = np.full(shape[1], np.nan)
    pending = np.full(shape[1], -1)  # row of each series' price that waits for a second publication
    for row, price in enumerate(values):
        published = np.isfinite(price)
        waits = pending >= 0
        waiting = np.where(waits, values[np.maximum(pending, 0), np.arange(shape[1])], np.nan)
        near_old = ~(np.abs(price / believed - 1) > largest_jump)  # a series' first price is near: there is nothing to jump from
        near_new = np.abs(price / waiting - 1) <= largest_jump
        confirms = published & waits & near_new & ~near_old
        for series in np.flatnonzero(published & waits):
            settled[pending[series], series] = "confirmed" if confirms[series] else "not confirmed"
        jumps = published & ~near_old & ~confirms
        is_held[row], previous[row] = jumps, np.where(jumps, believed, np.nan)
        settled[row, jumps] = "awaited"
        believed = np.where(published & ~jumps, price, believed)
        pending = np.where(jumps, row, np.where(published, -1, pending))
    return is_held, previous, settled
