"""Fitting: from a panel and hyperparameters to the files of a model.

Belongs here: fitting every part of a model and calibrating its tasks. Not here: a single uncalibrated task, see `task_fitting`; calibration
formulas, see `calibration`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from milk_assets.forecasting.hyperparameters import Hyperparameters
from milk_assets.forecasting.panel import Panel
from milk_assets.forecasting.training.averages_fitting import fit_averages
from milk_assets.forecasting.training.calibration import (
    COVERAGE_LEVELS,
    calibrated_level,
    independent_periods,
    learned_model_weight,
    needed_level,
)
from milk_assets.forecasting.training.model_files import model_files
from milk_assets.forecasting.training.out_of_time import OutOfTimeForecasts, out_of_time_forecasts
from milk_assets.forecasting.training.samples import TrainingData, window_distances
from milk_assets.forecasting.training.task_fitting import FINAL_FIT_ROWS, MIN_PUBLICATIONS, fit_task
from milk_model.forecaster import SEGMENTS, TASKS
from milk_model.targets import Task
from milk_model.task_model import TaskModel


def fit_model_files(panel: Panel, hyperparameters: Hyperparameters, workers: int = 2) -> dict[str, bytes]:
    """Fit a model on everything in the panel.

    Args:
        panel: Prices as known at the origin.
        hyperparameters: How to fit.
        workers: Threads. Boosters release Python's lock and fit with one thread each; the result does not depend on the number.

    Returns:
        The model's files by name.

    Raises:
        ValueError: The panel has fewer than MIN_PUBLICATIONS publications.
    """
    if len(panel.dates) < MIN_PUBLICATIONS:
        raise ValueError(
            f"a model needs {MIN_PUBLICATIONS} publications, the panel has {len(panel.dates)}: use the baseline until then"
        )
    data = TrainingData.from_panel(panel)
    with ThreadPoolExecutor(max(workers, 1)) as pool:
        task_models = pool.map(lambda task: _fit_calibrated_task(data, task, hyperparameters), TASKS)
        tasks = dict(zip(TASKS, task_models, strict=True))
    averages = {task: fit_averages(panel, task, hyperparameters) for task in TASKS}
    return model_files(data, tasks, averages, hyperparameters)


@dataclass(frozen=True)
class WindowCalibration:
    """What was learned about one task at one distance.

    Attributes:
        model_weight: Weight of the model against no change, in [0, 1].
        levels: For each of the task's COVERAGE_LEVELS, the nominal level to use for each segment.
    """

    model_weight: float
    levels: list[list[float]]


def calibrate_task(
    task_model: TaskModel,
    past_forecasts: list[OutOfTimeForecasts],
    segments: NDArray[np.intp],
    task: Task,
    model_weight_prior: float,
) -> TaskModel:
    """A task with model weight and interval levels learned from out-of-time forecasts.

    Args:
        task_model: Without calibration.
        past_forecasts: One item per fold.
        segments: (N,) codes of milk x channel of the panel's series.
        task: Of the model.
        model_weight_prior: Weight of the model before any of its losses are known.
    """
    calibrations: list[WindowCalibration] = []
    # a distance starts from the levels of the next shorter one, so a distance that was never observed inherits them
    nominal_levels = [[level.start] * len(SEGMENTS) for level in COVERAGE_LEVELS[task]]
    for window, distance in enumerate(window_distances(task)):
        of_window = [forecasts.of_window(window) for forecasts in past_forecasts]
        calibration = _calibrate_window(of_window, segments, task, float(distance), model_weight_prior, nominal_levels)
        calibrations.append(calibration)
        nominal_levels = calibration.levels
    return replace(
        task_model,
        model_weight=np.array([calibration.model_weight for calibration in calibrations]),
        level80=np.array([calibration.levels[0] for calibration in calibrations]),
        level95=np.array([calibration.levels[1] for calibration in calibrations]),
    )


def _fit_calibrated_task(data: TrainingData, task: Task, hyperparameters: Hyperparameters) -> TaskModel:
    task_model = fit_task(data, task, hyperparameters, data.newest_row, FINAL_FIT_ROWS[task])
    past_forecasts = out_of_time_forecasts(data, task, hyperparameters)
    return calibrate_task(task_model, past_forecasts, data.panel.segments, task, hyperparameters.model_weight_prior)


def _calibrate_window(
    of_window: list[OutOfTimeForecasts],
    segments: NDArray[np.intp],
    task: Task,
    distance: float,
    model_weight_prior: float,
    nearer_levels: list[list[float]],
) -> WindowCalibration:
    """Model weight and interval levels at one distance. nearer_levels: those of the next shorter distance, as in WindowCalibration."""
    origin = _concatenated([forecasts.samples.origin for forecasts in of_window])
    change = _concatenated([forecasts.samples.change for forecasts in of_window])
    model_change = _concatenated([forecasts.model_change for forecasts in of_window])
    model_weight = learned_model_weight(change, model_change, origin, distance, model_weight_prior)

    needed = _concatenated([needed_level(*forecasts.ranks()) for forecasts in of_window])
    segment = _concatenated([segments[forecasts.samples.series] for forecasts in of_window])
    period_count = independent_periods(origin, distance)
    levels = []
    for level, nearer in zip(COVERAGE_LEVELS[task], nearer_levels, strict=True):
        by_segment = [
            calibrated_level(needed[segment == code], level, nearer[code], period_count) for code in range(len(SEGMENTS))
        ]
        levels.append(by_segment)
    return WindowCalibration(model_weight, levels)


def _concatenated(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.empty(0)
