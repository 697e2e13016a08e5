"""Features: what is known about each series on each date, as numbers.

Belongs here: the one feature function of training, batch and online, numpy only. What a feature means in words lives with the
explanations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

SAME = 0.005  # MXN/l: prices are published in whole centavos, so anything below half of one is no change
ROOM_WINDOW = 36  # publications, about three months: how far back the highest price still tells where a promotion returns to
PEER_PRIOR = 10  # publications of pooled experience a series' own change rate starts from
POOLED_RATE = 0.2  # chance of a change from one publication to the next, over all series
FRESH = 8  # publications: memory of the recent change rate; the hazard of a change halves within about six quiet ones

FEATURES = (
    "room",  # highest of the last 36 publications minus the last price, MXN
    "above_mean_24",  # last price minus the mean of the 24 publications before it, MXN
    "above_mean_6",  # the same over 6
    "last_move",  # change from the publication before, MXN
    "change_rate",  # share of publications at which the series ever changed
    "recent_rate",  # the same, weighted toward the newest
    "staleness",  # publications since the last change
    "above_peers",  # gap to the mean of its milk x channel, minus the series' own usual gap, MXN
    "last_change",  # size of the last change, whenever it was, MXN
)
TARGET_FEATURES = (
    "distance",
    "chance_of_change",
)  # of the window asked for: mean publications ahead; chance of a change before it


@dataclass(frozen=True)
class Known:
    """What is known at each date: nothing in row t depends on a row after t.

    last: (T, N) newest price on or before the date, NaN before the first. features: (T, N, F) float32 in the order of FEATURES.
    moves: (T, N) change of `last` from the row before, 0 in the first row.
    """

    last: Floats
    features: NDArray[np.float32]
    moves: Floats


def known_at(prices: Floats, segments: NDArray[np.intp], counted: NDArray[np.bool_] | None = None) -> Known:
    """Features of every date and series from prices alone.

    prices: (T, N) MXN/l, NaN where none was published, rows in date order. segments: (N,) the milk x channel of each series, as a
    number. counted: (N,) which series make up the market that the others are compared with; all of them when not given. A blank
    carries the last price forward: a price that was not collected is no change.
    """
    count = len(prices)
    last, first = carried_forward(prices)
    moves = np.nan_to_num(np.diff(last, axis=0, prepend=last[:1]))
    changed = np.abs(moves) > SAME
    row = np.arange(count)[:, None]
    change_row = np.maximum.accumulate(np.where(changed, row, -1), axis=0)
    ever = change_row >= 0
    seen = np.maximum(row - first, 0)
    gap = last - _segment_means(last, segments, counted)
    columns = (
        _rolling_max(last, ROOM_WINDOW) - last,
        last - _mean_before(last, 24),
        last - _mean_before(last, 6),
        moves,
        (np.cumsum(changed, axis=0) + POOLED_RATE * PEER_PRIOR) / (seen + PEER_PRIOR),
        _recent_share(changed),
        np.where(ever, row - change_row, seen),
        gap - _mean_so_far(gap),
        np.where(ever, np.take_along_axis(moves, np.maximum(change_row, 0), axis=0), 0.0),
    )
    return Known(last=last, features=np.stack(columns, axis=-1).astype(np.float32), moves=moves)


def with_target(features: NDArray[np.float32], distance: Floats | float) -> NDArray[np.float32]:
    """Rows for the boosters: the features (…, F) and what is asked of them, (…, F + 2).

    distance: mean publications ahead, (…) or one number.
    """
    ahead = np.broadcast_to(np.asarray(distance, dtype=np.float32), features.shape[:-1])
    return np.concatenate([features, ahead[..., None], chance_of_change(features, ahead)[..., None]], axis=-1, dtype=np.float32)


def chance_of_change(features: NDArray[np.float32], distance: Floats | float) -> NDArray[np.float32]:
    """Chance that a series changes within `distance` publications, from its own rates alone: 1 - (1 - rate)^distance."""
    rate = 0.5 * (features[..., FEATURES.index("change_rate")] + features[..., FEATURES.index("recent_rate")])
    return np.asarray(1.0 - (1.0 - rate) ** distance, dtype=np.float32)


def carried_forward(prices: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """The newest price on or before each row (T, N), and the row of each series' first price (N,), T where there is none."""
    published = np.isfinite(prices)
    row = np.arange(len(prices))[:, None]
    source = np.maximum.accumulate(np.where(published, row, -1), axis=0)
    last = np.where(source >= 0, np.take_along_axis(prices, np.maximum(source, 0), axis=0), np.nan)
    return last, np.where(published.any(axis=0), published.argmax(axis=0), len(prices))


def _mean_before(values: Floats, window: int) -> Floats:
    """Mean of the `window` rows before each row, without it: with it, the deviation would shrink by what it should show."""
    total, number = _running(values)
    row = np.arange(len(values))
    start = np.maximum(row - window, 0)
    filled = number[row] - number[start]
    return np.where(filled > 0, (total[row] - total[start]) / np.maximum(filled, 1), values)


def _mean_so_far(values: Floats) -> Floats:
    total, number = _running(values)
    return np.asarray(total[1:] / np.maximum(number[1:], 1))


def _running(values: Floats) -> tuple[Floats, Floats]:
    """Sums and counts of the finite values above each row, (T + 1, N) both."""
    finite = np.isfinite(values)
    empty = np.zeros((1, values.shape[1]))
    total = np.vstack([empty, np.cumsum(np.where(finite, values, 0.0), axis=0)])
    return total, np.vstack([empty, np.cumsum(finite, axis=0)])


def _rolling_max(values: Floats, window: int) -> Floats:
    """Highest of the last `window` rows, the row itself included; doubling spans keep it to a few passes."""
    best = np.where(np.isfinite(values), values, -np.inf)
    span = 1
    while span < window:
        step = min(span, window - span)
        best[step:] = np.maximum(best[step:], best[:-step])
        span += step
    return best


def _recent_share(changed: NDArray[np.bool_]) -> Floats:
    share = np.full(changed.shape, POOLED_RATE)
    for row in range(1, len(changed)):
        share[row] = share[row - 1] + (changed[row] - share[row - 1]) / FRESH
    return share


def _segment_means(last: Floats, segments: NDArray[np.intp], counted: NDArray[np.bool_] | None) -> Floats:
    means = np.full_like(last, np.nan)
    finite = np.isfinite(last)
    for segment in set(segments.tolist()):  # np.unique would import numpy.ma, a twentieth of a cold start
        members = segments == segment
        peers = members if counted is None else members & counted
        number = finite[:, peers].sum(axis=1)
        total = np.where(finite[:, peers], last[:, peers], 0.0).sum(axis=1)
        means[:, members] = (total / np.maximum(number, 1))[:, None]
    return means
