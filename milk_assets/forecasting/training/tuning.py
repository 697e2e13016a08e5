"""Tuning: a better recipe, if the newest past says so.

Belongs here: the search space, the time-ordered hold-out and the search. Recording trials is the caller's, through `on_trial`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from milk_assets.forecasting.hyperparameters import Recipe, Trees
from milk_assets.forecasting.panel import Panel
from milk_assets.forecasting.training.fitting import FOLD_ROWS, MIN_PUBLICATIONS, fit_task
from milk_assets.forecasting.training.samples import Grid
from milk_model.forecaster import TASKS
from milk_model.targets import Task

HOLD_OUT = 36  # publications: the newest twelve weeks; shorter ones chase one season, longer ones leave too little to learn from
WHOLE, FRACTIONAL = ("depth", "rounds"), ("eta", "min_child_weight", "colsample")  # what is searched in each task's trees
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trial:
    """One recipe tried. loss: mean over the tasks of the hold-out's error relative to no change; losses: by task."""

    number: int
    recipe: Recipe
    loss: float
    losses: Mapping[Task, float]
    seconds: float


@dataclass(frozen=True)
class Tuned:
    """The best recipe and every trial, the first being the recipe the search started from."""

    recipe: Recipe
    trials: tuple[Trial, ...]


def tune(
    panel: Panel,
    recipe: Recipe,
    trials: int = 15,
    seconds: float = 35.0,
    seed: int = 0,
    on_trial: Callable[[Trial], None] | None = None,
    workers: int = 2,
) -> Tuned:
    """Search around a recipe with Hyperopt's TPE; the newest HOLD_OUT publications judge, and nothing of them is learned from.

    trials, seconds: whichever ends first; no trial is begun after `seconds`. seed: the same one gives the same trials, time
    allowing. The recipe given is tried first, so that what is returned is never worse than it on the hold-out. With fewer than
    MIN_PUBLICATIONS publications before the hold-out nothing is tried, and the recipe given comes back.
    """
    from hyperopt import STATUS_OK, fmin, hp, tpe

    grid = Grid.of(panel)
    end = len(panel.dates) - 1 - HOLD_OUT
    if end < MIN_PUBLICATIONS:
        return Tuned(recipe, ())
    done: list[Trial] = []

    def objective(values: Mapping[str, Any]) -> dict[str, Any]:
        begun = time.perf_counter()
        candidate = _recipe(recipe, values)
        with ThreadPoolExecutor(max(workers, 1)) as pool:
            losses = dict(zip(TASKS, pool.map(lambda task: _loss(grid, task, candidate, end), TASKS), strict=True))
        trial = Trial(len(done), candidate, float(np.mean(list(losses.values()))), losses, time.perf_counter() - begun)
        done.append(trial)
        shown = ", ".join(f"{task} {loss:.4f}" for task, loss in losses.items())
        log.info("trial %d of %d: loss %.4f (%s), best %.4f", len(done), trials, trial.loss, shown, min(t.loss for t in done))
        if on_trial:
            on_trial(trial)
        return {"loss": trial.loss, "status": STATUS_OK}

    fmin(
        objective,
        _space(hp),
        algo=tpe.suggest,
        max_evals=max(trials - 1, 1),  # the point given comes on top
        timeout=max(seconds, 1),
        rstate=np.random.default_rng(seed),
        points_to_evaluate=[_point(recipe)],
        show_progressbar=False,
        verbose=False,
    )
    best = min(done, key=lambda trial: trial.loss)
    return Tuned(best.recipe, tuple(done))


def _loss(grid: Grid, task: Task, recipe: Recipe, end: int) -> float:
    """Error relative to no change on windows seen from the hold-out's origins; 1 when none of them has ended yet."""
    newest = len(grid.panel.dates) - 1
    samples = grid.samples(task, np.arange(end, newest), newest)
    if not len(samples):
        return 1.0
    model = fit_task(grid, task, recipe, end, FOLD_ROWS[task])
    chances = model.chances(samples.rows, grid.panel.segments[samples.series])
    median = model.bins.quantiles(chances, samples.distance, np.array(0.5))
    structural = np.add(*grid.structural_terms(model.structure, samples)) if model.structure else np.zeros_like(median)
    said = recipe.trust_prior * model.change(median, structural)
    return float(np.abs(samples.change - said).sum() / np.abs(samples.change).sum())


def _space(hp: Any) -> dict[str, Any]:
    """Whole steps where the parameter is whole; the ranges hold every setting that came near the best."""
    space: dict[str, Any] = {}
    for task in TASKS:
        space |= {
            f"{task}.depth": hp.quniform(f"{task}.depth", 2, 6, 1),
            f"{task}.eta": hp.loguniform(f"{task}.eta", np.log(0.03), np.log(0.2)),
            f"{task}.rounds": hp.quniform(f"{task}.rounds", 20, 80, 5),
            f"{task}.min_child_weight": hp.loguniform(f"{task}.min_child_weight", np.log(5.0), np.log(200.0)),
            f"{task}.colsample": hp.uniform(f"{task}.colsample", 0.3, 1.0),
        }
    return space


def _point(recipe: Recipe) -> dict[str, float]:
    return {f"{task}.{name}": getattr(recipe.trees(task), name) for task in TASKS for name in (*WHOLE, *FRACTIONAL)}


def _recipe(start: Recipe, values: Mapping[str, Any]) -> Recipe:
    def trees(task: Task) -> Trees:
        chosen: dict[str, Any] = {name: float(values[f"{task}.{name}"]) for name in FRACTIONAL}
        return replace(start.trees(task), **chosen, **{name: round(values[f"{task}.{name}"]) for name in WHOLE})

    return replace(start, publication=trees("publication"), month=trees("month"))
