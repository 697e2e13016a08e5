"""Calibration: how far to trust a model, and how wide its intervals must be, from forecasts it made out of time.

Belongs here: trust and conformal levels as plain functions of past errors. Making those past forecasts belongs to `fitting`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milk_model.features import Floats
from milk_model.targets import Task

EXPERTS = np.array([0.0, 0.5, 1.0])  # weights of the model: no change, half, full; between them trust is a mixture
LEARNING_RATE = 10.0  # of the experts, per independent period: a lasting gain of 5 % moves half the weight in about two periods
LEVEL_WEIGHT = 3.0  # independent periods the prior level counts for


@dataclass(frozen=True)
class Level:
    """A nominal coverage, and the least level that is ever asked for; learning starts at the larger of the two."""

    nominal: float
    least: float

    @property
    def start(self) -> float:
        """Where learning starts."""
        return max(self.nominal, self.least)


# Publications may go below the nominal level, but not far: a chance of "same" cannot be halved, and intervals of series that
# seldom change would shrink to a point. Months are only widened: their windows overlap, so a calm past looks surer than it was.
LEVELS: dict[Task, tuple[Level, Level]] = {
    "publication": (Level(0.80, 0.70), Level(0.95, 0.93)),
    "month": (Level(0.80, 0.81), Level(0.95, 0.95)),
}


def trust_weight(change: Floats, model: Floats, origin: NDArray[np.intp], distance: float, prior: float) -> float:
    """Weight of the model against no change at one distance, in [0, 1], by exponential weighting of experts.

    change, model: (R,) what happened and what the model said, MXN/l, out of time. origin: (R,) their publication. distance:
    publications; windows nearer to each other than that share their weather, so they count as one period. prior: the weight
    before any loss is seen. Each expert w forecasts w * model; its loss is averaged an origin first, since the rows of one date
    are not independent.
    """
    belief = np.array([(1 - prior) ** 2, 2 * prior * (1 - prior), prior**2])  # its mean is the prior, and no expert is ruled out
    if len(change):
        losses = np.abs(change[:, None] - EXPERTS * model[:, None])
        by_origin = _means(losses, origin)
        scale = max(float(by_origin[:, 0].mean()), 1e-9)
        mean = by_origin.mean(axis=0)
        belief = belief * np.exp(-LEARNING_RATE * periods(origin, distance) * (mean - mean.min()) / scale)
    return float((belief / belief.sum()) @ EXPERTS)


def periods(origin: NDArray[np.intp], distance: float) -> float:
    """Independent periods behind forecasts from some origins: what they span, in units of the distance."""
    return (float(np.ptp(origin)) + 1) / max(distance, 1.0) if len(origin) else 0.0


def needed_level(below: Floats, no_more: Floats) -> Floats:
    """The least nominal coverage whose central interval would have held what happened, (R,) in [0, 1]. See `Bins.ranks`."""
    return np.maximum(np.maximum(1 - 2 * no_more, 2 * below - 1), 0.0)


def calibrated_level(needed: Floats, level: Level, before: float, number: float) -> float:
    """The nominal coverage to ask for, so that the level's own is reached.

    needed: (R,) what past forecasts, out of time, would have needed. before: the level reached at a shorter distance, the
    start unless that is less. number: independent
    periods behind what is needed; few leave the level near where it started.
    """
    before = max(before, level.start)
    if not len(needed):
        return before
    reached = float(np.quantile(needed, level.nominal, method="higher"))
    return max((number * reached + LEVEL_WEIGHT * before) / (number + LEVEL_WEIGHT), level.least)


def _means(values: Floats, groups: NDArray[np.intp]) -> Floats:
    """Mean of the rows of each group, in group order."""
    _, place = np.unique(groups, return_inverse=True)
    total = np.zeros((place.max() + 1, values.shape[1]))
    np.add.at(total, place, values)
    return np.asarray(total / np.bincount(place)[:, None])
