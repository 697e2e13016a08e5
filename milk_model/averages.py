"""Averages: forecasts of the national averages, which are means and not sums of city medians.

Belongs here: drift, intervals and columns of the averages. Not here: learning their errors, see
`milk_assets.forecasting.training.averages_fitting`. The price of a median city stays the same for weeks, while the mean of fifty cities
moves at every publication, so averages get a formula of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from milk_model.features import SAME_PRICE_TOLERANCE, Floats, carry_forward
from milk_model.forecast_columns import Columns, window_columns
from milk_model.targets import Dates, Window

ERROR_LEVELS = np.linspace(0.0, 1.0, 81)  # levels at which quantiles of the errors are stored: fine enough for 2.5 and 97.5 %


@dataclass(frozen=True)
class AverageTask:
    """What was learned about the errors of the averages in one task.

    Attributes:
        follows_drift: Whether forecasts follow the drift; the baseline does not.
        window: Publications that the drift is averaged over, as in `StructuralFormula`.
        prior: Drift expected before any is observed, MXN/l per publication.
        prior_weight: Publications that the prior counts for.
        knots: (D,) distances, in publications; values between them are interpolated.
        model_weight: (D,) weight of the drift against no change, in [0, 1].
        spread: (D,) mean absolute error, MXN/l.
        errors: (81,) quantiles of error / spread at ERROR_LEVELS.
    """

    follows_drift: bool
    window: int
    prior: float
    prior_weight: int
    knots: Floats
    model_weight: Floats
    spread: Floats
    errors: Floats

    def drift(self, last_price: Floats) -> Floats:
        """Drift of each average at each date: half its own, half the mean of all averages, shrunk toward the prior.

        Args:
            last_price: (T, K) newest value on or before each date, MXN/l.

        Returns:
            (T, K) MXN/l per publication.
        """
        moves = np.nan_to_num(np.diff(last_price, axis=0, prepend=last_price[:1]))
        total = np.vstack([np.zeros((1, moves.shape[1])), np.cumsum(moves, axis=0)])
        row = np.arange(1, len(moves) + 1)
        start = np.maximum(row - self.window, 0)
        weight = (row - start + self.prior_weight)[:, None]
        own_drift = (total[row] - total[start] + self.prior * self.prior_weight) / weight
        common_drift = own_drift.sum(axis=1, keepdims=True) / max(own_drift.shape[1], 1)
        return np.asarray((own_drift + common_drift) / 2 * self.follows_drift)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(self).items()}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> AverageTask:
        """The task that `to_dict` wrote."""
        fields: dict[str, Any] = {name: np.asarray(value) if isinstance(value, list) else value for name, value in values.items()}
        return AverageTask(**fields)


def average_forecasts(
    task: AverageTask, dates: Dates, series: tuple[str, ...], averages: Floats, windows: list[Window]
) -> Columns:
    """Forecasts of the national averages.

    Args:
        task: What was learned about the averages' errors.
        dates: (T,) publications; the last one is the origin.
        series: (K,) keys of the averages.
        averages: (T, K) MXN/l.
        windows: (W,) targets.

    Returns:
        The columns of `Forecaster.forecast`, W x K rows.
    """
    last_price, _ = carry_forward(averages)
    shape = (len(windows), len(series))
    distance = np.array([window.distance for window in windows])[:, None]
    model_weight = np.interp(distance, task.knots, task.model_weight)
    change = model_weight * distance * task.drift(last_price)[-1]
    spread = np.interp(distance, task.knots, task.spread)
    offsets = {"forecast": change}
    for name, tail in (("80", 0.1), ("95", 0.025)):
        offsets[f"lo{name}"] = change + spread * min(np.interp(tail, ERROR_LEVELS, task.errors), 0.0)
        offsets[f"hi{name}"] = change + spread * max(np.interp(1 - tail, ERROR_LEVELS, task.errors), 0.0)
    # the chances come from the same errors: the level of the error that would leave the price unchanged
    error_scale = np.maximum(spread, 1e-9)
    not_up, down = (
        np.interp((edge - change) / error_scale, task.errors, ERROR_LEVELS)
        for edge in (SAME_PRICE_TOLERANCE, -SAME_PRICE_TOLERANCE)
    )
    columns = window_columns(windows, dates, series, averages, last_price[-1], offsets)
    columns |= {
        "level": np.full(change.size, "national"),
        "distance": np.broadcast_to(distance, shape).ravel(),
        "trust": np.broadcast_to(model_weight, shape).ravel(),
        "p_up": (1 - not_up).ravel(),
        "p_same": (not_up - down).ravel(),
        "p_down": down.ravel(),
    }
    return columns
