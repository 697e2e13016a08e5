"""Backtest: what each model would have forecast, origin by origin, together with the prices published later.

Belongs here: rolling the origin, refitting, and joining forecasts with the actual prices. Not here: scores of its table, see `scores`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from milk_assets.forecasting.evaluation.outcomes import Outcomes, month_ends
from milk_assets.forecasting.hyperparameters import Hyperparameters
from milk_assets.forecasting.model import FORECAST_COLUMNS, Model
from milk_assets.forecasting.panel import Panel
from milk_model.targets import Dates

if TYPE_CHECKING:
    import pandas as pd

# Origins between two fits, about a month: refitting weekly costs four times as much and changes ratios by less than half a point. The
# promotion gate uses a longer interval for reasons of its own, see `milk_assets.promotion.policy`.
DEFAULT_ORIGINS_PER_FIT = 13
BACKTEST_COLUMNS = ["model", *(name for name in FORECAST_COLUMNS if name != "last_date"), "actual"]
Vintages = Mapping[np.datetime64, Panel]


def backtest(
    panel: Panel,
    models: Mapping[str, Hyperparameters | None],
    origins: Sequence[Any],
    refit_every: int = DEFAULT_ORIGINS_PER_FIT,
    vintages: Vintages | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    workers: int = 2,
    every_month: bool = False,
) -> pd.DataFrame:
    """Forecasts of each model at each origin, with the prices that were published later.

    Args:
        panel: Everything known now. Only actual prices are taken from after an origin.
        models: Name of a model → its hyperparameters, or None for the no-change baseline.
        origins: Publication dates.
        refit_every: Origins between two fits. In between, the model stays and its inputs move on.
        vintages: Panels as they were known on a date. For other dates the panel is cut at the origin.
        on_progress: Called with the number of finished blocks and of all blocks; a block is one fit of one model.
        workers: Threads.
        every_month: Forecast all months at every origin. By default months ahead are forecast at a month's last publication, and the
            running month at all other origins.

    Returns:
        BACKTEST_COLUMNS, one row per model, task, lead, origin and series whose target is known; prices in MXN/l.

    Raises:
        ValueError: An origin is not a publication of the panel, or is too early to fit a model.
    """
    import pandas as pd

    days = _checked_origins(panel, origins)
    blocks = []
    for start in range(0, len(days), refit_every):
        blocks += [(name, hyperparameters, days[start : start + refit_every]) for name, hyperparameters in models.items()]
    outcomes = Outcomes.from_panel(panel)
    finished_count = 0

    def run(block: tuple[str, Hyperparameters | None, Dates]) -> pd.DataFrame:
        nonlocal finished_count
        name, hyperparameters, block_days = block
        frame = _forecast_block(panel, hyperparameters, block_days, vintages or {}, outcomes, every_month)
        finished_count += 1
        if on_progress:
            on_progress(finished_count, len(blocks))
        return frame.assign(model=name)

    with ThreadPoolExecutor(max(workers, 1)) as pool:
        frames = list(pool.map(run, blocks))
    result = pd.concat(frames, ignore_index=True)
    return result.sort_values(["model", "task", "lead", "origin", "series"], ignore_index=True)[BACKTEST_COLUMNS]


def _checked_origins(panel: Panel, origins: Sequence[Any]) -> Dates:
    days = np.unique(np.array([np.datetime64(day, "D") for day in origins]))
    unknown = days[~np.isin(days, panel.dates)]
    if len(unknown) or not len(days):
        raise ValueError(
            f"origins must be publications of the panel ({panel.dates[0]} to {panel.origin}), got {unknown[:3] or 'none'}"
        )
    return days


def _forecast_block(
    panel: Panel,
    hyperparameters: Hyperparameters | None,
    days: Dates,
    vintages: Vintages,
    outcomes: Outcomes,
    every_month: bool,
) -> pd.DataFrame:
    """Fit at the first of some origins and forecast from each of them."""
    import pandas as pd

    model: Model | None = None
    frames = []
    for day in days:
        panel_at_origin = vintages[day] if day in vintages else panel.until(day)
        if model is None:
            model = _fit(panel_at_origin, hyperparameters)
        frame = model.predict(panel_at_origin)
        if not every_month:
            frame = _without_other_months(frame, panel_at_origin.origin)
        frames.append(outcomes.join_actual(frame))
    return pd.concat(frames, ignore_index=True)


def _fit(panel: Panel, hyperparameters: Hyperparameters | None) -> Model:
    if hyperparameters is None:
        return Model.fit_baseline(panel)
    return Model.fit(panel, hyperparameters, workers=1)


def _without_other_months(frame: pd.DataFrame, origin: np.datetime64) -> pd.DataFrame:
    """Only months ahead at a month's last publication, only the running month at other origins; publications are all returned."""
    is_ahead = frame["lead"] > 0
    return frame[(frame["task"] != "month") | (is_ahead if month_ends(origin) else ~is_ahead)]
