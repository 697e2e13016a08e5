"""Hyperparameters: everything that is chosen about a model, and nothing that is learned from prices.

Belongs here: each hyperparameter with its reason, and their JSON. Not here: what each one does, see `training` and `milk_model`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from milk_model.earlier_formats import with_current_names
from milk_model.targets import Task


@dataclass(frozen=True)
class Trees:
    """Hyperparameters of the boosted trees of one task.

    Attributes:
        depth: Of each tree.
        eta: Learning rate.
        rounds: Number of boosting rounds.
        min_child_weight: Least sum of hessians in a leaf.
        colsample: Share of the features that each tree sees.
        blend: Share of the structural formula in the model's change.
        dead_zone: A change smaller than this, in MXN/l, is forecast as none.
    """

    depth: int = 4
    eta: float = 0.13
    rounds: int = 30
    min_child_weight: float = 20.0
    colsample: float = 0.6
    blend: float = 0.0
    dead_zone: float = 0.0


@dataclass(frozen=True)
class Hyperparameters:
    """How a model is fitted. The defaults are the best of the designs that were compared.

    Attributes:
        publication: Trees of the task "publication".
        month: Trees of the task "month".
        drift_window: Publications that the drift is averaged over, see `StructuralFormula`.
        drift_prior: Drift expected before any is observed, MXN/l per publication.
        drift_prior_weight: Publications that the prior counts for.
        discount_regained: Share of the discount depth that is regained. A share fitted at each origin swung between 0 and 0.15 and did
            worse than a fixed one.
        model_weight_prior: Weight of the model against no change before any of its losses are known. It is high because a median, and a
            blend that is half a median, are cautious already: a prior of one half was worse in flat and in trending months.
        seed: Of the boosters.
    """

    publication: Trees = field(default_factory=Trees)
    month: Trees = field(
        default_factory=lambda: Trees(depth=2, eta=0.12, rounds=40, min_child_weight=100.0, blend=0.5, dead_zone=0.1)
    )
    drift_window: int = 74
    drift_prior: float = 0.01
    drift_prior_weight: int = 60
    discount_regained: float = 0.3
    model_weight_prior: float = 0.9
    seed: int = 20240103

    def trees(self, task: Task) -> Trees:
        """Hyperparameters of the trees of a task."""
        return self.publication if task == "publication" else self.month

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Hyperparameters:
        """Read what `to_dict` wrote, in this release or an earlier one. Missing names take their default.

        Raises:
            ValueError: A name is unknown. A misspelled name would otherwise be ignored silently.
        """
        values = with_current_names(values)
        defaults = Hyperparameters().to_dict()
        unknown = [*(values.keys() - defaults.keys())]
        for task in ("publication", "month"):
            unknown += [f"{task}.{name}" for name in dict(values.get(task, {})).keys() - defaults[task].keys()]
        if unknown:
            raise ValueError(f"expected only the hyperparameters {sorted(defaults)}, got also {sorted(unknown)}")
        trees = {task: Trees(**{**defaults[task], **values.get(task, {})}) for task in ("publication", "month")}
        return Hyperparameters(**{**defaults, **values, **trees})


def served_hyperparameters(facts: Mapping[str, Any] | None) -> Hyperparameters | None:
    """The hyperparameters of the served model, from the facts of its bundle; None without a champion, and for the baseline."""
    values = with_current_names(facts).get("hyperparameters") if facts else None
    return Hyperparameters.from_dict(values) if values else None
