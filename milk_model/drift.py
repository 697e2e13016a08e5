"""The structural part of a forecast: prices drift together, and promotions return.

Belongs here: the formula, its drift and its room, as plain arithmetic on what is known. What is learned from it is fitted
elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milk_model.features import FEATURES, Floats, Known, chance_of_change

RETURN = 8.0  # publications: a promotion is over to 1 - 1/e after this many; longer and shorter did no better


@dataclass(frozen=True)
class Structure:
    """lead * drift * p^2 + beta * room * p * (1 - e^(-lead/8)); p the chance that the series changes within the lead.

    A series that seldom changes is late in the common drift, hence p^2. window: publications the drift is averaged over. prior:
    the drift expected before any is seen, MXN/l a publication. prior_weight: publications it counts for. beta: share of the room
    that is regained.
    """

    window: int = 74
    prior: float = 0.01
    prior_weight: int = 60
    beta: float = 0.3

    def drift(self, known: Known, segments: NDArray[np.intp], counted: NDArray[np.bool_] | None = None) -> Floats:
        """Drift of each series at each date, (T, N) MXN/l a publication: half national, half its milk x channel.

        counted: (N,) which series make up the market; all of them when not given.
        """
        market = np.ones(len(segments), dtype=bool) if counted is None else counted
        national = self._mean_move(known.moves[:, market])
        drift = np.repeat(national[:, None] / 2, len(segments), axis=1)
        for segment in set(segments.tolist()):
            members = segments == segment
            drift[:, members] += self._mean_move(known.moves[:, members & market])[:, None] / 2
        return drift

    def terms(self, features: NDArray[np.float32], drift: Floats, distance: Floats | float) -> tuple[Floats, Floats]:
        """What drift and room each add to the last price, MXN/l. features: (…, F); drift and distance: (…) or one number."""
        chance = chance_of_change(features, distance).astype(float)
        room = features[..., FEATURES.index("room")].astype(float)
        returned = 1.0 - np.exp(-np.asarray(distance, dtype=float) / RETURN)
        return np.asarray(distance * drift * chance**2), np.asarray(self.beta * room * chance * returned)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Structure:
        """The structure `to_dict` wrote."""
        return Structure(**values)

    def _mean_move(self, moves: Floats) -> Floats:
        """Mean change a publication over the window up to each row, shrunk toward the prior, (T,)."""
        total = np.concatenate([[0.0], np.cumsum(moves.mean(axis=1))])
        row = np.arange(1, len(moves) + 1)
        start = np.maximum(row - self.window, 0)
        return np.asarray((total[row] - total[start] + self.prior * self.prior_weight) / (row - start + self.prior_weight))
