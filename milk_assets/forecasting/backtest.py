"""The backtest: what each model would have said, origin by origin, and what came.

Belongs here: rolling the origin, refitting, and joining forecasts with what was published. Scores are made from its table
elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from milk_assets.forecasting.baseline import baseline
from milk_assets.forecasting.fitting import fit
from milk_assets.forecasting.model import Model, expected_dates
from milk_assets.forecasting.panel import Panel
from milk_assets.forecasting.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd

REFIT_EVERY = 13  # publications, a month: refitting weekly costs four times as much and changes ratios by less than half a point
COLUMNS = (
    *("model", "task", "lead", "origin", "target", "series", "state", "city", "milk", "channel", "level", "actual", "no_change"),
    *("forecast", "lo80", "hi80", "lo95", "hi95", "p_up", "p_same", "p_down", "trust", "last_price"),
)
Vintages = Mapping[np.datetime64, Panel]


def backtest(
    panel: Panel,
    models: Mapping[str, Recipe | None],
    origins: Sequence[Any],
    refit_every: int = REFIT_EVERY,
    vintages: Vintages | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    workers: int = 2,
) -> pd.DataFrame:
    """Forecasts of each model at each origin beside what was published later, in COLUMNS.

    panel: everything known now; only actual prices are taken from its later part. models: a recipe a name, None for the baseline.
    origins: publication dates, rolled in order. refit_every: origins between fits; in between the model stays and its inputs move
    on. vintages: panels as they were known on a date, where there are any; else the panel cut at the origin. on_progress: blocks
    done, all. Months ahead are forecast at a month's last publication, the running month at all others.
    Raises ValueError on an origin that is no publication, or too early to fit.
    """
    import pandas as pd

    days = np.unique(np.array([np.datetime64(day, "D") for day in origins]))
    unknown = days[~np.isin(days, panel.dates)]
    if len(unknown) or not len(days):
        raise ValueError(
            f"origins must be publications of the panel ({panel.dates[0]} to {panel.origin}), got {unknown[:3] or 'none'}"
        )
    blocks = [
        (name, recipe, days[i : i + refit_every]) for i in range(0, len(days), refit_every) for name, recipe in models.items()
    ]
    truth = _Truth(panel)
    done = 0

    def run(block: tuple[str, Recipe | None, Any]) -> pd.DataFrame:
        nonlocal done
        name, recipe, chosen = block
        frame = _block(panel, recipe, chosen, vintages or {}, truth)
        done += 1
        if on_progress:
            on_progress(done, len(blocks))
        return frame.assign(model=name)

    with ThreadPoolExecutor(max(workers, 1)) as pool:
        frames = list(pool.map(run, blocks))
    result = pd.concat(frames, ignore_index=True)
    return result.sort_values(["model", "task", "lead", "origin", "series"], ignore_index=True)[list(COLUMNS)]


def _block(panel: Panel, recipe: Recipe | None, days: Any, vintages: Vintages, truth: _Truth) -> pd.DataFrame:
    import pandas as pd

    model: Model | None = None
    frames = []
    for day in days:
        known = vintages[day] if day in vintages else panel.until(day)
        if model is None:
            model = baseline(known) if recipe is None else fit(known, recipe, workers=1)
        expected = expected_dates(known.origin)
        frames.append(truth.joined(model.forecast(known, expected), month_ended=_month_ends(known.origin, expected)))
    return pd.concat(frames, ignore_index=True)


def _month_ends(origin: np.datetime64, expected: Any) -> bool:
    return bool(expected[0].astype("datetime64[M]") > origin.astype("datetime64[M]"))


class _Truth:
    """What was published: by date, and by whole month."""

    def __init__(self, panel: Panel) -> None:
        values = np.hstack([panel.prices, panel.averages])
        self.columns = {key: place for place, key in enumerate((*panel.names.series, *panel.average_names.series))}
        self.dates = panel.dates.astype("datetime64[D]")
        months = self.dates.astype("datetime64[M]")
        whole = np.unique(months)
        if not _month_ends(panel.origin, expected_dates(panel.origin)):
            whole = whole[:-1]
        self.months = whole.astype("datetime64[D]")
        self.values = values
        self.means = np.full((len(whole), values.shape[1]), np.nan)
        for row, month in enumerate(whole):
            part = values[months == month]
            number = np.isfinite(part).sum(axis=0)
            self.means[row] = np.where(number > 0, np.nansum(part, axis=0) / np.maximum(number, 1), np.nan)

    def joined(self, frame: pd.DataFrame, month_ended: bool) -> pd.DataFrame:
        """The forecasts whose outcome is known, with it."""
        monthly = frame["task"] == "month"
        wanted = ~monthly | ((frame["lead"] > 0) if month_ended else (frame["lead"] == 0))
        frame = frame[wanted]
        place = frame["series"].map(self.columns).to_numpy()
        target = frame["target"].to_numpy().astype("datetime64[D]")
        by_month, by_date = (
            _look_up(keys, values, target, place) for keys, values in ((self.months, self.means), (self.dates, self.values))
        )
        joined = frame.assign(actual=np.where(monthly[wanted], by_month, by_date))
        return joined.dropna(subset=["actual"])


def _look_up(keys: Any, values: Any, wanted: Any, place: Any) -> Any:
    """Rows of `values` by key, NaN where there is none."""
    if not len(keys):
        return np.full(len(wanted), np.nan)
    row = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[row] == wanted, values[row, place], np.nan)
