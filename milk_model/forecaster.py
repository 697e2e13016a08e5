"""The forecaster: the one way a model's files are read and scored, batch and online alike.

Belongs here: reading a bundle, proving it on its golden rows, and turning a price history into forecasts; numpy and xgboost only.
Fitting, the calendar and data frames belong to the platform.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from milk_model.averages import AverageTask, average_forecasts
from milk_model.bundle import BundleError
from milk_model.distribution import Bins, directions
from milk_model.drift import Structure
from milk_model.features import FEATURES, TARGET_FEATURES, Floats, Known, known_at, with_target
from milk_model.forecast_columns import Columns, window_columns
from milk_model.targets import Dates, Task, Window, windows_from
from milk_model.xgboost_native import load_booster

MODEL = "model.json"
FORMAT = 1  # raised when an old reader would score a new bundle wrongly
TASKS: tuple[Task, ...] = get_args(Task)
SEGMENTS = ("pasteurised/store", "pasteurised/supermarket", "uht/store", "uht/supermarket")
GOLDEN_TOLERANCE = 1e-4  # MXN/l and chances: boosters score in float32, and a hundredth of a centavo moves no forecast


@dataclass(frozen=True)
class History:
    """Prices as known at an origin, the last of `dates`.

    dates: (T,) datetime64[D], in order. series: (N,) keys "state/city/milk/channel". prices: (T, N) MXN/l, NaN where none was
    published. average_series: (K,) keys of the national averages; averages: (T, K). counted: (N,) which series make up the market;
    those that do not are scored against it, they alone, and leave it as it is. When not given, all make it up and all are scored.
    """

    dates: Dates
    series: tuple[str, ...]
    prices: Floats
    average_series: tuple[str, ...] = ()
    averages: Floats | None = None
    counted: NDArray[np.bool_] | None = None

    @cached_property
    def segments(self) -> NDArray[np.intp]:
        """The place of each series' milk x channel in SEGMENTS, (N,). Raises ValueError on one that is not there."""
        return segment_codes(self.series)

    @cached_property
    def asked(self) -> NDArray[np.intp]:
        """The places of the series that are to be forecast."""
        return np.arange(len(self.series)) if self.counted is None else np.flatnonzero(~self.counted)


def segment_codes(series: tuple[str, ...]) -> NDArray[np.intp]:
    """The place of each series' milk x channel in SEGMENTS.

    Raises ValueError on one that is not there: a category nobody knows would be scored as another.
    """
    place = {name: code for code, name in enumerate(SEGMENTS)}
    names = [key.split("/", 2)[-1] for key in series]
    unknown = sorted(set(names) - place.keys())
    if unknown:
        raise ValueError(f"series keys must end in one of {SEGMENTS}, got {unknown[:3]}")
    return np.array([place[name] for name in names], dtype=np.intp)


def upper_rise(structural: Floats) -> Floats:
    """How far upper ends of intervals move with the structure, MXN/l. Lower ends stay, lest a series that rests falls out."""
    return np.maximum(structural, 0.0)


@dataclass(frozen=True)
class TaskModel:
    """What a model knows about one task.

    booster: chances of the bins from features, or None: then `table` (distances x segments x bins) holds them. blend: share of
    the structure in the model's change, the rest being the median. dead_zone: changes smaller than this (MXN/l) are forecast as
    none. knots: distances, in publications, at which trust (K,) and the two levels
    (K, segments) are known; between them they are interpolated.
    """

    bins: Bins
    booster: Any
    table: Floats | None
    structure: Structure | None
    blend: float
    dead_zone: float
    knots: Floats
    trust: Floats
    level80: Floats
    level95: Floats

    def chances(self, rows: NDArray[np.float32], segments: NDArray[np.intp]) -> Floats:
        """Chances of the bins, (R, BINS). rows: (R, features and target features). segments: (R,)."""
        if self.booster is not None:
            return np.asarray(self.booster.inplace_predict(rows), dtype=float)
        if self.table is None:
            raise BundleError(f"{MODEL} gives a task neither a booster nor a table: export the model again")
        distance = rows[:, len(FEATURES)]
        place = np.interp(distance, self.knots, np.arange(len(self.knots)))
        left = np.minimum(place.astype(int), len(self.knots) - 2)
        share = (place - left)[:, None]
        return np.asarray((1 - share) * self.table[left, segments] + share * self.table[left + 1, segments])

    def structural(self, known: Known, history: History, distance: Floats) -> Floats:
        """The structural change of each window and series at the last date, (W, N) MXN/l; zeros where there is no structure."""
        if self.structure is None:
            return np.zeros_like(distance)
        drift = self.structure.drift(known, history.segments, history.counted)
        along_drift, along_room = self.structure.terms(known.features[-1], drift[-1], distance)
        return np.asarray(along_drift + along_room)

    def change(self, median: Floats, structural: Floats) -> Floats:
        """The model's change before trust, MXN/l: median and structure blended, small changes set to none."""
        mixed = (1 - self.blend) * median + self.blend * structural if self.structure else median
        return np.where(np.abs(mixed) < self.dead_zone, 0.0, mixed)

    def trust_at(self, distance: Floats) -> Floats:
        """Weight of the model against no change at some distances, (R,)."""
        return np.interp(distance, self.knots, self.trust)

    def level_at(self, levels: Floats, distance: Floats, segments: NDArray[np.intp]) -> Floats:
        """The level to ask for at some distances and segments, (R,). levels: (knots, segments)."""
        asked = np.empty(len(distance))
        for code in range(levels.shape[1]):
            members = segments == code
            asked[members] = np.interp(distance[members], self.knots, levels[:, code])
        return asked


class Forecaster:
    """A model version ready to score. Make one with `from_files`."""

    def __init__(
        self, document: Mapping[str, Any], tasks: Mapping[Task, TaskModel], averages: Mapping[Task, AverageTask]
    ) -> None:
        self.document, self.tasks, self.averages = document, tasks, averages

    @property
    def trained_through(self) -> np.datetime64:
        """The last publication the model has seen."""
        return np.datetime64(self.document["trained_through"], "D")

    @staticmethod
    def from_files(files: Mapping[str, bytes]) -> Forecaster:
        """The forecaster in a bundle's files, proven on its golden rows.

        Raises BundleError: a file is missing or unreadable, the features are not this code's, or the golden rows score otherwise.
        """
        document = _read_document(files)
        try:
            tasks = {task: _task_from(document["tasks"][task], files) for task in TASKS}
            averages = {task: AverageTask.from_dict(document["averages"][task]) for task in TASKS}
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{MODEL} lacks or misstates {error}: export the model again") from error
        forecaster = Forecaster(document, tasks, averages)
        forecaster._prove()
        return forecaster

    def forecast(self, history: History, expected: Dates) -> Columns:
        """Forecasts of every series asked for, task and lead, as equally long columns; city series first, then national averages.

        expected: (E,) publication dates after the origin, to the end of the sixth month ahead. Columns: task, lead, target,
        series, level, distance, last_price, last_date, no_change, forecast, lo80, hi80, lo95, hi95 (MXN/l), p_up, p_same, p_down,
        trust. A series without any price gets no row. Raises ValueError on an unknown segment or too few expected dates.
        """
        windows = windows_from(history.dates, expected)
        known = known_at(history.prices, history.segments, history.counted)
        parts = [self._cities(history, known, [w for w in windows if w.task == task]) for task in TASKS]
        if history.averages is not None and history.average_series:
            for task in TASKS:
                chosen = [w for w in windows if w.task == task]
                parts.append(
                    average_forecasts(self.averages[task], history.dates, history.average_series, history.averages, chosen)
                )
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def golden(self, rows: Mapping[Task, NDArray[np.float32]], segments: Mapping[Task, NDArray[np.intp]]) -> dict[str, Any]:
        """What the golden rows score, for the bundle: the same figures `from_files` compares."""
        return {
            task: {
                "rows": rows[task].tolist(),
                "segments": segments[task].tolist(),
                **self._scores(task, rows[task], segments[task]),
            }
            for task in TASKS
        }

    def _cities(self, history: History, known: Known, windows: list[Window]) -> Columns:
        task, asked = self.tasks[windows[0].task], history.asked
        shape = (len(windows), len(asked))
        ahead = np.array([w.distance for w in windows])[:, None]
        distance = np.repeat(ahead, shape[1], axis=1)
        rows = with_target(np.broadcast_to(known.features[-1][asked], (*shape, len(FEATURES))), distance)
        segments = np.tile(history.segments[asked], shape[0])
        chances = task.chances(rows.reshape(-1, rows.shape[-1]), segments)
        flat = distance.ravel()
        median = task.bins.quantiles(chances, flat, np.array(0.5))
        structural = task.structural(known, history, np.repeat(ahead, len(history.series), axis=1))[:, asked].ravel()
        trust = task.trust_at(flat)
        point, rise = trust * task.change(median, structural), upper_rise(structural)
        offsets = {"forecast": point}
        for name, levels in (("80", task.level80), ("95", task.level95)):
            level = task.level_at(levels, flat, segments)
            low = np.minimum(task.bins.quantiles(chances, flat, (1 - level) / 2), point)
            high = np.maximum(task.bins.quantiles(chances, flat, (1 + level) / 2) + rise, point)
            offsets |= {f"lo{name}": low, f"hi{name}": high}
        up, same, down = directions(chances)
        grid = {name: value.reshape(shape) for name, value in offsets.items()}
        series = tuple(history.series[place] for place in asked)
        columns = window_columns(windows, history.dates, series, history.prices[:, asked], known.last[-1][asked], grid)
        columns |= {
            "level": np.full(flat.size, "city"),
            "distance": flat,
            "trust": trust,
            "p_up": up,
            "p_same": same,
            "p_down": down,
        }
        priced = np.isfinite(columns["last_price"])
        return {name: values[priced] for name, values in columns.items()}

    def _scores(self, name: Task, rows: NDArray[np.float32], segments: NDArray[np.intp]) -> dict[str, list[float]]:
        task = self.tasks[name]
        chances = task.chances(rows, segments)
        median = task.bins.quantiles(chances, rows[:, len(FEATURES)].astype(float), np.array(0.5))
        return {"median": median.tolist(), "same": directions(chances)[1].tolist()}

    def _prove(self) -> None:
        for name in TASKS:
            golden = self.document["golden"][name]
            rows = np.asarray(golden["rows"], dtype=np.float32).reshape(-1, len(FEATURES) + len(TARGET_FEATURES))
            scores = self._scores(name, rows, np.asarray(golden["segments"], dtype=np.intp))
            for what, found in scores.items():
                worst = float(np.max(np.abs(np.asarray(found) - np.asarray(golden[what])), initial=0.0))
                if not worst <= GOLDEN_TOLERANCE:
                    raise BundleError(
                        f"golden rows of task {name}: {what} differs by {worst:.6f}, allowed {GOLDEN_TOLERANCE}: "
                        "the booster or this release is not the one the bundle was made with"
                    )


def _read_document(files: Mapping[str, bytes]) -> dict[str, Any]:
    if MODEL not in files:
        raise BundleError(f"the bundle has no {MODEL}; it holds {sorted(files) or 'nothing'}")
    try:
        document: dict[str, Any] = json.loads(files[MODEL])
    except ValueError as error:
        raise BundleError(f"{MODEL} is not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BundleError(f"{MODEL} is not of format {FORMAT}: score it with the release that wrote it")
    expected = [*FEATURES, *TARGET_FEATURES]
    if document.get("features") != expected or document.get("segments") != list(SEGMENTS):
        raise BundleError(
            f"{MODEL} asks for features {document.get('features')}, this release makes {expected}: train the model again"
        )
    return document


def _task_from(values: Mapping[str, Any], files: Mapping[str, bytes]) -> TaskModel:
    return TaskModel(
        bins=Bins.from_dict(values["bins"]),
        booster=_booster(values["booster"], files) if values["booster"] else None,
        table=None if values["table"] is None else np.asarray(values["table"], dtype=float),
        structure=Structure.from_dict(values["structure"]) if values["structure"] else None,
        blend=float(values["blend"]),
        dead_zone=float(values["dead_zone"]),
        **{name: np.asarray(values[name], dtype=float) for name in ("knots", "trust", "level80", "level95")},
    )


def _booster(name: str, files: Mapping[str, bytes]) -> Any:
    if name not in files:
        raise BundleError(f"{name} is missing from the bundle; it holds {sorted(files)}")
    return load_booster(files[name], name)
