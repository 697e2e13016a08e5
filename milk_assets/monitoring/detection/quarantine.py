"""Quarantine: price jumps at one publication are not trusted until a second publication confirms them.

Belongs here: which prices are in quarantine, and the prices without them. Not here: where they are left out
(`milk_assets.defs.assets.data.features`, `milk_assets.stores.layers.prices`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LARGEST_JUMP = 0.15
"""Change between two publications, as a share of the earlier price, beyond which a price is put in quarantine. On the real file this
applies to 21 of 34,039 prices, and the next publication confirmed 20 of them."""
QUARANTINE_COLUMNS = ("publication", "series", "price", "previous", "reason")


@dataclass(frozen=True)
class Quarantine:
    """The prices with and without quarantine.

    Attributes:
        prices: The prices frame, with null where a price is not trusted.
        held: QUARANTINE_COLUMNS, one row per price that was put in quarantine, by date. previous: the last trusted price, MXN/l.
            reason: `confirmed` by the series' next price (and back in `prices`), `not confirmed` (stays out), or `awaited`.
    """

    prices: pd.DataFrame
    held: pd.DataFrame


def quarantine(prices: pd.DataFrame, largest_jump: float = LARGEST_JUMP) -> Quarantine:
    """Put every price in quarantine that differs by more than `largest_jump` from the last trusted price of its series.

    The next price of the series decides. If it is near the price in quarantine, the new level is confirmed. If it is near the old level,
    the jump was a short promotion. If it is near neither, it goes into quarantine itself.

    Args:
        prices: The prices frame (publication, series, price in MXN/l) as known at its newest publication. To see it as of an origin, cut
            the frame at that origin first: otherwise later prices, unknown at the origin, would confirm a jump.
        largest_jump: Share of the earlier price.
    """
    wide = prices.pivot(index="publication", columns="series", values="price").sort_index()
    values = wide.to_numpy(dtype=float)
    is_held, previous, reason = _walk(values, largest_jump)
    row, column = np.nonzero(is_held)
    held = pd.DataFrame(
        {
            "publication": wide.index.to_numpy()[row],
            "series": wide.columns.to_numpy()[column],
            "price": values[row, column],
            "previous": previous[row, column],
            "reason": reason[row, column],
        },
        columns=list(QUARANTINE_COLUMNS),
    )
    not_trusted = pd.MultiIndex.from_frame(held.loc[held["reason"] != "confirmed", ["publication", "series"]])
    is_left_out = pd.MultiIndex.from_frame(prices[["publication", "series"]]).isin(not_trusted)
    return Quarantine(prices.assign(price=prices["price"].mask(is_left_out)), held)


def _walk(values: NDArray[np.float64], largest_jump: float) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.object_]]:
    """Go through the publications in order.

    Args:
        values: Prices, (T, N), NaN for none.
        largest_jump: Share of the earlier price.

    Returns:
        Three arrays, (T, N): whether the price is in quarantine, the trusted price before it, and the reason.
    """
    shape = values.shape
    is_held = np.zeros(shape, dtype=bool)
    previous = np.full(shape, np.nan)
    reason = np.full(shape, "", dtype=object)
    trusted = np.full(shape[1], np.nan)
    pending_row = np.full(shape[1], -1)  # row of each series' price that waits for confirmation, -1 for none
    for row, price in enumerate(values):
        is_published = np.isfinite(price)
        is_pending = pending_row >= 0
        pending_price = np.where(is_pending, values[np.maximum(pending_row, 0), np.arange(shape[1])], np.nan)
        is_near_old = ~(np.abs(price / trusted - 1) > largest_jump)  # true for a first price: there is nothing to jump from
        is_near_new = np.abs(price / pending_price - 1) <= largest_jump
        confirms = is_published & is_pending & is_near_new & ~is_near_old
        for series in np.flatnonzero(is_published & is_pending):
            reason[pending_row[series], series] = "confirmed" if confirms[series] else "not confirmed"
        jumps = is_published & ~is_near_old & ~confirms
        is_held[row], previous[row] = jumps, np.where(jumps, trusted, np.nan)
        reason[row, jumps] = "awaited"
        trusted = np.where(is_published & ~jumps, price, trusted)
        pending_row = np.where(jumps, row, np.where(is_published, -1, pending_row))
    return is_held, previous, reason
