"""The recipe: everything a person may choose about a model, and nothing learned from prices.

Belongs here: hyperparameters with their reasons, and their JSON. What each one does lives where it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from milk_model.targets import Task


@dataclass(frozen=True)
class Trees:
    """The boosted part of one task.

    blend: share of the structural formula in the model's change. dead_zone: a change smaller than this (MXN/l) is forecast as
    none.
    """

    depth: int = 4
    eta: float = 0.13
    rounds: int = 30
    min_child_weight: float = 20.0
    colsample: float = 0.6
    blend: float = 0.0
    dead_zone: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """How a model is fitted. The defaults are the design that came out best.

    drift_*, room_regained: see Structure; a share of the room fitted at each origin swung between 0 and 0.15 and did worse than a
    fixed one. trust_prior: weight of the model before any of its losses are seen; high, since a median and a blend that is half a
    median are cautious already: half trust on top was worse in flat and in trending months. seed: of the boosters.
    """

    publication: Trees = field(default_factory=Trees)
    month: Trees = field(
        default_factory=lambda: Trees(depth=2, eta=0.12, rounds=40, min_child_weight=100.0, blend=0.5, dead_zone=0.1)
    )
    drift_window: int = 74
    drift_prior: float = 0.01
    drift_prior_weight: int = 60
    room_regained: float = 0.3
    trust_prior: float = 0.9
    seed: int = 20240103

    def trees(self, task: Task) -> Trees:
        """The boosted part of a task."""
        return self.publication if task == "publication" else self.month

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Recipe:
        """The recipe `to_dict` wrote; what it leaves out takes its default.

        Raises ValueError on a name it does not know: a misspelt one would be ignored in silence.
        """
        known = Recipe().to_dict()
        unknown = [*(values.keys() - known.keys())]
        for task in ("publication", "month"):
            unknown += [f"{task}.{name}" for name in dict(values.get(task, {})).keys() - known[task].keys()]
        if unknown:
            raise ValueError(f"a recipe knows {sorted(known)}, got also {sorted(unknown)}")
        trees = {task: Trees(**{**known[task], **values.get(task, {})}) for task in ("publication", "month")}
        return Recipe(**{**known, **values, **trees})
