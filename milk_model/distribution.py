"""Distributions of a price change, given as chances of a few bins.

Belongs here: from the chances of bins to quantiles and to the chance of up, same and down. Who makes the chances does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milk_model.drift import RETURN
from milk_model.features import SAME, Floats

# Edges between the bins, in MXN/l before scaling: the middle bin is "same", the others split the seen changes into parts of
# similar weight.
EDGES = (-1.5, -0.6, -0.2, -SAME, SAME, 0.2, 0.6, 1.5)
SAME_BIN = EDGES.index(SAME)
BINS = len(EDGES) + 1
UNIT = 7.0  # publications: the distance at which nothing is scaled, the middle of the month that begins
GRID = 21  # points at which each bin's own quantiles are kept


@dataclass(frozen=True)
class Bins:
    """How the changes inside each bin are spread.

    inside: (BINS, GRID) quantiles of the scaled change in each bin, non-decreasing over the whole. power: how rises grow with the
    distance; changes are divided by `scale` first, so that one set of bins serves near and far. 0: nothing is scaled, neither up
    nor down.
    """

    inside: Floats
    power: float

    def scale(self, distance: Floats, up: NDArray[np.bool_]) -> Floats:
        """What a unit of the scaled change is worth, (R,) MXN/l, up or down, at a distance (R,) in publications.

        Rises add up, as distance ** power. Falls are promotions, and promotions end: 1 - e^(-distance/8), the rate at which room
        is regained.
        """
        if not self.power:
            return np.ones(len(up))
        away = np.maximum(np.asarray(distance, dtype=float), 1.0) / UNIT
        return np.asarray(np.where(up, away**self.power, np.expm1(-away * UNIT / RETURN) / np.expm1(-UNIT / RETURN)))

    def quantiles(self, chances: Floats, distance: Floats, levels: Floats) -> Floats:
        """Quantiles of the change, MXN/l.

        chances: (R, BINS), rows add to 1. distance: (R,). levels: (R,) or one number, in [0, 1]. Returns (R,), non-decreasing in
        the level.
        """
        total = np.cumsum(chances, axis=1)
        level = np.broadcast_to(np.asarray(levels, dtype=float), total.shape[:1]) * total[:, -1]
        row = np.arange(len(total))
        which = np.minimum((total < level[:, None]).sum(axis=1), BINS - 1)
        below = np.where(which > 0, total[row, which - 1], 0.0)
        position = np.clip((level - below) / np.maximum(chances[row, which], 1e-12), 0.0, 1.0) * (GRID - 1)
        left = np.minimum(position.astype(int), GRID - 2)
        value = self.inside[which, left] + (position - left) * (self.inside[which, left + 1] - self.inside[which, left])
        return np.asarray(value * self.scale(distance, value > 0))

    def ranks(self, chances: Floats, distance: Floats, change: Floats) -> tuple[Floats, Floats]:
        """Chance of less than a change, and of no more than it: where it falls in its distribution.

        chances: (R, BINS). distance: (R,). change: (R,) MXN/l. Returns (R,) both; they differ only where "same" has a chance of
        its own.
        """
        scaled, same = change / self.scale(distance, change > 0), np.abs(change) <= SAME
        tops = self.inside[:, -1]
        up = np.minimum(SAME_BIN + 1 + np.searchsorted(tops[SAME_BIN + 1 :], scaled), BINS - 1)
        down = np.minimum(np.searchsorted(tops[:SAME_BIN], scaled), SAME_BIN - 1)
        which = np.where(same, SAME_BIN, np.where(change > 0, up, down))
        position = np.ones(len(change))
        for b in np.unique(which[~same]):
            members = ~same & (which == b)
            position[members] = np.interp(scaled[members], self.inside[b], np.linspace(0.0, 1.0, GRID))
        row = np.arange(len(change))
        start = np.where(which > 0, np.cumsum(chances, axis=1)[row, which - 1], 0.0)
        no_more = start + position * chances[row, which]
        return np.where(same, start, no_more), no_more

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"inside": self.inside.tolist(), "power": self.power}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Bins:
        """The bins `to_dict` wrote."""
        return Bins(np.asarray(values["inside"], dtype=float), float(values["power"]))


def fit_bins(change: Floats, distance: Floats, power: float) -> tuple[Bins, NDArray[np.intp]]:
    """The bins of seen changes, and the bin each one falls in. change, distance: (R,), MXN/l and publications."""
    empty = Bins(np.zeros((BINS, GRID)), power)
    scaled = change / empty.scale(distance, change > 0)
    # "same" is a fact about prices, not about scaled changes: it is decided first
    which = np.where(np.abs(change) <= SAME, SAME_BIN, np.digitize(scaled, EDGES))
    which = np.where((which == SAME_BIN) & (np.abs(change) > SAME), np.where(change > 0, SAME_BIN + 1, SAME_BIN - 1), which)
    limits = np.array([EDGES[0] - 1.0, *EDGES, EDGES[-1] + 1.0])
    levels = np.linspace(0.0, 1.0, GRID)
    inside = np.empty((BINS, GRID))
    for b in range(BINS):
        members = scaled[which == b]
        # too few to tell: spread evenly over the bin
        inside[b] = np.quantile(members, levels) if len(members) >= GRID else np.interp(levels, [0.0, 1.0], limits[b : b + 2])
    inside[SAME_BIN] = 0.0
    inside = np.maximum.accumulate(inside.ravel()).reshape(BINS, GRID)
    return Bins(inside, power), which


def directions(chances: Floats) -> tuple[Floats, Floats, Floats]:
    """Chance of up, same and down, (R,) each, adding to 1. chances: (R, BINS)."""
    whole = chances.sum(axis=1)
    down = chances[:, :SAME_BIN].sum(axis=1) / whole
    same = chances[:, SAME_BIN] / whole
    return np.maximum(1.0 - down - same, 0.0), same, down
