"""Calibration: how far to trust a model, and how wide its intervals must be, from forecasts it made out of time.

Belongs here: trust and conformal levels as plain functions of past errors. Making those past forecasts belongs to `fitting`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lambda_service.features import Floats

TRUST_GRID = np.linspace(0.0, 1.0, 11)  # the experts: no change, full trust, and nine in between
LEARNING_RATE = 10.0  # of the experts, per independent period: a lasting gain of 5 % moves half the weight in about two periods
LEVEL_GRID = np.linspace(0.5, 0.998, 84)  # nominal coverages tried, in steps of about half a point
LEVEL_WEIGHT = 3.0  # independent periods the prior level counts for
NOMINAL = (0.80, 0.95)


def trust_weight(change: Floats, model: Floats, origin: NDArray[np.intp], distance: float, prior: float) -> float:
    """Weight of the model against no change at one distance, in [0, 1], by exponential weighting of experts.

    change, model: (R,) what happened and what the model said, MXN/l, out of time. origin: (R,) their publication. distance: publications;
    windows nearer to each other than that share their weather, so they count as one period. prior: the weight before any loss is seen.
    Each expert w forecasts w * model; its loss is averaged an origin first, since the rows of one date are not independent.
    """
    belief = np.exp(-(((TRUST_GRID - prior) / 0.35) ** 2))  # wide enough that either end is reached in a few clear periods
    if len(change):
        losses = np.abs(change[:, None] - TRUST_GRID * model[:, None])
        by_origin = _means(losses, origin)
        scale = max(float(by_origin[:, 0].mean()), 1e-9)
        periods = len(by_origin) / max(distance, 1.0)
        belief = belief * np.exp(-LEARNING_RATE * periods * (by_origin.mean(axis=0) - by_origin.mean(axis=0).min()) / scale)
    return float((belief / belief.sum()) @ TRUST_GRID)


def calibrated_level(covered: NDArray[np.bool_], nominal: float, periods: float) -> float:
    """The nominal coverage to ask for, so that `nominal` is reached.

    covered: (R, LEVELS) whether the interval of each level in LEVEL_GRID held what happened, out of time. periods: independent ones behind
    them; few leave the level near its prior, which is the nominal one.
    """
    if not len(covered):
        return nominal
    reached = np.maximum.accumulate(covered.mean(axis=0))
    needed = float(LEVEL_GRID[min(int(np.searchsorted(reached, nominal)), len(LEVEL_GRID) - 1)])
    return (periods * needed + LEVEL_WEIGHT * nominal) / (periods + LEVEL_WEIGHT)


def _means(values: Floats, groups: NDArray[np.intp]) -> Floats:
    """Mean of the rows of each group, in group order."""
    _, place = np.unique(groups, return_inverse=True)
    total = np.zeros((place.max() + 1, values.shape[1]))
    np.add.at(total, place, values)
    return np.asarray(total / np.bincount(place)[:, None])
