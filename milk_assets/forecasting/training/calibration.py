"""Calibration: how much weight a model gets, and how wide its intervals must be, from its errors on windows it had not seen.

Belongs here: model weight and conformal coverage levels, as plain functions of past errors. Not here: making those past forecasts, see
`out_of_time`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from milk_model.features import Floats
from milk_model.targets import Task

EXPERT_WEIGHTS = np.array([0.0, 0.5, 1.0])  # of the model: no change, half, full; the learned weight is a mixture of them
LEARNING_RATE = 10.0  # of the experts, per independent period: a lasting gain of 5 % moves half the weight in about two periods
PRIOR_LEVEL_PERIODS = 3.0  # independent periods that the level learned at a shorter distance counts for


@dataclass(frozen=True)
class CoverageLevel:
    """A nominal coverage, and how it may be adjusted.

    Attributes:
        nominal: Coverage to reach.
        least: Lowest level that is ever used.
    """

    nominal: float
    least: float

    @property
    def start(self) -> float:
        """Level before anything is learned."""
        return max(self.nominal, self.least)


# Publications may go below the nominal level, but not far: a chance of "same" cannot be halved, and intervals of series that
# seldom change would shrink to a point. Months are only widened: their windows overlap, so a calm past looks more certain than it was.
COVERAGE_LEVELS: dict[Task, tuple[CoverageLevel, CoverageLevel]] = {
    "publication": (CoverageLevel(0.80, 0.70), CoverageLevel(0.95, 0.93)),
    "month": (CoverageLevel(0.80, 0.81), CoverageLevel(0.95, 0.95)),
}


def learned_model_weight(change: Floats, model_change: Floats, origin: NDArray[np.intp], distance: float, prior: float) -> float:
    """Weight of the model against no change at one distance, by exponential weighting of experts.

    Expert w forecasts w * model_change. Its loss is averaged per origin first, because the rows of one date are not independent.

    Args:
        change: (R,) actual changes, MXN/l.
        model_change: (R,) changes that the model forecast without having seen them, MXN/l.
        origin: (R,) row of the panel.
        distance: Publications ahead. Origins closer to each other than this count as one independent period.
        prior: Weight before any loss is known.

    Returns:
        A weight in [0, 1].
    """
    # chances of the experts before any loss: their mean is the prior, and no expert is ruled out
    belief = np.array([(1 - prior) ** 2, 2 * prior * (1 - prior), prior**2])
    if len(change):
        losses = np.abs(change[:, None] - EXPERT_WEIGHTS * model_change[:, None])
        by_origin = _group_means(losses, origin)
        scale = max(float(by_origin[:, 0].mean()), 1e-9)
        mean = by_origin.mean(axis=0)
        belief = belief * np.exp(-LEARNING_RATE * independent_periods(origin, distance) * (mean - mean.min()) / scale)
    return float((belief / belief.sum()) @ EXPERT_WEIGHTS)


def independent_periods(origin: NDArray[np.intp], distance: float) -> float:
    """Number of independent periods behind forecasts from some origins: the range of the origins in units of the distance."""
    return (float(np.ptp(origin)) + 1) / max(distance, 1.0) if len(origin) else 0.0


def needed_level(below: Floats, no_more: Floats) -> Floats:
    """Smallest nominal coverage whose central interval would have contained each actual change.

    Args:
        below: (R,) chance of less than the actual change, see `Bins.ranks`.
        no_more: (R,) chance of no more than it.

    Returns:
        (R,) in [0, 1].
    """
    return np.maximum(np.maximum(1 - 2 * no_more, 2 * below - 1), 0.0)


def calibrated_level(needed: Floats, level: CoverageLevel, nearer_level: float, period_count: float) -> float:
    """The nominal coverage to use so that the intended coverage is reached.

    Args:
        needed: (R,) levels that past forecasts would have needed, see `needed_level`.
        level: The intended coverage.
        nearer_level: Level used at the next shorter distance. Learning starts from it, or from `level.start` if that is higher.
        period_count: Independent periods behind `needed`; with few of them the level stays near its start.

    Returns:
        A level in [level.least, 1].
    """
    start = max(nearer_level, level.start)
    if not len(needed):
        return start
    reached = float(np.quantile(needed, level.nominal, method="higher"))
    return max((period_count * reached + PRIOR_LEVEL_PERIODS * start) / (period_count + PRIOR_LEVEL_PERIODS), level.least)


def _group_means(values: Floats, groups: NDArray[np.intp]) -> Floats:
    """Mean of the rows of each group, in group order."""
    _, group_index = np.unique(groups, return_inverse=True)
    total = np.zeros((group_index.max() + 1, values.shape[1]))
    np.add.at(total, group_index, values)
    return np.asarray(total / np.bincount(group_index)[:, None])
