"""Fitting: from a panel and a recipe to a model.

Belongs here: what is learned, task by task: chances, structure, trust and interval levels. Samples, scoring and calibration
formulas have their own modules.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milk_assets.forecasting.hyperparameters import Recipe, Trees
from milk_assets.forecasting.model import Model
from milk_assets.forecasting.panel import Panel
from milk_assets.forecasting.training.averages import fit_averages
from milk_assets.forecasting.training.calibration import LEVELS, calibrated_level, needed_level, periods, trust_weight
from milk_assets.forecasting.training.samples import WINDOWS, Grid, Samples
from milk_model.averages import AverageTask
from milk_model.distribution import BINS, fit_bins
from milk_model.drift import Structure
from milk_model.features import FEATURES, TARGET_FEATURES, Floats
from milk_model.forecaster import FORMAT, MODEL, SEGMENTS, TASKS, Forecaster, TaskModel, upper_rise
from milk_model.targets import Task

MIN_PUBLICATIONS = 30  # below that no month has been seen to its end from a month before: only the baseline can be made
WARM_UP = 4  # publications before a series' features mean anything
# Rows of a fit, the final one and a fold's; origins are thinned evenly, the newest always kept. Twice as many took twice the time
# to the same figures: neighbouring origins say nearly the same.
MAX_ROWS: dict[Task, int] = {"publication": 60_000, "month": 30_000}
FOLD_ROWS: dict[Task, int] = {"publication": 24_000, "month": 16_000}
MAX_BIN = 64  # cuts a feature: 256 took twice the time to the same figures
FOLDS = (0.5, 0.75)  # shares of the history after which the out-of-time fits stop learning
GOLDEN_ROWS = 6
# How rises grow with the distance: not at all for single publications, where a longer lead means more changes and not larger
# ones; like something between a walk (0.5) and a trend (1) for monthly means.
POWER: dict[Task, float] = {"publication": 0.0, "month": 0.6}


def fit(panel: Panel, recipe: Recipe, workers: int = 2) -> Model:
    """A model of the recipe from everything the panel knows.

    workers: threads; the boosters leave Python's lock, each fits with one thread, and the result is the same whatever their
    number. Raises ValueError on fewer than MIN_PUBLICATIONS publications.
    """
    if len(panel.dates) < MIN_PUBLICATIONS:
        raise ValueError(
            f"a model needs {MIN_PUBLICATIONS} publications, the panel has {len(panel.dates)}: use the baseline until then"
        )
    grid = Grid.of(panel)
    with ThreadPoolExecutor(max(workers, 1)) as pool:
        fitted = dict(zip(TASKS, pool.map(lambda task: _fit_task(grid, task, recipe), TASKS), strict=True))
    averages = {task: fit_averages(panel, task, recipe) for task in TASKS}
    return export(grid, fitted, averages, recipe)


@dataclass(frozen=True)
class OutOfTime:
    """Forecasts of windows that a fold's fit had not seen, with what happened.

    fold: that fit. chances: (R, BINS). model, structural: (R,) changes, MXN/l.
    """

    fold: TaskModel
    samples: Samples
    chances: Floats
    model: Floats
    structural: Floats

    def of_window(self, place: int) -> OutOfTime:
        """The forecasts of one window."""
        chosen = self.samples.window == place
        samples = Samples(**{name: values[chosen] for name, values in vars(self.samples).items()})
        return OutOfTime(self.fold, samples, self.chances[chosen], self.model[chosen], self.structural[chosen])

    def ranks(self) -> tuple[Floats, Floats]:
        """Chance of less than what happened and of no more than it; the first with upper ends shifted as intervals are."""
        change, distance = self.samples.change, self.samples.distance
        below, _ = self.fold.bins.ranks(self.chances, distance, change - upper_rise(self.structural))
        return below, self.fold.bins.ranks(self.chances, distance, change)[1]


def fit_task(grid: Grid, task: Task, recipe: Recipe, through: int, max_rows: int) -> TaskModel:
    """One task learned from what is known at row `through`, without calibration."""
    trees = recipe.trees(task)
    samples = grid.samples(task, _origins(grid, task, through, max_rows), through)
    bins, which = fit_bins(samples.change, samples.distance, POWER[task])
    structure = Structure(recipe.drift_window, recipe.drift_prior, recipe.drift_prior_weight, recipe.room_regained)
    knots = np.array([(first + last) / 2 for first, last in WINDOWS[task]])
    order = np.argsort(knots, kind="stable")
    flat = np.full(len(knots), np.nan)
    return TaskModel(
        bins=bins,
        booster=_boost(samples.rows, which, trees, recipe.seed),
        table=None,
        structure=structure if trees.blend else None,
        blend=trees.blend,
        dead_zone=trees.dead_zone,
        knots=knots[order],
        trust=np.full_like(flat, recipe.trust_prior),
        level80=np.full((len(flat), len(SEGMENTS)), LEVELS[task][0].start),
        level95=np.full((len(flat), len(SEGMENTS)), LEVELS[task][1].start),
    )


def _fit_task(grid: Grid, task: Task, recipe: Recipe) -> TaskModel:
    newest = len(grid.panel.dates) - 1
    final = fit_task(grid, task, recipe, newest, MAX_ROWS[task])
    return calibrated(final, _out_of_time(grid, task, recipe, newest), grid.panel.segments, task, recipe)


def calibrated(model: TaskModel, seen: list[OutOfTime], segments: NDArray[np.intp], task: Task, recipe: Recipe) -> TaskModel:
    """The task with trust and interval levels learned from out-of-time forecasts. segments: (N,) of the panel's series."""
    trust, levels = [], []
    asked = [[level.start] * len(SEGMENTS) for level in LEVELS[task]]
    for place in sorted(range(len(WINDOWS[task])), key=lambda place: sum(WINDOWS[task][place])):
        distance = sum(WINDOWS[task][place]) / 2
        parts = [part.of_window(place) for part in seen]
        origin = _joined([part.samples.origin for part in parts])
        change, said = _joined([part.samples.change for part in parts]), _joined([part.model for part in parts])
        trust.append(trust_weight(change, said, origin, distance, recipe.trust_prior))
        needed = _joined([needed_level(*part.ranks()) for part in parts])
        segment = _joined([segments[part.samples.series] for part in parts])
        number = periods(origin, distance)
        # a distance starts from the level of the one before it: what was never seen inherits what was
        asked = [
            [calibrated_level(needed[segment == code], level, before[code], number) for code in range(len(SEGMENTS))]
            for level, before in zip(LEVELS[task], asked, strict=True)
        ]
        levels.append(asked)
    level80, level95 = np.moveaxis(np.array(levels), 1, 0)
    return replace(model, trust=np.array(trust), level80=level80, level95=level95)


def _out_of_time(grid: Grid, task: Task, recipe: Recipe, newest: int) -> list[OutOfTime]:
    """Each fold learns from the first part of the history and forecasts the part up to the next fold."""
    ends = [max(int(share * newest), MIN_PUBLICATIONS // 2) for share in FOLDS] + [newest]
    seen = []
    for end, following in pairwise(ends):
        if end >= following:
            continue
        fold = fit_task(grid, task, recipe, end, FOLD_ROWS[task])
        samples = grid.samples(task, np.arange(end, following, 2), newest)
        if not len(samples):
            continue
        chances = fold.chances(samples.rows, grid.panel.segments[samples.series])
        median = fold.bins.quantiles(chances, samples.distance, np.array(0.5))
        structural = np.add(*grid.structural_terms(fold.structure, samples)) if fold.structure else np.zeros_like(median)
        seen.append(OutOfTime(fold, samples, chances, fold.change(median, structural), structural))
    return seen


def _boost(rows: NDArray[np.float32], which: NDArray[np.intp], trees: Trees, seed: int) -> Any:
    import xgboost

    data = xgboost.QuantileDMatrix(rows, which, nthread=1, max_bin=MAX_BIN)
    parameters = {
        "objective": "multi:softprob",
        "num_class": BINS,
        "max_depth": trees.depth,
        "eta": trees.eta,
        "min_child_weight": trees.min_child_weight,
        "colsample_bytree": trees.colsample,
        "max_bin": MAX_BIN,
        "nthread": 1,
        "seed": seed,
    }
    booster = xgboost.train(parameters, data, trees.rounds)
    booster.set_param({"nthread": 1})
    return booster


def _origins(grid: Grid, task: Task, through: int, max_rows: int) -> NDArray[np.intp]:
    rows = max(through - WARM_UP, 1) * grid.panel.prices.shape[1] * len(WINDOWS[task])
    step = max(-(-rows // max_rows), 1)
    return np.arange(through, WARM_UP - 1, -step)[::-1]


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.empty(0)


def export(grid: Grid, fitted: dict[Task, TaskModel], averages: dict[Task, AverageTask], recipe: Recipe | None) -> Model:
    """The model's files: boosters as UBJ, everything else as JSON, with golden rows that prove them when they are read."""
    files: dict[str, bytes] = {}
    tasks = {}
    for task, values in fitted.items():
        name = f"{task}.ubj" if values.booster is not None else None
        if name:
            files[name] = bytes(values.booster.save_raw("ubj"))
        tasks[task] = {
            "bins": values.bins.to_dict(),
            "booster": name,
            "table": None if values.table is None else values.table.tolist(),
            "structure": values.structure.to_dict() if values.structure else None,
            "blend": values.blend,
            "dead_zone": values.dead_zone,
            **{part: getattr(values, part).tolist() for part in ("knots", "trust", "level80", "level95")},
        }
    document: dict[str, Any] = {
        "format": FORMAT,
        "features": [*FEATURES, *TARGET_FEATURES],
        "segments": list(SEGMENTS),
        "recipe": recipe.to_dict() if recipe else None,
        "trained_through": str(grid.panel.origin),
        "tasks": tasks,
        "averages": {task: values.to_dict() for task, values in averages.items()},
    }
    document["golden"] = _golden(grid, fitted, averages, document)
    files[MODEL] = json.dumps(document, allow_nan=False, sort_keys=True).encode()
    return Model(files)


def _golden(
    grid: Grid, fitted: dict[Task, TaskModel], averages: dict[Task, AverageTask], document: dict[str, Any]
) -> dict[str, Any]:
    newest = len(grid.panel.dates) - 1
    rows, segments = {}, {}
    for task in TASKS:
        samples = grid.samples(task, np.arange(newest), newest)
        chosen = np.linspace(0, len(samples) - 1, GOLDEN_ROWS).astype(int) if len(samples) else np.empty(0, dtype=int)
        rows[task], segments[task] = samples.rows[chosen], grid.panel.segments[samples.series[chosen]]
    return Forecaster(document, fitted, averages).golden(rows, segments)
