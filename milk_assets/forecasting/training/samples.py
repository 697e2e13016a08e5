"""Samples: past origins with the windows of publications that followed them.

Belongs here: which windows a task learns from, and their rows, changes and origins. Not here: learning from them, see `task_fitting`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from milk_assets.forecasting.panel import Panel
from milk_model.drift import StructuralFormula
from milk_model.features import Floats, PriceHistoryFeatures, compute_features, running_totals, with_target
from milk_model.targets import Task

# Windows a task learns from, as (first, last) publication ahead, nearest first. A training month may start on any date and has thirteen
# publications: origins in the middle of a month need windows that start in between. The short ones stand for the rest of a running month.
TRAINING_WINDOWS: dict[Task, tuple[tuple[int, int], ...]] = {
    "publication": tuple((lead, lead) for lead in (1, 2, 3, 4, 6, 8, 10, 13, 26)),
    "month": ((1, 3), (1, 7), (1, 13), (8, 20), (14, 26), (21, 33), (27, 39), (40, 52), (53, 65), (66, 78)),
}
MIN_OBSERVED_SHARE = 0.5  # of a window's publications that must have a price, so that one day cannot represent a whole month


def window_distances(task: Task) -> Floats:
    """Mean publications ahead of each training window of a task, ascending."""
    return np.array([(first + last) / 2 for first, last in TRAINING_WINDOWS[task]])


@dataclass(frozen=True)
class Samples:
    """R windows as seen from past origins.

    Attributes:
        rows: (R, features and target features).
        change: (R,) mean price of the window minus the last price, MXN/l.
        distance: (R,) mean publications ahead.
        origin: (R,) row of the panel.
        series: (R,) column of the panel.
        window: (R,) position in TRAINING_WINDOWS.
    """

    rows: NDArray[np.float32]
    change: Floats
    distance: Floats
    origin: NDArray[np.intp]
    series: NDArray[np.intp]
    window: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.change)

    def subset(self, chosen: NDArray[np.bool_]) -> Samples:
        """Some of the samples. chosen: (R,)."""
        return Samples(**{name: values[chosen] for name, values in vars(self).items()})


@dataclass(frozen=True)
class TrainingData:
    """A panel of active series with its features, computed once for all fits on it."""

    panel: Panel
    history_features: PriceHistoryFeatures

    @staticmethod
    def from_panel(panel: Panel) -> TrainingData:
        """The training data of a panel's active series."""
        active_panel = panel.only_active()
        return TrainingData(active_panel, compute_features(active_panel.prices, active_panel.segments))

    @property
    def newest_row(self) -> int:
        """Row of the newest publication."""
        return len(self.panel.dates) - 1

    @cached_property
    def price_totals(self) -> tuple[Floats, NDArray[np.intp]]:
        """Sums and counts of the published prices above each row, (T + 1, N) both."""
        total, count = running_totals(self.panel.prices)
        return total, count.astype(np.intp)

    def samples(self, task: Task, origins: NDArray[np.intp], through: int) -> Samples:
        """Windows of a task, as seen from some origins.

        Args:
            task: Whose TRAINING_WINDOWS to use.
            origins: (O,) rows of the panel.
            through: Row of the panel on or before which a window must end.
        """
        parts = [
            self._window_samples(index, first, last, origins[origins + last <= through])
            for index, (first, last) in enumerate(TRAINING_WINDOWS[task])
        ]
        return Samples(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def structural_change(self, formula: StructuralFormula | None, samples: Samples) -> Floats:
        """The change that the structural formula gives for each sample, from the drift known at its own origin.

        Returns:
            (R,) MXN/l; zeros without a formula.
        """
        if formula is None:
            return np.zeros(len(samples))
        drift = formula.drift(self.history_features, self.panel.segments)[samples.origin, samples.series]
        features = self.history_features.features[samples.origin, samples.series]
        drift_term, discount_term = formula.terms(features, drift, samples.distance)
        return np.asarray(drift_term + discount_term)

    def _window_samples(self, window: int, first: int, last: int, origins: NDArray[np.intp]) -> tuple[NDArray[np.generic], ...]:
        """The fields of `Samples` for one window."""
        total, count = self.price_totals
        observed = count[origins + last + 1] - count[origins + first]
        mean = (total[origins + last + 1] - total[origins + first]) / np.maximum(observed, 1)
        change = mean - self.history_features.last_price[origins]
        is_usable = (observed >= MIN_OBSERVED_SHARE * (last - first + 1)) & np.isfinite(change)
        row, series = np.nonzero(is_usable)
        origin, distance = origins[row], np.full(len(row), (first + last) / 2)
        rows = with_target(self.history_features.features[origin, series], distance)
        return rows, change[is_usable], distance, origin, series, np.full(len(row), window)
