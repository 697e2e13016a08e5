"""Forecaster: the one way a model's files are read and scored, in batch and online.

Belongs here: reading the model document, proving it on its golden rows, and turning a price history into forecasts; numpy and xgboost only.
Not here: fitting, the calendar and data frames, see `milk_assets.forecasting`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypedDict, cast, get_args

import numpy as np
from numpy.typing import NDArray

from milk_model.averages import AverageTask, average_forecasts
from milk_model.bundle import BundleError
from milk_model.distribution import direction_chances
from milk_model.earlier_formats import current_model_document
from milk_model.features import FEATURES, TARGET_FEATURES, Floats, PriceHistoryFeatures, compute_features, with_target
from milk_model.forecast_columns import Columns, window_columns
from milk_model.targets import Dates, Task, Window, windows_from
from milk_model.task_model import TaskModel, TaskModelDocument, upper_end_shift

MODEL_FILE = "model.json"
MODEL_FORMAT = 2  # raised when an old reader would score a new bundle wrongly; `earlier_formats` reads format 1
TASKS: tuple[Task, ...] = get_args(Task)
SEGMENTS = ("pasteurised/store", "pasteurised/supermarket", "uht/store", "uht/supermarket")
GOLDEN_TOLERANCE = 1e-4  # MXN/l and chances: boosters score in float32, and a hundredth of a centavo moves no forecast


class GoldenRows(TypedDict):
    """Rows with the scores they had when the model was made: a bundle that scores them otherwise is refused."""

    rows: list[list[float]]  # (G, features and target features)
    segments: list[int]  # (G,) positions in SEGMENTS
    median: list[float]  # (G,) MXN/l
    same: list[float]  # (G,) chance of no change


class ModelDocument(TypedDict):
    """The content of MODEL_FILE."""

    format: int
    features: list[str]
    segments: list[str]
    hyperparameters: dict[str, Any] | None  # None for the baseline
    trained_through: str  # newest publication the model has seen, YYYY-MM-DD
    tasks: dict[str, TaskModelDocument]
    averages: dict[str, dict[str, Any]]
    golden: dict[str, GoldenRows]


@dataclass(frozen=True)
class History:
    """Prices as known at an origin, the last of `dates`.

    Attributes:
        dates: (T,) datetime64[D], ascending.
        series: (N,) keys "state/city/milk/channel".
        prices: (T, N) MXN/l, NaN where none was published.
        average_series: (K,) keys of the national averages.
        averages: (T, K) MXN/l.
        in_market: (N,) series that make up the market. Only the other series are forecast; they are compared with the market and do not
            change it. By default every series is in the market and every series is forecast.
    """

    dates: Dates
    series: tuple[str, ...]
    prices: Floats
    average_series: tuple[str, ...] = ()
    averages: Floats | None = None
    in_market: NDArray[np.bool_] | None = None

    @cached_property
    def segments(self) -> NDArray[np.intp]:
        """Position in SEGMENTS of each series' milk x channel, (N,). Raises ValueError on an unknown one."""
        return segment_codes(self.series)

    @cached_property
    def forecast_indices(self) -> NDArray[np.intp]:
        """Columns of the series to forecast."""
        return np.arange(len(self.series)) if self.in_market is None else np.flatnonzero(~self.in_market)


def segment_codes(series: tuple[str, ...]) -> NDArray[np.intp]:
    """Position in SEGMENTS of each series' milk x channel.

    Args:
        series: (N,) keys.

    Raises:
        ValueError: A key has an unknown milk x channel, which would be scored as another one.
    """
    codes = {name: code for code, name in enumerate(SEGMENTS)}
    names = [key.split("/", 2)[-1] for key in series]
    unknown = sorted(set(names) - codes.keys())
    if unknown:
        raise ValueError(f"series keys must end in one of {SEGMENTS}, got {unknown[:3]}")
    return np.array([codes[name] for name in names], dtype=np.intp)


class Forecaster:
    """A model version that is ready to score. Create one with `from_files`."""

    def __init__(self, document: ModelDocument, tasks: Mapping[Task, TaskModel], averages: Mapping[Task, AverageTask]) -> None:
        self.document, self.tasks, self.averages = document, tasks, averages

    @property
    def trained_through(self) -> np.datetime64:
        """The newest publication the model has seen."""
        return np.datetime64(self.document["trained_through"], "D")

    @staticmethod
    def from_files(files: Mapping[str, bytes]) -> Forecaster:
        """Read the forecaster from a bundle's files and prove it on its golden rows.

        Args:
            files: Content by name, as this release or release 0.1 wrote them. Other files are ignored.

        Raises:
            BundleError: A file is missing or unreadable, the features are not those of this release, or the golden rows score differently.
        """
        document = read_model_document(files)
        try:
            tasks = {task: TaskModel.from_document(document["tasks"][task], files) for task in TASKS}
            averages = {task: AverageTask.from_dict(document["averages"][task]) for task in TASKS}
            forecaster = Forecaster(document, tasks, averages)
            forecaster._prove()
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, BundleError):
                raise
            raise BundleError(f"{MODEL_FILE} has a missing or invalid entry: {error}: export the model again") from error
        return forecaster

    def forecast(self, history: History, expected: Dates) -> Columns:
        """Forecasts of every series, task and lead.

        A series without any price gets no row.

        Args:
            history: Prices as known at the origin.
            expected: (E,) publication dates after the origin, beyond the end of the sixth month ahead.

        Returns:
            Equally long columns, city series first, then national averages: task, lead, target, series, level, distance, last_price,
            last_date, no_change, forecast, lo80, hi80, lo95, hi95 (MXN/l), p_up, p_same, p_down, trust. The column `trust` is the model's
            weight against no change, `model_weight` in the code; it keeps the name that users of the published tables know.

        Raises:
            ValueError: A series has an unknown segment, or there are too few expected dates.
        """
        windows = windows_from(history.dates, expected)
        history_features = compute_features(history.prices, history.segments, history.in_market)
        of_task = {task: [window for window in windows if window.task == task] for task in TASKS}
        parts = [self._forecast_cities(history, history_features, task, of_task[task]) for task in TASKS]
        if history.averages is not None and history.average_series:
            for task in TASKS:
                average_task = self.averages[task]
                parts.append(
                    average_forecasts(average_task, history.dates, history.average_series, history.averages, of_task[task])
                )
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def score_golden_rows(
        self, rows: Mapping[Task, NDArray[np.float32]], segments: Mapping[Task, NDArray[np.intp]]
    ) -> dict[str, GoldenRows]:
        """The golden rows of each task with their scores, as `from_files` compares them.

        Args:
            rows: By task, (G, features and target features).
            segments: By task, (G,) positions in SEGMENTS.
        """
        golden: dict[str, GoldenRows] = {}
        for task in TASKS:
            median, same = self._scores(task, rows[task], segments[task])
            golden[task] = {
                "rows": rows[task].tolist(),
                "segments": segments[task].tolist(),
                "median": median.tolist(),
                "same": same.tolist(),
            }
        return golden

    def _forecast_cities(
        self, history: History, history_features: PriceHistoryFeatures, task_name: Task, windows: list[Window]
    ) -> Columns:
        task, chosen = self.tasks[task_name], history.forecast_indices
        shape = (len(windows), len(chosen))
        window_distance = np.array([window.distance for window in windows])[:, None]
        distance = np.repeat(window_distance, shape[1], axis=1)
        rows = with_target(np.broadcast_to(history_features.features[-1][chosen], (*shape, len(FEATURES))), distance)
        segments = np.tile(history.segments[chosen], shape[0])
        chances = task.chances(rows.reshape(-1, rows.shape[-1]), segments)
        flat_distance = distance.ravel()
        structural = task.structural_change(
            history_features, history.segments, history.in_market, np.repeat(window_distance, len(history.series), axis=1)
        )[:, chosen].ravel()
        offsets = _city_offsets(task, chances, structural, flat_distance, segments)
        up, same, down = direction_chances(chances)
        columns = window_columns(
            windows,
            history.dates,
            tuple(history.series[index] for index in chosen),
            history.prices[:, chosen],
            history_features.last_price[-1][chosen],
            {name: offset.reshape(shape) for name, offset in offsets.items()},
        )
        columns |= {
            "level": np.full(flat_distance.size, "city"),
            "distance": flat_distance,
            "trust": task.model_weight_at(flat_distance),
            "p_up": up,
            "p_same": same,
            "p_down": down,
        }
        has_price = np.isfinite(columns["last_price"])
        return {name: values[has_price] for name, values in columns.items()}

    def _scores(self, task_name: Task, rows: NDArray[np.float32], segments: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Median change (MXN/l) and chance of no change of some rows, (R,) each."""
        task = self.tasks[task_name]
        chances = task.chances(rows, segments)
        median = task.bins.quantiles(chances, rows[:, len(FEATURES)].astype(float), np.array(0.5))
        return median, direction_chances(chances)[1]

    def _prove(self) -> None:
        for task in TASKS:
            golden = self.document["golden"][task]
            rows = np.asarray(golden["rows"], dtype=np.float32).reshape(-1, len(FEATURES) + len(TARGET_FEATURES))
            median, same = self._scores(task, rows, np.asarray(golden["segments"], dtype=np.intp))
            for name, actual, expected in (("median", median, golden["median"]), ("same", same, golden["same"])):
                difference = float(np.max(np.abs(actual - np.asarray(expected)), initial=0.0))
                if not difference <= GOLDEN_TOLERANCE:
                    raise BundleError(
                        f"golden rows of task {task}: {name} differs by {difference:.6f}, allowed {GOLDEN_TOLERANCE}: "
                        "the booster or this release is not the one the bundle was made with"
                    )


def read_model_document(files: Mapping[str, bytes]) -> ModelDocument:
    """Parse MODEL_FILE, in the current format or an earlier one.

    Raises:
        BundleError: It is missing, is not JSON, has an unknown format, or asks for features that this release does not compute.
    """
    if MODEL_FILE not in files:
        raise BundleError(f"the bundle has no {MODEL_FILE}; it holds {sorted(files) or 'nothing'}")
    try:
        stored = json.loads(files[MODEL_FILE])
    except ValueError as error:
        raise BundleError(f"{MODEL_FILE} is not JSON: {error}") from error
    document = current_model_document(stored) if isinstance(stored, dict) else {}
    if document.get("format") != MODEL_FORMAT:
        raise BundleError(f"{MODEL_FILE} is not of format {MODEL_FORMAT} or 1: score it with the release that wrote it")
    expected = [*FEATURES, *TARGET_FEATURES]
    if document.get("features") != expected or document.get("segments") != list(SEGMENTS):
        raise BundleError(
            f"{MODEL_FILE} asks for features {document.get('features')}, this release computes {expected}: train the model again"
        )
    return cast(ModelDocument, document)


def _city_offsets(
    task: TaskModel, chances: Floats, structural: Floats, distance: Floats, segments: NDArray[np.intp]
) -> dict[str, Floats]:
    """Changes from the last price of forecast and interval ends, (R,) MXN/l each."""
    median = task.bins.quantiles(chances, distance, np.array(0.5))
    change = task.model_weight_at(distance) * task.change(median, structural)
    shift = upper_end_shift(structural)
    offsets: dict[str, Floats] = {"forecast": change}
    for name, levels in (("80", task.level80), ("95", task.level95)):
        level = task.coverage_level_at(levels, distance, segments)
        low = task.bins.quantiles(chances, distance, (1 - level) / 2)
        high = task.bins.quantiles(chances, distance, (1 + level) / 2) + shift
        offsets |= {f"lo{name}": np.minimum(low, change), f"hi{name}": np.maximum(high, change)}
    return offsets
