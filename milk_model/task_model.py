"""Task model: what a model has learned about one task, publications or months.

Belongs here: its parts, how they combine into a change of price, and their JSON. Not here: prices and columns, see `forecaster`; learning,
see `milk_assets.forecasting.training`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from milk_model.bundle import BundleError
from milk_model.distribution import Bins
from milk_model.drift import StructuralFormula
from milk_model.features import FEATURES, Floats, PriceHistoryFeatures
from milk_model.xgboost_native import load_booster


class TaskModelDocument(TypedDict):
    """A task as stored in the model document."""

    bins: dict[str, Any]
    booster: str | None  # name of the booster's file
    table: list[list[list[float]]] | None
    structure: dict[str, Any] | None
    blend: float
    dead_zone: float
    knots: list[float]
    model_weight: list[float]
    level80: list[list[float]]
    level95: list[list[float]]


@dataclass(frozen=True)
class TaskModel:
    """What a model has learned about one task.

    Attributes:
        bins: How changes are spread inside each bin.
        booster: Gives the chances of the bins from features, or None: then `table` holds them.
        table: (knots, segments, bins) chances.
        structure: The structural formula, if the task uses one.
        blend: Share of the structural change in the model's change; the rest is the median.
        dead_zone: Changes smaller than this, in MXN/l, are forecast as none.
        knots: (K,) distances in publications; the values below are interpolated between them.
        model_weight: (K,) weight of the model against no change, in [0, 1].
        level80: (K, segments) nominal coverage at which 80 % intervals are taken.
        level95: (K, segments) the same for 95 % intervals.
    """

    bins: Bins
    booster: Any
    table: Floats | None
    structure: StructuralFormula | None
    blend: float
    dead_zone: float
    knots: Floats
    model_weight: Floats
    level80: Floats
    level95: Floats

    def chances(self, rows: NDArray[np.float32], segments: NDArray[np.intp]) -> Floats:
        """Chances of the bins.

        Args:
            rows: (R, features and target features).
            segments: (R,) codes of milk x channel.

        Returns:
            (R, bins), rows add up to 1.
        """
        if self.booster is not None:
            return np.asarray(self.booster.inplace_predict(rows), dtype=float)
        if self.table is None:
            raise BundleError("the model document gives a task neither a booster nor a table: export the model again")
        distance = rows[:, len(FEATURES)]
        position = np.interp(distance, self.knots, np.arange(len(self.knots)))
        left = np.minimum(position.astype(int), len(self.knots) - 2)
        share = (position - left)[:, None]
        return np.asarray((1 - share) * self.table[left, segments] + share * self.table[left + 1, segments])

    def structural_change(
        self,
        history_features: PriceHistoryFeatures,
        segments: NDArray[np.intp],
        in_market: NDArray[np.bool_] | None,
        distance: Floats,
    ) -> Floats:
        """The change that the structural formula gives at the last date; zeros without a formula.

        Args:
            history_features: Of N series.
            segments: (N,) codes of milk x channel.
            in_market: (N,) series that the drift is measured on; all of them if None.
            distance: (W, N) publications ahead.

        Returns:
            (W, N) MXN/l.
        """
        if self.structure is None:
            return np.zeros_like(distance)
        drift = self.structure.drift(history_features, segments, in_market)
        drift_term, discount_term = self.structure.terms(history_features.features[-1], drift[-1], distance)
        return np.asarray(drift_term + discount_term)

    def change(self, median: Floats, structural: Floats) -> Floats:
        """The model's change before it is weighted against no change, MXN/l: a blend of both, with small changes set to none."""
        mixed = (1 - self.blend) * median + self.blend * structural if self.structure else median
        return np.where(np.abs(mixed) < self.dead_zone, 0.0, mixed)

    def model_weight_at(self, distance: Floats) -> Floats:
        """Weight of the model against no change at some distances, (R,)."""
        return np.interp(distance, self.knots, self.model_weight)

    def coverage_level_at(self, levels: Floats, distance: Floats, segments: NDArray[np.intp]) -> Floats:
        """Nominal coverage at which an interval is taken.

        Args:
            levels: (K, segments), `level80` or `level95`.
            distance: (R,) publications ahead.
            segments: (R,) codes of milk x channel.

        Returns:
            (R,) in [0, 1].
        """
        result = np.empty(len(distance))
        for code in range(levels.shape[1]):
            members = segments == code
            result[members] = np.interp(distance[members], self.knots, levels[:, code])
        return result

    def to_document(self, booster_file: str | None) -> TaskModelDocument:
        """Plain values, for JSON. booster_file: name under which the booster is stored, if there is one."""
        return {
            "bins": self.bins.to_dict(),
            "booster": booster_file,
            "table": None if self.table is None else self.table.tolist(),
            "structure": self.structure.to_dict() if self.structure else None,
            "blend": self.blend,
            "dead_zone": self.dead_zone,
            "knots": self.knots.tolist(),
            "model_weight": self.model_weight.tolist(),
            "level80": self.level80.tolist(),
            "level95": self.level95.tolist(),
        }

    @staticmethod
    def from_document(document: TaskModelDocument, files: Mapping[str, bytes]) -> TaskModel:
        """The task that `to_document` wrote.

        Args:
            document: Of one task.
            files: The bundle's files, which hold the booster.

        Raises:
            BundleError: The booster's file is missing or unreadable.
            KeyError, TypeError, ValueError: An entry is missing or invalid.
        """
        booster_file = document["booster"]
        return TaskModel(
            bins=Bins.from_dict(document["bins"]),
            booster=_load_booster(booster_file, files) if booster_file else None,
            table=None if document["table"] is None else np.asarray(document["table"], dtype=float),
            structure=StructuralFormula.from_dict(document["structure"]) if document["structure"] else None,
            blend=float(document["blend"]),
            dead_zone=float(document["dead_zone"]),
            knots=np.asarray(document["knots"], dtype=float),
            model_weight=np.asarray(document["model_weight"], dtype=float),
            level80=np.asarray(document["level80"], dtype=float),
            level95=np.asarray(document["level95"], dtype=float),
        )


def upper_end_shift(structural: Floats) -> Floats:
    """How far upper interval ends move with the structural change, MXN/l.

    Lower ends stay, so that unchanged prices stay inside the interval.
    """
    return np.maximum(structural, 0.0)


def _load_booster(name: str, files: Mapping[str, bytes]) -> Any:
    if name not in files:
        raise BundleError(f"{name} is missing from the bundle; it holds {sorted(files)}")
    return load_booster(files[name], name)
