"""The backtest: what each model would have said, origin by origin, and what came.

Belongs here: rolling the origin, refitting, and joining forecasts with what was published. Scores are made from its table
elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from milk_assets.forecasting.evaluation.outcomes import Outcomes, month_ends
from milk_assets.forecasting.hyperparameters import Recipe
from milk_assets.forecasting.model import Model
from milk_assets.forecasting.panel import Panel
from milk_assets.forecasting.training.baseline import baseline
from milk_assets.forecasting.training.fitting import fit

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
    every_month: bool = False,
) -> pd.DataFrame:
    """Forecasts of each model at each origin beside what was published later, in COLUMNS.

    panel: everything known now; only actual prices are taken from its later part. models: a recipe a name, None for the baseline.
    origins: publication dates, rolled in order. refit_every: origins between fits; in between the model stays and its inputs move
    on. vintages: panels as they were known on a date, where there are any; else the panel cut at the origin. on_progress: blocks
    done, all. Months ahead are forecast at a month's last publication, the running month at all others; every_month: all months at
    every origin.
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
    outcomes = Outcomes.of(panel)
    done = 0

    def run(block: tuple[str, Recipe | None, Any]) -> pd.DataFrame:
        nonlocal done
        name, recipe, chosen = block
        frame = _block(panel, recipe, chosen, vintages or {}, outcomes, every_month)
        done += 1
        if on_progress:
            on_progress(done, len(blocks))
        return frame.assign(model=name)

    with ThreadPoolExecutor(max(workers, 1)) as pool:
        frames = list(pool.map(run, blocks))
    result = pd.concat(frames, ignore_index=True)
    return result.sort_values(["model", "task", "lead", "origin", "series"], ignore_index=True)[list(COLUMNS)]


def _block(
    panel: Panel, recipe: Recipe | None, days: Any, vintages: Vintages, outcomes: Outcomes, every_month: bool
) -> pd.DataFrame:
    import pandas as pd

    model: Model | None = None
    frames = []
    for day in days:
        known = vintages[day] if day in vintages else panel.until(day)
        if model is None:
            model = baseline(known) if recipe is None else fit(known, recipe, workers=1)
        frame = model.forecast(known)
        if not every_month:
            ahead = frame["lead"] > 0
            frame = frame[(frame["task"] != "month") | (ahead if month_ends(known.origin) else ~ahead)]
        frames.append(outcomes.joined(frame))
    return pd.concat(frames, ignore_index=True)
