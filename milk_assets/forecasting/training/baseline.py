"""The baseline: the last price, with the intervals and chances its own past gives.

Belongs here: making "no change" a model like any other, so that it can be champion. It learns frequencies and nothing else.
"""

from __future__ import annotations

import numpy as np

from milk_assets.forecasting.model import Model
from milk_assets.forecasting.panel import Panel
from milk_assets.forecasting.training.averages import fit_averages
from milk_assets.forecasting.training.calibration import LEVELS
from milk_assets.forecasting.training.fitting import POWER, export
from milk_assets.forecasting.training.samples import WINDOWS, Grid
from milk_model.distribution import BINS, SAME_BIN, fit_bins
from milk_model.features import Floats
from milk_model.forecaster import SEGMENTS, TASKS, TaskModel
from milk_model.targets import Task

PRIOR = 50.0  # samples of the nearest known window that a segment's table starts from, lest a rare bin be impossible


def baseline(panel: Panel) -> Model:
    """The last price as a model, from everything the panel knows.

    Intervals and chances are the frequencies of past changes, by distance and segment.
    """
    grid = Grid.of(panel)
    return export(
        grid, {task: _task(grid, task) for task in TASKS}, {task: fit_averages(panel, task, None) for task in TASKS}, None
    )


def _task(grid: Grid, task: Task) -> TaskModel:
    newest = len(grid.panel.dates) - 1
    samples = grid.samples(task, np.arange(newest), newest)
    bins, which = fit_bins(samples.change, samples.distance, POWER[task])
    segment = grid.panel.segments[samples.series]
    windows = sorted(range(len(WINDOWS[task])), key=lambda place: sum(WINDOWS[task][place]))
    table = np.empty((len(windows), len(SEGMENTS), BINS))
    before = _frequencies(which[:0], np.eye(BINS)[SAME_BIN] * 0.8 + 0.2 / BINS)
    for row, place in enumerate(windows):
        pooled = _frequencies(which[samples.window == place], before)
        for code in range(len(SEGMENTS)):
            table[row, code] = _frequencies(which[(samples.window == place) & (segment == code)], pooled)
        before = pooled
    knots = np.array([sum(WINDOWS[task][place]) / 2 for place in windows])
    level80, level95 = (np.full((len(knots), len(SEGMENTS)), level.nominal) for level in LEVELS[task])
    return TaskModel(bins, None, table, None, 0.0, 0.0, knots, np.zeros(len(knots)), level80, level95)


def _frequencies(which: np.ndarray[tuple[int], np.dtype[np.intp]], prior: Floats) -> Floats:
    return np.asarray((np.bincount(which, minlength=BINS) + PRIOR * prior) / (len(which) + PRIOR))
