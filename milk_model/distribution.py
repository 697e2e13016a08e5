"""Distribution: the distribution of a price change, given as probabilities of a few bins.

Belongs here: from bin probabilities to quantiles, ranks and the chances of up, same and down. Not here: who makes the probabilities, see
`forecaster`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milk_model.drift import DISCOUNT_DURATION
from milk_model.features import SAME_PRICE_TOLERANCE, Floats

# Edges between the bins, in MXN/l before scaling: the middle bin is "same", the others split the observed changes into parts of
# similar weight.
BIN_EDGES = (-1.5, -0.6, -0.2, -SAME_PRICE_TOLERANCE, SAME_PRICE_TOLERANCE, 0.2, 0.6, 1.5)
SAME_BIN = BIN_EDGES.index(SAME_PRICE_TOLERANCE)
BIN_COUNT = len(BIN_EDGES) + 1
REFERENCE_DISTANCE = 7.0  # publications: the distance at which nothing is scaled, the middle of the next month
QUANTILES_PER_BIN = 21  # points at which each bin's own quantiles are stored


@dataclass(frozen=True)
class Bins:
    """How the changes inside each bin are spread.

    Changes are divided by `scale` before they are binned, so that one set of bins serves near and far windows.

    Attributes:
        inside: (BIN_COUNT, QUANTILES_PER_BIN) quantiles of the scaled change in each bin, non-decreasing over the whole array.
        power: How rises grow with the distance. 0: nothing is scaled, neither rises nor falls.
    """

    inside: Floats
    power: float

    def scale(self, distance: Floats, is_rise: NDArray[np.bool_]) -> Floats:
        """Size of one unit of the scaled change at a distance.

        Rises add up, as distance ** power. Falls are discounts, and discounts end: 1 - e^(-distance/8), the rate at which the discount
        depth is regained.

        Args:
            distance: (R,) publications ahead.
            is_rise: (R,) whether the change is a rise.

        Returns:
            (R,) MXN/l.
        """
        if not self.power:
            return np.ones(len(is_rise))
        relative_distance = np.maximum(np.asarray(distance, dtype=float), 1.0) / REFERENCE_DISTANCE
        of_rise = relative_distance**self.power
        of_fall = np.expm1(-relative_distance * REFERENCE_DISTANCE / DISCOUNT_DURATION) / np.expm1(
            -REFERENCE_DISTANCE / DISCOUNT_DURATION
        )
        return np.asarray(np.where(is_rise, of_rise, of_fall))

    def quantiles(self, chances: Floats, distance: Floats, levels: Floats) -> Floats:
        """Quantiles of the change.

        Args:
            chances: (R, BIN_COUNT) probabilities, rows add up to 1.
            distance: (R,) publications ahead.
            levels: (R,) or one number, in [0, 1].

        Returns:
            (R,) MXN/l, non-decreasing in the level.
        """
        total = np.cumsum(chances, axis=1)
        level = np.broadcast_to(np.asarray(levels, dtype=float), total.shape[:1]) * total[:, -1]
        row = np.arange(len(total))
        bin_index = np.minimum((total < level[:, None]).sum(axis=1), BIN_COUNT - 1)
        below = np.where(bin_index > 0, total[row, bin_index - 1], 0.0)
        share_of_bin = np.clip((level - below) / np.maximum(chances[row, bin_index], 1e-12), 0.0, 1.0)
        position = share_of_bin * (QUANTILES_PER_BIN - 1)
        left = np.minimum(position.astype(int), QUANTILES_PER_BIN - 2)
        left_value, right_value = self.inside[bin_index, left], self.inside[bin_index, left + 1]
        value = left_value + (position - left) * (right_value - left_value)
        return np.asarray(value * self.scale(distance, value > 0))

    def ranks(self, chances: Floats, distance: Floats, change: Floats) -> tuple[Floats, Floats]:
        """Where a change falls in its distribution.

        Args:
            chances: (R, BIN_COUNT) probabilities.
            distance: (R,) publications ahead.
            change: (R,) MXN/l.

        Returns:
            Chance of less than the change, and chance of no more than it, (R,) each. They differ only for no change, which has a
            probability of its own.
        """
        is_rise, is_same = change > 0, np.abs(change) <= SAME_PRICE_TOLERANCE
        scaled = change / self.scale(distance, is_rise)
        highest = self.inside[:, -1]
        bin_if_rise = np.minimum(SAME_BIN + 1 + np.searchsorted(highest[SAME_BIN + 1 :], scaled), BIN_COUNT - 1)
        bin_if_fall = np.minimum(np.searchsorted(highest[:SAME_BIN], scaled), SAME_BIN - 1)
        bin_index = np.where(is_same, SAME_BIN, np.where(is_rise, bin_if_rise, bin_if_fall))
        position = np.ones(len(change))
        for index in np.unique(bin_index[~is_same]):
            members = ~is_same & (bin_index == index)
            position[members] = np.interp(scaled[members], self.inside[index], np.linspace(0.0, 1.0, QUANTILES_PER_BIN))
        row = np.arange(len(change))
        below_bin = np.where(bin_index > 0, np.cumsum(chances, axis=1)[row, bin_index - 1], 0.0)
        no_more = below_bin + position * chances[row, bin_index]
        return np.where(is_same, below_bin, no_more), no_more

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"inside": self.inside.tolist(), "power": self.power}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Bins:
        """The bins that `to_dict` wrote."""
        return Bins(np.asarray(values["inside"], dtype=float), float(values["power"]))


def fit_bins(change: Floats, distance: Floats, power: float) -> tuple[Bins, NDArray[np.intp]]:
    """Learn the bins of observed changes.

    Args:
        change: (R,) MXN/l.
        distance: (R,) publications ahead.
        power: How rises grow with the distance, see `Bins`.

    Returns:
        The bins, and the bin index of each change, (R,).
    """
    unfitted = Bins(np.zeros((BIN_COUNT, QUANTILES_PER_BIN)), power)
    scaled = change / unfitted.scale(distance, change > 0)
    # whether a price changed is a fact about prices, not about scaled changes, so it is decided first
    is_same = np.abs(change) <= SAME_PRICE_TOLERANCE
    bin_index = np.where(is_same, SAME_BIN, np.digitize(scaled, BIN_EDGES))
    nearest_bin = np.where(change > 0, SAME_BIN + 1, SAME_BIN - 1)
    bin_index = np.where((bin_index == SAME_BIN) & ~is_same, nearest_bin, bin_index)
    limits = np.array([BIN_EDGES[0] - 1.0, *BIN_EDGES, BIN_EDGES[-1] + 1.0])
    levels = np.linspace(0.0, 1.0, QUANTILES_PER_BIN)
    inside = np.empty((BIN_COUNT, QUANTILES_PER_BIN))
    for index in range(BIN_COUNT):
        members = scaled[bin_index == index]
        if len(members) >= QUANTILES_PER_BIN:
            inside[index] = np.quantile(members, levels)
        else:  # too few changes to learn from: spread evenly over the bin
            inside[index] = np.interp(levels, [0.0, 1.0], limits[index : index + 2])
    inside[SAME_BIN] = 0.0
    inside = np.maximum.accumulate(inside.ravel()).reshape(BIN_COUNT, QUANTILES_PER_BIN)
    return Bins(inside, power), bin_index


def direction_chances(chances: Floats) -> tuple[Floats, Floats, Floats]:
    """Chance of up, same and down, (R,) each, adding up to 1. chances: (R, BIN_COUNT)."""
    total = chances.sum(axis=1)
    down = chances[:, :SAME_BIN].sum(axis=1) / total
    same = chances[:, SAME_BIN] / total
    return np.maximum(1.0 - down - same, 0.0), same, down
