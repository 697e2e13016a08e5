"""Baseline fitting: the last price as a model, with the intervals and chances that its own past gives.

Belongs here: making the no-change baseline a model like any other, so that it can be champion. It learns frequencies and nothing else. Not
here: models with trees, see `fitting`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from milk_assets.forecasting.panel import Panel
from milk_assets.forecasting.training.averages_fitting import fit_averages
from milk_assets.forecasting.training.calibration import COVERAGE_LEVELS
from milk_assets.forecasting.training.model_files import model_files
from milk_assets.forecasting.training.samples import TrainingData, window_distances
from milk_assets.forecasting.training.task_fitting import RISE_POWER
from milk_model.distribution import BIN_COUNT, SAME_BIN, fit_bins
from milk_model.features import Floats
from milk_model.forecaster import SEGMENTS, TASKS
from milk_model.targets import Task
from milk_model.task_model import TaskModel

PRIOR_SAMPLES = 50.0  # samples that the prior of a frequency counts for, so that a rare bin is not impossible


def fit_baseline_files(panel: Panel) -> dict[str, bytes]:
    """Fit the no-change baseline on everything in the panel.

    Intervals and chances are the frequencies of past changes, by distance and segment.

    Returns:
        The model's files by name.
    """
    data = TrainingData.from_panel(panel)
    tasks = {task: _fit_task(data, task) for task in TASKS}
    averages = {task: fit_averages(panel, task, None) for task in TASKS}
    return model_files(data, tasks, averages, None)


def _fit_task(data: TrainingData, task: Task) -> TaskModel:
    samples = data.samples(task, np.arange(data.newest_row), data.newest_row)
    bins, bin_index = fit_bins(samples.change, samples.distance, RISE_POWER[task])
    knots = window_distances(task)
    level80, level95 = (np.full((len(knots), len(SEGMENTS)), level.nominal) for level in COVERAGE_LEVELS[task])
    return TaskModel(
        bins=bins,
        booster=None,
        table=_chances_table(bin_index, samples.window, data.panel.segments[samples.series], len(knots)),
        structure=None,
        blend=0.0,
        dead_zone=0.0,
        knots=knots,
        model_weight=np.zeros(len(knots)),
        level80=level80,
        level95=level95,
    )


def _chances_table(bin_index: NDArray[np.intp], window: NDArray[np.intp], segment: NDArray[np.intp], window_count: int) -> Floats:
    """Frequencies of the bins, (windows, segments, bins). Each window starts from the one before it, each segment from its window.

    Args:
        bin_index: (R,) bin of each sample.
        window: (R,) position of its training window.
        segment: (R,) code of its milk x channel.
        window_count: Number of training windows, nearest first.
    """
    table = np.empty((window_count, len(SEGMENTS), BIN_COUNT))
    mostly_unchanged = np.eye(BIN_COUNT)[SAME_BIN] * 0.8 + 0.2 / BIN_COUNT
    nearer_frequencies = _frequencies(bin_index[:0], mostly_unchanged)
    for index in range(window_count):
        window_frequencies = _frequencies(bin_index[window == index], nearer_frequencies)
        for code in range(len(SEGMENTS)):
            table[index, code] = _frequencies(bin_index[(window == index) & (segment == code)], window_frequencies)
        nearer_frequencies = window_frequencies
    return table


def _frequencies(bin_index: NDArray[np.intp], prior: Floats) -> Floats:
    """Share of each bin, shrunk toward the prior, (bins,)."""
    return np.asarray((np.bincount(bin_index, minlength=BIN_COUNT) + PRIOR_SAMPLES * prior) / (len(bin_index) + PRIOR_SAMPLES))
