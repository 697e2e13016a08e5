"""Samples: past origins with the windows that came after them.

Belongs here: which windows a task learns from, and their rows, changes and origins. Learning from them does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from milk_assets.forecasting.panel import Panel
from milk_model.drift import Structure
from milk_model.features import Floats, Known, known_at, with_target
from milk_model.targets import Task

# Windows a task learns from, as (first, last) publication ahead. Months start anywhere: thirteen publications are a month,
# whatever its name, and an origin in mid-month asks for windows that start in between. Short ones are what is left of a running
# month.
WINDOWS: dict[Task, tuple[tuple[int, int], ...]] = {
    "publication": tuple((lead, lead) for lead in (1, 2, 3, 4, 6, 8, 10, 13, 26)),
    "month": ((1, 3), (1, 7), (1, 13), (8, 20), (14, 26), (21, 33), (27, 39), (40, 52), (53, 65), (66, 78)),
}
OBSERVED = 0.5  # share of a window's publications that must have a price, lest a blank month be judged by one day


@dataclass(frozen=True)
class Samples:
    """R windows seen from past origins. rows: (R, features and target features). change: (R,) mean of the window minus the last
    price, MXN/l. distance, origin (row of the panel), series, window: (R,)."""

    rows: NDArray[np.float32]
    change: Floats
    distance: Floats
    origin: NDArray[np.intp]
    series: NDArray[np.intp]
    window: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.change)


@dataclass(frozen=True)
class Grid:
    """A panel's active series with everything that is known at each date, made once for all fits on it."""

    panel: Panel
    known: Known

    @staticmethod
    def of(panel: Panel) -> Grid:
        """The grid of a panel's active series."""
        chosen = panel.only_active()
        return Grid(chosen, known_at(chosen.prices, chosen.segments))

    @cached_property
    def running(self) -> tuple[Floats, NDArray[np.intp]]:
        """Sums and counts of the published prices above each row, (T + 1, N) both."""
        finite = np.isfinite(self.panel.prices)
        empty = np.zeros((1, finite.shape[1]))
        total = np.vstack([empty, np.cumsum(np.where(finite, self.panel.prices, 0.0), axis=0)])
        return total, np.vstack([empty, np.cumsum(finite, axis=0)]).astype(np.intp)

    def samples(self, task: Task, origins: NDArray[np.intp], through: int) -> Samples:
        """Windows that end on or before row `through`, seen from some origins (rows of the panel)."""
        parts = [
            self._window(place, window, origins[origins + window[1] <= through]) for place, window in enumerate(WINDOWS[task])
        ]
        return Samples(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def structural_terms(self, structure: Structure, samples: Samples) -> tuple[Floats, Floats]:
        """What drift and room add in each sample, MXN/l (R,); the drift is the one known at the sample's own origin."""
        drift = structure.drift(self.known, self.panel.segments)[samples.origin, samples.series]
        return structure.terms(self.known.features[samples.origin, samples.series], drift, samples.distance)

    def _window(self, place: int, window: tuple[int, int], origins: NDArray[np.intp]) -> tuple[NDArray[np.generic], ...]:
        first, last = window
        total, number = self.running
        seen = number[origins + last + 1] - number[origins + first]
        mean = (total[origins + last + 1] - total[origins + first]) / np.maximum(seen, 1)
        change = mean - self.known.last[origins]
        kept = (seen >= OBSERVED * (last - first + 1)) & np.isfinite(change)
        row, series = np.nonzero(kept)
        origin, distance = origins[row], np.full(len(row), (first + last) / 2)
        rows = with_target(self.known.features[origin, series], distance)
        return rows, change[kept], distance, origin, series, np.full(len(row), place)
