"""Out-of-time forecasts: what models fitted on the first part of the history forecast for the part after it.

Belongs here: the folds and their forecasts. Not here: what is learned from their errors, see `calibration` and `fitting`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from milk_assets.forecasting.hyperparameters import Hyperparameters
from milk_assets.forecasting.training.samples import Samples, TrainingData
from milk_assets.forecasting.training.task_fitting import FOLD_FIT_ROWS, MIN_PUBLICATIONS, fit_task, task_changes
from milk_model.features import Floats
from milk_model.targets import Task
from milk_model.task_model import TaskModel, upper_end_shift

FOLD_SHARES = (0.5, 0.75)  # shares of the history after which the fits of the folds stop learning


@dataclass(frozen=True)
class OutOfTimeForecasts:
    """Forecasts of windows that a fold's fit had not seen, with the actual changes.

    Attributes:
        task_model: The fold's fit.
        samples: The R windows.
        chances: (R, bins).
        model_change: (R,) the model's change before it is weighted against no change, MXN/l.
        structural: (R,) the structural change, MXN/l.
    """

    task_model: TaskModel
    samples: Samples
    chances: Floats
    model_change: Floats
    structural: Floats

    def of_window(self, window: int) -> OutOfTimeForecasts:
        """The forecasts of one training window, by its position in TRAINING_WINDOWS."""
        chosen = self.samples.window == window
        return OutOfTimeForecasts(
            task_model=self.task_model,
            samples=self.samples.subset(chosen),
            chances=self.chances[chosen],
            model_change=self.model_change[chosen],
            structural=self.structural[chosen],
        )

    def ranks(self) -> tuple[Floats, Floats]:
        """Chance of less than the actual change, with upper ends shifted as those of intervals are, and of no more than it, (R,) each."""
        bins, change, distance = self.task_model.bins, self.samples.change, self.samples.distance
        below, _ = bins.ranks(self.chances, distance, change - upper_end_shift(self.structural))
        _, no_more = bins.ranks(self.chances, distance, change)
        return below, no_more


def out_of_time_forecasts(data: TrainingData, task: Task, hyperparameters: Hyperparameters) -> list[OutOfTimeForecasts]:
    """Forecasts of each fold: it learns from the first part of the history and forecasts from there up to the next fold."""
    newest = data.newest_row
    ends = [max(int(share * newest), MIN_PUBLICATIONS // 2) for share in FOLD_SHARES] + [newest]
    result = []
    for end, next_end in pairwise(ends):
        if end >= next_end:
            continue
        task_model = fit_task(data, task, hyperparameters, end, FOLD_FIT_ROWS[task])
        samples = data.samples(task, np.arange(end, next_end, 2), newest)
        if not len(samples):
            continue
        chances, model_change, structural = task_changes(task_model, data, samples)
        result.append(OutOfTimeForecasts(task_model, samples, chances, model_change, structural))
    return result
