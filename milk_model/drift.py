"""Drift: the structural formula of a forecast. Prices drift together, and discounts end.

Belongs here: the formula and the drift it uses, as plain arithmetic on features. Not here: parameters learned from prices, see
`milk_assets.forecasting.training`; drift of data or accuracy, see `milk_assets.monitoring.detection`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milk_model.features import FEATURES, Floats, PriceHistoryFeatures, chance_of_change

DISCOUNT_DURATION = 8.0  # publications after which 1 - 1/e of a discount has ended; longer and shorter did no better


@dataclass(frozen=True)
class StructuralFormula:
    """lead * drift * p^2 + discount_regained * discount_depth * p * (1 - e^(-lead/8)).

    p is the chance that the series changes within the lead. A series that seldom changes follows the common drift late, so p is squared.

    Attributes:
        window: Publications that the drift is averaged over.
        prior: Drift expected before any is observed, MXN/l per publication.
        prior_weight: Publications that the prior counts for.
        discount_regained: Share of the discount depth that is regained.
    """

    window: int = 74
    prior: float = 0.01
    prior_weight: int = 60
    discount_regained: float = 0.3

    def drift(
        self, history_features: PriceHistoryFeatures, segments: NDArray[np.intp], in_market: NDArray[np.bool_] | None = None
    ) -> Floats:
        """Drift of each series at each date: half national, half of its milk x channel.

        Args:
            history_features: Of T dates and N series.
            segments: (N,) code of each series' milk x channel.
            in_market: (N,) series that the drift is measured on; all of them by default.

        Returns:
            (T, N) MXN/l per publication.
        """
        market = np.ones(len(segments), dtype=bool) if in_market is None else in_market
        national = self._mean_move(history_features.moves[:, market])
        drift = np.repeat(national[:, None] / 2, len(segments), axis=1)
        for segment in set(segments.tolist()):
            members = segments == segment
            drift[:, members] += self._mean_move(history_features.moves[:, members & market])[:, None] / 2
        return drift

    def terms(self, features: NDArray[np.float32], drift: Floats, distance: Floats | float) -> tuple[Floats, Floats]:
        """What the drift and the end of a discount each add to the last price.

        Args:
            features: (…, F) in the order of FEATURES.
            drift: (…) MXN/l per publication.
            distance: Publications ahead, (…) or one number.

        Returns:
            Two arrays (…), MXN/l: the drift term and the discount term.
        """
        chance = chance_of_change(features, distance).astype(float)
        discount_depth = features[..., FEATURES.index("discount_depth")].astype(float)
        ended_share = 1.0 - np.exp(-np.asarray(distance, dtype=float) / DISCOUNT_DURATION)
        drift_term = np.asarray(distance * drift * chance**2)
        discount_term = np.asarray(self.discount_regained * discount_depth * chance * ended_share)
        return drift_term, discount_term

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> StructuralFormula:
        """The formula that `to_dict` wrote."""
        return StructuralFormula(**values)

    def _mean_move(self, moves: Floats) -> Floats:
        """Mean change per publication over the window up to each row, shrunk toward the prior, (T,)."""
        total = np.concatenate([[0.0], np.cumsum(moves.mean(axis=1))])
        row = np.arange(1, len(moves) + 1)
        start = np.maximum(row - self.window, 0)
        return np.asarray((total[row] - total[start] + self.prior * self.prior_weight) / (row - start + self.prior_weight))
