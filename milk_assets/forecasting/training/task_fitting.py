"""Task fitting: one task learned from past samples, before calibration.

Belongs here: boosted trees and bins of one task, and which origins they learn from. Not here: samples, see `samples`; model weight and
interval levels, see `fitting`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from milk_assets.forecasting.hyperparameters import Hyperparameters, Trees
from milk_assets.forecasting.training.calibration import COVERAGE_LEVELS
from milk_assets.forecasting.training.samples import TRAINING_WINDOWS, Samples, TrainingData, window_distances
from milk_model.distribution import BIN_COUNT, fit_bins
from milk_model.drift import StructuralFormula
from milk_model.features import Floats
from milk_model.forecaster import SEGMENTS
from milk_model.targets import Task
from milk_model.task_model import TaskModel

MIN_PUBLICATIONS = 30  # below that, no month has been completely observed from a month before: only the baseline can be made
WARM_UP = 4  # publications before a series' features mean anything
# Rows of a fit: of the final one, and of a fold or a tuning trial. Origins are thinned evenly and the newest is always included. Twice as
# many rows took twice the time for the same scores, because neighbouring origins tell nearly the same.
FINAL_FIT_ROWS: dict[Task, int] = {"publication": 60_000, "month": 30_000}
FOLD_FIT_ROWS: dict[Task, int] = {"publication": 24_000, "month": 16_000}
MAX_BIN = 64  # cuts per feature: 256 took twice the time for the same scores
# How rises grow with the distance. Not at all for single publications, where a longer lead means more changes and not larger ones.
# Between a random walk (0.5) and a trend (1) for monthly means.
RISE_POWER: dict[Task, float] = {"publication": 0.0, "month": 0.6}


def fit_task(data: TrainingData, task: Task, hyperparameters: Hyperparameters, through: int, max_rows: int) -> TaskModel:
    """Fit one task, without calibration.

    Args:
        data: Panel with features.
        task: To fit.
        hyperparameters: How to fit.
        through: Row of the panel; nothing later is used.
        max_rows: About how many samples to learn from.
    """
    trees = hyperparameters.trees(task)
    samples = data.samples(task, _thinned_origins(data, task, through, max_rows), through)
    bins, bin_index = fit_bins(samples.change, samples.distance, RISE_POWER[task])
    formula = StructuralFormula(
        window=hyperparameters.drift_window,
        prior=hyperparameters.drift_prior,
        prior_weight=hyperparameters.drift_prior_weight,
        discount_regained=hyperparameters.discount_regained,
    )
    knots = window_distances(task)
    level80, level95 = COVERAGE_LEVELS[task]
    return TaskModel(
        bins=bins,
        booster=_fit_booster(samples.rows, bin_index, trees, hyperparameters.seed),
        table=None,
        structure=formula if trees.blend else None,
        blend=trees.blend,
        dead_zone=trees.dead_zone,
        knots=knots,
        model_weight=np.full(len(knots), hyperparameters.model_weight_prior),
        level80=np.full((len(knots), len(SEGMENTS)), level80.start),
        level95=np.full((len(knots), len(SEGMENTS)), level95.start),
    )


def task_changes(task_model: TaskModel, data: TrainingData, samples: Samples) -> tuple[Floats, Floats, Floats]:
    """What a fitted task forecasts for some samples.

    Returns:
        Chances of the bins (R, bins), the model's change (R,) and the structural change (R,), the last two in MXN/l and before the model
        is weighted against no change.
    """
    chances = task_model.chances(samples.rows, data.panel.segments[samples.series])
    median = task_model.bins.quantiles(chances, samples.distance, np.array(0.5))
    structural = data.structural_change(task_model.structure, samples)
    return chances, task_model.change(median, structural), structural


def _fit_booster(rows: NDArray[np.float32], bin_index: NDArray[np.intp], trees: Trees, seed: int) -> Any:
    import xgboost

    training_matrix = xgboost.QuantileDMatrix(rows, bin_index, nthread=1, max_bin=MAX_BIN)
    parameters = {
        "objective": "multi:softprob",
        "num_class": BIN_COUNT,
        "max_depth": trees.depth,
        "eta": trees.eta,
        "min_child_weight": trees.min_child_weight,
        "colsample_bytree": trees.colsample,
        "max_bin": MAX_BIN,
        "nthread": 1,
        "seed": seed,
    }
    booster = xgboost.train(parameters, training_matrix, trees.rounds)
    booster.set_param({"nthread": 1})
    return booster


def _thinned_origins(data: TrainingData, task: Task, through: int, max_rows: int) -> NDArray[np.intp]:
    row_count = max(through - WARM_UP, 1) * data.panel.prices.shape[1] * len(TRAINING_WINDOWS[task])
    step = max(-(-row_count // max_rows), 1)
    return np.arange(through, WARM_UP - 1, -step)[::-1]
