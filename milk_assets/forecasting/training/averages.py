"""The national averages: how wrong following their drift was in the past.

Belongs here: fitting spread, error quantiles and trust. The forecast itself stands in `milk_model.averages`.
"""

from __future__ import annotations

import numpy as np

from milk_assets.forecasting.hyperparameters import Recipe
from milk_assets.forecasting.panel import Panel
from milk_assets.forecasting.training.calibration import periods, trust_weight
from milk_assets.forecasting.training.samples import WINDOWS
from milk_model.averages import LEVELS, AverageTask
from milk_model.features import Floats, carried_forward
from milk_model.targets import Task

MIN_ORIGINS = 8  # origins behind a spread; farther knots are extrapolated from the nearest that has them
GROWTH = 0.7  # of the spread with the distance, where it was never seen: between a random walk (0.5) and a trend (1)
FIRST_SPREAD = 0.05  # MXN/l at one publication, where nothing was seen at all


def fit_averages(panel: Panel, task: Task, recipe: Recipe | None) -> AverageTask:
    """What is known about the averages' errors at the panel's origin. recipe: None for the baseline, which follows no drift."""
    chosen = recipe or Recipe()
    windows = sorted(WINDOWS[task], key=sum)
    knots = np.array([(first + last) / 2 for first, last in windows])
    blank = AverageTask(
        drifts=recipe is not None,
        window=chosen.drift_window,
        prior=chosen.drift_prior,
        prior_weight=chosen.drift_prior_weight,
        knots=knots,
        trust=np.zeros(len(knots)),
        spread=np.zeros(len(knots)),
        errors=np.zeros(len(LEVELS)),
    )
    last, _ = carried_forward(panel.averages)
    drift = blank.drift(last)
    trust, spread, errors = [], [], []
    for (first, end), distance in zip(windows, knots, strict=True):
        change, origin = _changes(panel.averages, last, first, end)
        said = distance * drift[origin]
        weight = 0.0
        if recipe is not None:
            rows = np.repeat(origin, change.shape[1])
            weight = trust_weight(change.ravel(), said.ravel(), rows, distance, recipe.trust_prior)
        error = change - weight * said
        trust.append(weight)
        known = len(origin) >= MIN_ORIGINS and error.size > 0
        # what is known of an error from few independent periods is itself uncertain, as with the variance of a new observation
        few = np.sqrt(1 + 1 / max(periods(origin, distance), 1.0))
        spread.append(float(np.abs(error).mean() * few) if known else np.nan)
        if known:
            errors.append((error * few / max(spread[-1], 1e-9)).ravel())
    quantiles = np.quantile(np.concatenate(errors), LEVELS) if errors else np.linspace(-2.5, 2.5, len(LEVELS))
    return AverageTask(**{**vars(blank), "trust": np.array(trust), "spread": _extrapolated(knots, spread), "errors": quantiles})


def _changes(averages: Floats, last: Floats, first: int, end: int) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Mean of each past window minus the last value before it, (O, K), and its origins, (O,).

    Only origins where every average is known.
    """
    count = max(len(averages) - end, 0)
    if not count or not averages.shape[1]:
        return np.empty((0, averages.shape[1])), np.empty(0, dtype=np.intp)
    total = np.vstack([np.zeros((1, averages.shape[1])), np.cumsum(np.nan_to_num(last), axis=0)])
    origin = np.arange(count)
    change = (total[origin + end + 1] - total[origin + first]) / (end - first + 1) - last[:count]
    known = np.isfinite(change).all(axis=1)
    return change[known], origin[known]


def _extrapolated(knots: Floats, spread: list[float]) -> Floats:
    """Spreads at every knot, never falling with the distance."""
    found: list[float] = []
    reached, value = 1.0, FIRST_SPREAD
    for distance, seen in zip(knots, spread, strict=True):
        if np.isfinite(seen):
            reached, value = max(float(distance), 1.0), max(float(seen), found[-1] if found else 0.0)
        found.append(float(value * (max(distance, reached) / reached) ** GROWTH))
    return np.array(found)
