"""Tuning: a search for better hyperparameters, judged on the newest publications.

Belongs here: the search space, the time-ordered hold-out and the search. Not here: recording trials, which the caller does in `on_trial`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from milk_assets.forecasting.hyperparameters import Hyperparameters, Trees
from milk_assets.forecasting.panel import Panel
from milk_assets.forecasting.training.samples import TrainingData
from milk_assets.forecasting.training.task_fitting import FOLD_FIT_ROWS, MIN_PUBLICATIONS, fit_task, task_changes
from milk_model.forecaster import TASKS
from milk_model.targets import Task

# Publications, twelve weeks: a shorter hold-out follows one season, a longer one leaves too little to learn from.
HOLD_OUT = 36
INTEGER_PARAMETERS, FLOAT_PARAMETERS = ("depth", "rounds"), ("eta", "min_child_weight", "colsample")  # searched in each task
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TuningTrial:
    """One set of hyperparameters that was tried.

    Attributes:
        number: Position in the search, from 0.
        hyperparameters: That were tried.
        loss: Mean of `losses`.
        losses: By task, error on the hold-out relative to no change.
        seconds: Duration.
    """

    number: int
    hyperparameters: Hyperparameters
    loss: float
    losses: Mapping[Task, float]
    seconds: float


@dataclass(frozen=True)
class TuningResult:
    """The best hyperparameters and every trial. The first trial has the hyperparameters that the search started from."""

    hyperparameters: Hyperparameters
    trials: tuple[TuningTrial, ...]


def tune(
    panel: Panel,
    start: Hyperparameters,
    trials: int = 15,
    seconds: float = 35.0,
    seed: int = 0,
    on_trial: Callable[[TuningTrial], None] | None = None,
    workers: int = 2,
) -> TuningResult:
    """Search around some hyperparameters with Hyperopt's TPE, judged on the newest HOLD_OUT publications, from which nothing is learned.

    The start is tried first, so the result is never worse than it on the hold-out. With fewer than MIN_PUBLICATIONS publications before
    the hold-out nothing is tried and the start is returned.

    Args:
        panel: Prices that tuning may see.
        start: Hyperparameters to start from.
        trials: Most trials to run.
        seconds: No trial begins after this time.
        seed: The same seed gives the same trials, as far as time allows.
        on_trial: Called after each trial.
        workers: Threads.
    """
    from hyperopt import STATUS_OK, fmin, hp, tpe

    data = TrainingData.from_panel(panel)
    end = data.newest_row - HOLD_OUT
    if end < MIN_PUBLICATIONS:
        return TuningResult(start, ())
    finished: list[TuningTrial] = []

    def objective(values: Mapping[str, Any]) -> dict[str, Any]:
        trial = _run_trial(data, _with_values(start, values), end, len(finished), workers)
        finished.append(trial)
        _log_trial(trial, trials, best=min(other.loss for other in finished))
        if on_trial:
            on_trial(trial)
        return {"loss": trial.loss, "status": STATUS_OK}

    fmin(
        objective,
        _search_space(hp),
        algo=tpe.suggest,
        max_evals=max(trials - 1, 1),  # the starting point is evaluated in addition
        timeout=max(seconds, 1),
        rstate=np.random.default_rng(seed),
        points_to_evaluate=[_search_point(start)],
        show_progressbar=False,
        verbose=False,
    )
    best = min(finished, key=lambda trial: trial.loss)
    return TuningResult(best.hyperparameters, tuple(finished))


def _run_trial(data: TrainingData, hyperparameters: Hyperparameters, end: int, number: int, workers: int) -> TuningTrial:
    started = time.perf_counter()
    with ThreadPoolExecutor(max(workers, 1)) as pool:
        task_losses = pool.map(lambda task: _loss(data, task, hyperparameters, end), TASKS)
        losses = dict(zip(TASKS, task_losses, strict=True))
    mean_loss = float(np.mean(list(losses.values())))
    return TuningTrial(number, hyperparameters, mean_loss, losses, time.perf_counter() - started)


def _log_trial(trial: TuningTrial, trial_count: int, best: float) -> None:
    by_task = ", ".join(f"{task} {loss:.4f}" for task, loss in trial.losses.items())
    log.info("trial %d of %d: loss %.4f (%s), best %.4f", trial.number + 1, trial_count, trial.loss, by_task, best)


def _loss(data: TrainingData, task: Task, hyperparameters: Hyperparameters, end: int) -> float:
    """Error relative to no change on windows seen from the hold-out's origins; 1 if none of these windows has ended yet."""
    samples = data.samples(task, np.arange(end, data.newest_row), data.newest_row)
    if not len(samples):
        return 1.0
    task_model = fit_task(data, task, hyperparameters, end, FOLD_FIT_ROWS[task])
    _, model_change, _ = task_changes(task_model, data, samples)
    forecast_change = hyperparameters.model_weight_prior * model_change
    return float(np.abs(samples.change - forecast_change).sum() / np.abs(samples.change).sum())


def _search_space(hp: Any) -> dict[str, Any]:
    """Hyperopt's search space. The ranges contain every setting that came near the best."""
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


def _search_point(hyperparameters: Hyperparameters) -> dict[str, float]:
    """Hyperparameters as a point of the search space."""
    point = {}
    for task in TASKS:
        for name in (*INTEGER_PARAMETERS, *FLOAT_PARAMETERS):
            point[f"{task}.{name}"] = getattr(hyperparameters.trees(task), name)
    return point


def _with_values(start: Hyperparameters, values: Mapping[str, Any]) -> Hyperparameters:
    """The start with the values of a point of the search space."""

    def trees(task: Task) -> Trees:
        chosen: dict[str, Any] = {name: float(values[f"{task}.{name}"]) for name in FLOAT_PARAMETERS}
        chosen |= {name: round(values[f"{task}.{name}"]) for name in INTEGER_PARAMETERS}
        return replace(start.trees(task), **chosen)

    return replace(start, publication=trees("publication"), month=trees("month"))
