"""Model files: what a fitted model is stored as.

Belongs here: writing boosters as UBJ and everything else as one JSON document, with golden rows that prove the files when they are
read. Not here: reading them, see `milk_model.forecaster`.
"""

from __future__ import annotations

import json

import numpy as np

from milk_assets.forecasting.hyperparameters import Hyperparameters
from milk_assets.forecasting.training.samples import TrainingData
from milk_model.averages import AverageTask
from milk_model.features import FEATURES, TARGET_FEATURES
from milk_model.forecaster import (
    MODEL_FILE,
    MODEL_FORMAT,
    SEGMENTS,
    TASKS,
    Forecaster,
    GoldenRows,
    ModelDocument,
)
from milk_model.targets import Task
from milk_model.task_model import TaskModel

GOLDEN_ROW_COUNT = 6  # per task


def model_files(
    data: TrainingData,
    tasks: dict[Task, TaskModel],
    averages: dict[Task, AverageTask],
    hyperparameters: Hyperparameters | None,
) -> dict[str, bytes]:
    """The files of a model by name.

    Args:
        data: What the model was fitted on.
        tasks: Fitted tasks.
        averages: Fitted errors of the national averages.
        hyperparameters: None for the baseline.
    """
    files: dict[str, bytes] = {}
    task_documents = {}
    for task, task_model in tasks.items():
        booster_file = None
        if task_model.booster is not None:
            booster_file = f"{task}.ubj"
            files[booster_file] = bytes(task_model.booster.save_raw("ubj"))
        task_documents[str(task)] = task_model.to_document(booster_file)
    document: ModelDocument = {
        "format": MODEL_FORMAT,
        "features": [*FEATURES, *TARGET_FEATURES],
        "segments": list(SEGMENTS),
        "hyperparameters": hyperparameters.to_dict() if hyperparameters else None,
        "trained_through": str(data.panel.origin),
        "tasks": task_documents,
        "averages": {task: average_task.to_dict() for task, average_task in averages.items()},
        "golden": {},
    }
    document["golden"] = _golden_rows(data, Forecaster(document, tasks, averages))
    files[MODEL_FILE] = json.dumps(document, allow_nan=False, sort_keys=True).encode()
    return files


def _golden_rows(data: TrainingData, forecaster: Forecaster) -> dict[str, GoldenRows]:
    rows, segments = {}, {}
    for task in TASKS:
        samples = data.samples(task, np.arange(data.newest_row), data.newest_row)
        chosen = np.empty(0, dtype=int)
        if len(samples):
            chosen = np.linspace(0, len(samples) - 1, GOLDEN_ROW_COUNT).astype(int)
        rows[task], segments[task] = samples.rows[chosen], data.panel.segments[samples.series[chosen]]
    return forecaster.score_golden_rows(rows, segments)
