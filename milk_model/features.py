"""Features: numbers that describe each price series at each date, from its past only.

Belongs here: the one feature function of training, batch scoring and the endpoint; numpy only. Not here: texts that explain a feature to
readers, see `milk_assets.forecasting.explanations`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

SAME_PRICE_TOLERANCE = 0.005  # MXN/l: prices are published in whole centavos, so less than half a centavo is no change
RECENT_HIGH_WINDOW = 36  # publications, about three months: how long the highest price still tells where a discount returns to
POOLED_RATE_WEIGHT = 10  # publications that the pooled change rate counts for in a series' own rate
POOLED_RATE = 0.2  # chance of a change from one publication to the next, over all series
RECENT_RATE_MEMORY = 8  # publications: the hazard of a change halves within about six publications without one

FEATURES = (
    "discount_depth",  # highest price of the last 36 publications minus the last price, MXN
    "above_mean_24",  # last price minus the mean of the 24 publications before it, MXN
    "above_mean_6",  # the same over 6 publications
    "last_move",  # change from the previous publication, MXN
    "change_rate",  # share of publications at which the series changed
    "recent_rate",  # the same, weighted toward the newest publications
    "staleness",  # publications since the last change
    "above_peers",  # gap to the mean of its milk x channel, minus the series' own usual gap, MXN
    "last_change",  # size of the last change, however long ago, MXN
)
TARGET_FEATURES = (
    "distance",  # of the forecast window: mean publications ahead
    "chance_of_change",  # of the forecast window: chance that the series changes before it
)


@dataclass(frozen=True)
class PriceHistoryFeatures:
    """What each date of a price history tells; nothing in row t depends on a later row.

    Attributes:
        last_price: (T, N) newest price on or before the date, MXN/l; NaN before a series' first price.
        features: (T, N, F) float32 in the order of FEATURES.
        moves: (T, N) change of `last_price` from the previous row, MXN/l; 0 in the first row.
    """

    last_price: Floats
    features: NDArray[np.float32]
    moves: Floats


def compute_features(
    prices: Floats, segments: NDArray[np.intp], in_market: NDArray[np.bool_] | None = None
) -> PriceHistoryFeatures:
    """Features of every date and series, from prices alone.

    A blank carries the last price forward: a price that was not collected counts as unchanged.

    Args:
        prices: (T, N) MXN/l, NaN where none was published, rows in date order.
        segments: (N,) code of each series' milk x channel.
        in_market: (N,) series that make up the market which every series is compared with; all of them by default.
    """
    row_count = len(prices)
    last_price, first_row = carry_forward(prices)
    moves = np.nan_to_num(np.diff(last_price, axis=0, prepend=last_price[:1]))
    changed = np.abs(moves) > SAME_PRICE_TOLERANCE
    row = np.arange(row_count)[:, None]
    last_change_row = np.maximum.accumulate(np.where(changed, row, -1), axis=0)
    has_changed = last_change_row >= 0
    age = np.maximum(row - first_row, 0)
    gap = last_price - _segment_means(last_price, segments, in_market)
    columns = (
        _rolling_max(last_price, RECENT_HIGH_WINDOW) - last_price,
        last_price - _mean_before(last_price, 24),
        last_price - _mean_before(last_price, 6),
        moves,
        (np.cumsum(changed, axis=0) + POOLED_RATE * POOLED_RATE_WEIGHT) / (age + POOLED_RATE_WEIGHT),
        _recent_share(changed),
        np.where(has_changed, row - last_change_row, age),
        gap - _mean_so_far(gap),
        np.where(has_changed, np.take_along_axis(moves, np.maximum(last_change_row, 0), axis=0), 0.0),
    )
    return PriceHistoryFeatures(last_price=last_price, features=np.stack(columns, axis=-1).astype(np.float32), moves=moves)


def with_target(features: NDArray[np.float32], distance: Floats | float) -> NDArray[np.float32]:
    """Input rows of the boosters: series features followed by TARGET_FEATURES.

    Args:
        features: (…, F) in the order of FEATURES.
        distance: Mean publications ahead of the window, (…) or one number.

    Returns:
        (…, F + 2) float32.
    """
    ahead = np.broadcast_to(np.asarray(distance, dtype=np.float32), features.shape[:-1])
    return np.concatenate([features, ahead[..., None], chance_of_change(features, ahead)[..., None]], axis=-1, dtype=np.float32)


def chance_of_change(features: NDArray[np.float32], distance: Floats | float) -> NDArray[np.float32]:
    """Chance that a series changes within `distance` publications, from its own rates alone: 1 - (1 - rate)^distance."""
    rate = 0.5 * (features[..., FEATURES.index("change_rate")] + features[..., FEATURES.index("recent_rate")])
    return np.asarray(1.0 - (1.0 - rate) ** distance, dtype=np.float32)


def carry_forward(prices: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Fill blanks with the last price before them.

    Args:
        prices: (T, N), NaN where none was published.

    Returns:
        (T, N) newest price on or before each row, and (N,) row of each series' first price; T for a series without a price.
    """
    is_published = np.isfinite(prices)
    row = np.arange(len(prices))[:, None]
    source_row = np.maximum.accumulate(np.where(is_published, row, -1), axis=0)
    filled = np.where(source_row >= 0, np.take_along_axis(prices, np.maximum(source_row, 0), axis=0), np.nan)
    return filled, np.where(is_published.any(axis=0), is_published.argmax(axis=0), len(prices))


def running_totals(values: Floats) -> tuple[Floats, Floats]:
    """Sums and counts of the finite values above each row.

    Args:
        values: (T, N).

    Returns:
        (T + 1, N) sums and (T + 1, N) counts; row t covers the rows before t.
    """
    finite = np.isfinite(values)
    zeros = np.zeros((1, values.shape[1]))
    total = np.vstack([zeros, np.cumsum(np.where(finite, values, 0.0), axis=0)])
    return total, np.vstack([zeros, np.cumsum(finite, axis=0)])


def _mean_before(values: Floats, window: int) -> Floats:
    """Mean of the `window` rows before each row. The row itself is left out, or it would shrink its own deviation."""
    total, count = running_totals(values)
    row = np.arange(len(values))
    start = np.maximum(row - window, 0)
    finite_count = count[row] - count[start]
    return np.where(finite_count > 0, (total[row] - total[start]) / np.maximum(finite_count, 1), values)


def _mean_so_far(values: Floats) -> Floats:
    total, count = running_totals(values)
    return np.asarray(total[1:] / np.maximum(count[1:], 1))


def _rolling_max(values: Floats, window: int) -> Floats:
    """Highest of the last `window` rows, including the row itself. Doubling the span keeps it to a few passes."""
    highest = np.where(np.isfinite(values), values, -np.inf)
    span = 1
    while span < window:
        step = min(span, window - span)
        highest[step:] = np.maximum(highest[step:], highest[:-step])
        span += step
    return highest


def _recent_share(changed: NDArray[np.bool_]) -> Floats:
    """Exponentially weighted share of changes, (T, N)."""
    share = np.full(changed.shape, POOLED_RATE)
    for row in range(1, len(changed)):
        share[row] = share[row - 1] + (changed[row] - share[row - 1]) / RECENT_RATE_MEMORY
    return share


def _segment_means(last_price: Floats, segments: NDArray[np.intp], in_market: NDArray[np.bool_] | None) -> Floats:
    """Mean price of each series' milk x channel at each date, (T, N)."""
    means = np.full_like(last_price, np.nan)
    finite = np.isfinite(last_price)
    for segment in set(segments.tolist()):  # np.unique would import numpy.ma, a twentieth of a cold start
        members = segments == segment
        peers = members if in_market is None else members & in_market
        count = finite[:, peers].sum(axis=1)
        total = np.where(finite[:, peers], last_price[:, peers], 0.0).sum(axis=1)
        means[:, members] = (total / np.maximum(count, 1))[:, None]
    return means
