"""Distributions of a price change, given as chances of a few bins.

Belongs here: from the chances of bins to quantiles and to the chance of up, same and down. Who makes the chances does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lambda_service.features import SAME, Floats

# Edges between the bins, in MXN/l before scaling: the middle bin is "same", the others split the seen changes into parts of similar weight.
EDGES = (-2.0, -1.0, -0.5, -0.2, -SAME, SAME, 0.2, 0.5, 1.0, 2.0)
SAME_BIN = EDGES.index(SAME)
BINS = len(EDGES) + 1
GRID = 21  # points at which each bin's own quantiles are kept


@dataclass(frozen=True)
class Bins:
    """How the changes inside each bin are spread.

    inside: (BINS, GRID) quantiles of the scaled change in each bin, non-decreasing over the whole. power, reference: a change seen at a
    distance d is divided by (d / reference) ** power first, so that one set of bins serves near and far.
    """

    inside: Floats
    power: float
    reference: float

    def scale(self, distance: Floats) -> Floats:
        """What a unit of the scaled change is worth at a distance (publications), MXN/l."""
        return np.maximum(np.asarray(distance, dtype=float), 1.0) ** self.power / self.reference**self.power

    def quantiles(self, chances: Floats, distance: Floats, levels: Floats) -> Floats:
        """Quantiles of the change, MXN/l.

        chances: (R, BINS), rows add to 1. distance: (R,). levels: (R,) or one number, in [0, 1]. Returns (R,), non-decreasing in the level.
        """
        total = np.cumsum(chances, axis=1)
        level = np.broadcast_to(np.asarray(levels, dtype=float), total.shape[:1]) * total[:, -1]
        row = np.arange(len(total))
        which = np.minimum((total < level[:, None]).sum(axis=1), BINS - 1)
        below = np.where(which > 0, total[row, which - 1], 0.0)
        position = np.clip((level - below) / np.maximum(chances[row, which], 1e-12), 0.0, 1.0) * (GRID - 1)
        left = np.minimum(position.astype(int), GRID - 2)
        value = self.inside[which, left] + (position - left) * (self.inside[which, left + 1] - self.inside[which, left])
        return np.asarray(value * self.scale(distance))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"inside": self.inside.tolist(), "power": self.power, "reference": self.reference}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Bins:
        """The bins `to_dict` wrote."""
        return Bins(np.asarray(values["inside"], dtype=float), float(values["power"]), float(values["reference"]))


def fit_bins(change: Floats, distance: Floats, power: float, reference: float) -> tuple[Bins, NDArray[np.intp]]:
    """The bins of seen changes, and the bin each one falls in. change, distance: (R,), MXN/l and publications."""
    empty = Bins(np.zeros((BINS, GRID)), power, reference)
    scaled = change / empty.scale(distance)
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
    return Bins(inside, power, reference), which


def directions(chances: Floats) -> tuple[Floats, Floats, Floats]:
    """Chance of up, same and down, (R,) each, adding to 1. chances: (R, BINS)."""
    whole = chances.sum(axis=1)
    down = chances[:, :SAME_BIN].sum(axis=1) / whole
    same = chances[:, SAME_BIN] / whole
    return np.maximum(1.0 - down - same, 0.0), same, down
