"""The national averages: forecast as means, not as sums of city medians.

Belongs here: their drift, their intervals and their columns. A median city does not move for weeks; the mean of fifty drifts
every time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from milk_model.features import SAME, Floats, carried_forward
from milk_model.forecast_columns import Columns, window_columns
from milk_model.targets import Dates, Window

LEVELS = np.linspace(0.0, 1.0, 81)  # where the errors' quantiles are kept: fine enough for 2.5 and 97.5 %


@dataclass(frozen=True)
class AverageTask:
    """What is known about the averages' errors in one task.

    drifts: whether the common drift is followed at all (the baseline does not). window, prior, prior_weight: of the drift, as in
    Structure. knots: distances (publications); spread: mean absolute error at each, MXN/l; errors: quantiles at LEVELS of error /
    spread. trust: weight of the drift at each knot.
    """

    drifts: bool
    window: int
    prior: float
    prior_weight: int
    knots: Floats
    trust: Floats
    spread: Floats
    errors: Floats

    def drift(self, last: Floats) -> Floats:
        """Drift of each average at each date, (T, K) MXN/l a publication: half its own, half of all, shrunk toward the prior."""
        moves = np.nan_to_num(np.diff(last, axis=0, prepend=last[:1]))
        total = np.vstack([np.zeros((1, moves.shape[1])), np.cumsum(moves, axis=0)])
        row = np.arange(1, len(moves) + 1)
        start = np.maximum(row - self.window, 0)
        number = (row - start + self.prior_weight)[:, None]
        own = (total[row] - total[start] + self.prior * self.prior_weight) / number
        common = own.sum(axis=1, keepdims=True) / max(own.shape[1], 1)
        return np.asarray((own + common) / 2 * self.drifts)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(self).items()}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> AverageTask:
        """What `to_dict` wrote."""
        plain: dict[str, Any] = {name: np.asarray(value) if isinstance(value, list) else value for name, value in values.items()}
        return AverageTask(**plain)


def average_forecasts(
    task: AverageTask, dates: Dates, series: tuple[str, ...], averages: Floats, windows: list[Window]
) -> Columns:
    """Forecasts of the national averages in the forecaster's columns. averages: (T, K) MXN/l; series: (K,) keys."""
    last, _ = carried_forward(averages)
    shape = (len(windows), len(series))
    distance = np.array([w.distance for w in windows])[:, None]
    trust = np.interp(distance, task.knots, task.trust)
    point = trust * distance * task.drift(last)[-1]
    spread = np.interp(distance, task.knots, task.spread)
    offsets = {"forecast": point}
    for name, tail in (("80", 0.1), ("95", 0.025)):
        offsets[f"lo{name}"] = point + spread * min(np.interp(tail, LEVELS, task.errors), 0.0)
        offsets[f"hi{name}"] = point + spread * max(np.interp(1 - tail, LEVELS, task.errors), 0.0)
    # chances from the same errors: the level at which the change would be none
    reach = np.maximum(spread, 1e-9)
    not_up, down = (np.interp((edge - point) / reach, task.errors, LEVELS) for edge in (SAME, -SAME))
    columns = window_columns(windows, dates, series, averages, last[-1], offsets)
    columns |= {
        "level": np.full(point.size, "national"),
        "distance": np.broadcast_to(distance, shape).ravel(),
        "trust": np.broadcast_to(trust, shape).ravel(),
        "p_up": (1 - not_up).ravel(),
        "p_same": (not_up - down).ravel(),
        "p_down": down.ravel(),
    }
    return columns
