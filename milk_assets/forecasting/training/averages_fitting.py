"""Averages fitting: how large the errors of following the drift of the national averages were.

Belongs here: learning spread, error quantiles and model weight of the averages. Not here: their forecasts, see `milk_model.averages`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from milk_assets.forecasting.hyperparameters import Hyperparameters
from milk_assets.forecasting.panel import Panel
from milk_assets.forecasting.training.calibration import independent_periods, learned_model_weight
from milk_assets.forecasting.training.samples import TRAINING_WINDOWS, window_distances
from milk_model.averages import ERROR_LEVELS, AverageTask
from milk_model.features import Floats, carry_forward
from milk_model.targets import Task

MIN_ORIGINS = 8  # origins behind a spread; with fewer, it is extrapolated from the next shorter distance that has them
SPREAD_GROWTH = 0.7  # power of the distance, where the spread was never observed: between a random walk (0.5) and a trend (1)
FIRST_SPREAD = 0.05  # MXN/l at one publication, where nothing was observed at all


def fit_averages(panel: Panel, task: Task, hyperparameters: Hyperparameters | None) -> AverageTask:
    """Learn the errors of the averages at the panel's origin.

    Args:
        panel: Prices as known at the origin.
        task: Whose windows to learn.
        hyperparameters: None for the baseline, which follows no drift.
    """
    knots = window_distances(task)
    unfitted = _unfitted(knots, hyperparameters)
    last_price, _ = carry_forward(panel.averages)
    drift = unfitted.drift(last_price)
    model_weights: list[float] = []
    spreads: list[float] = []
    scaled_errors: list[Floats] = []
    for (first, end), distance in zip(TRAINING_WINDOWS[task], knots, strict=True):
        change, origin = _changes(panel.averages, last_price, first, end)
        drift_change = distance * drift[origin]
        model_weight = 0.0
        if hyperparameters is not None:
            row_origin = np.repeat(origin, change.shape[1])
            model_weight = learned_model_weight(
                change.ravel(), drift_change.ravel(), row_origin, float(distance), hyperparameters.model_weight_prior
            )
        model_weights.append(model_weight)
        error = change - model_weight * drift_change
        if len(origin) < MIN_ORIGINS or not error.size:
            spreads.append(np.nan)
            continue
        # an estimate from few independent periods is uncertain itself, as in the variance of a new observation
        uncertainty = np.sqrt(1 + 1 / max(independent_periods(origin, float(distance)), 1.0))
        spreads.append(float(np.abs(error).mean() * uncertainty))
        scaled_errors.append((error * uncertainty / max(spreads[-1], 1e-9)).ravel())
    return replace(
        unfitted,
        model_weight=np.array(model_weights),
        spread=_extrapolated(knots, spreads),
        errors=_error_quantiles(scaled_errors),
    )


def _unfitted(knots: Floats, hyperparameters: Hyperparameters | None) -> AverageTask:
    drift_settings = hyperparameters or Hyperparameters()
    return AverageTask(
        follows_drift=hyperparameters is not None,
        window=drift_settings.drift_window,
        prior=drift_settings.drift_prior,
        prior_weight=drift_settings.drift_prior_weight,
        knots=knots,
        model_weight=np.zeros(len(knots)),
        spread=np.zeros(len(knots)),
        errors=np.zeros(len(ERROR_LEVELS)),
    )


def _changes(averages: Floats, last_price: Floats, first: int, end: int) -> tuple[Floats, NDArray[np.intp]]:
    """Past changes of the averages over one window, from origins at which every average is known.

    Args:
        averages: (T, K) MXN/l, NaN where none was published.
        last_price: (T, K) the same with blanks filled.
        first: Publications ahead at which the window starts.
        end: Publications ahead at which it ends, inclusive.

    Returns:
        (O, K) mean of the window minus the last value before it, and (O,) rows of the origins.
    """
    origin_count = max(len(averages) - end, 0)
    if not origin_count or not averages.shape[1]:
        return np.empty((0, averages.shape[1])), np.empty(0, dtype=np.intp)
    total = np.vstack([np.zeros((1, averages.shape[1])), np.cumsum(np.nan_to_num(last_price), axis=0)])
    origin = np.arange(origin_count)
    change = (total[origin + end + 1] - total[origin + first]) / (end - first + 1) - last_price[:origin_count]
    is_known = np.isfinite(change).all(axis=1)
    return change[is_known], origin[is_known]


def _error_quantiles(scaled_errors: list[Floats]) -> Floats:
    """Quantiles of error / spread at ERROR_LEVELS; evenly spread where nothing was observed."""
    if not scaled_errors:
        return np.linspace(-2.5, 2.5, len(ERROR_LEVELS))
    return np.asarray(np.quantile(np.concatenate(scaled_errors), ERROR_LEVELS))


def _extrapolated(knots: Floats, spreads: list[float]) -> Floats:
    """Spreads at every knot, never falling with the distance. spreads: NaN where nothing was observed."""
    result: list[float] = []
    observed_distance, observed_spread = 1.0, FIRST_SPREAD
    for distance, spread in zip(knots, spreads, strict=True):
        if np.isfinite(spread):
            observed_distance = max(float(distance), 1.0)
            observed_spread = max(float(spread), result[-1] if result else 0.0)
        growth = (max(distance, observed_distance) / observed_distance) ** SPREAD_GROWTH
        result.append(float(observed_spread * growth))
    return np.array(result)
