"""What monitoring costs and is worth on the real prices: false alarms, jumps, and what holding jumps does to forecasts.

Belongs here: figures that the docs state, printed by the code that they are about. `python -m benchmarks.monitoring` with MILK_SHARED set.
Ratios are of one run and the same origins; seconds are CPU time.
"""

import os
import time
from pathlib import Path

import numpy as np
import pandas as pd

from milk_assets.forecasting.evaluation.backtest import backtest
from milk_assets.forecasting.hyperparameters import Hyperparameters
from milk_assets.forecasting.model import Model
from milk_assets.forecasting.panel import Panel, build_panel
from milk_assets.monitoring.detection.drift import drift_report, repeated_breaches
from milk_assets.monitoring.detection.live_accuracy import alarm_history, breaches
from milk_assets.monitoring.detection.quarantine import LARGEST_JUMP, quarantine
from milk_assets.sniim.workbook import Workbook, read_workbook

FIRST, REFIT = 50, 13  # row of the first origin; origins between fits
QUIET = 120
JUMPS = (0.10, LARGEST_JUMP, 0.20, 0.25)
SHOWN = {"publication": (1, 3, 6, 13, 26), "month": (0, 1, 3, 6)}


def main() -> None:
    """Print every figure."""
    shared = Path(os.environ.get("MILK_SHARED") or Path(__file__).parents[2] / "shared")
    book = read_workbook(shared / "sniim" / "Leche31032025.xlsx")
    panel = build_panel(book.prices, book.averages)
    days = panel.dates[FIRST:-1]
    plain = backtest(panel, {"ours": Hyperparameters()}, days, refit_every=REFIT, workers=1)
    jumps(book)
    learning(book, panel, days, plain)
    fed(book, panel, days, plain)
    quiet(book, plain)
    cost(book)


def jumps(book: Workbook) -> None:
    """How many prices are held, and how they were settled."""
    print(f"\nPrices held, of {book.prices['price'].notna().sum():,}")
    for largest in JUMPS:
        settled = quarantine(book.prices, largest).held["reason"].value_counts()
        print(f"  beyond {largest:.0%}: " + ", ".join(f"{count} {reason}" for reason, count in settled.items()))


def learning(book: Workbook, panel: Panel, days: np.ndarray, plain: pd.DataFrame) -> None:
    """Error with jumps kept out of training only, over error without any quarantine; each fit sees what was known on its day."""
    parts = []
    for place in range(0, len(days), REFIT):
        model = Model.fit(_believed(book, days[place]), Hyperparameters(), workers=1)
        parts += [model.predict(panel.until(day)) for day in days[place : place + REFIT]]
    _compare("kept out of training (what the platform does)", plain, pd.concat(parts))


def fed(book: Workbook, panel: Panel, days: np.ndarray, plain: pd.DataFrame) -> None:
    """The same with jumps kept out of what is forecast from as well."""
    vintages = {day: _believed(book, day) for day in days}
    frame = backtest(panel, {"ours": Hyperparameters()}, days, refit_every=REFIT, vintages=vintages, workers=1)
    _compare("kept out of forecasting too (what it does not)", plain, frame)


def _believed(book: Workbook, day: np.datetime64) -> Panel:
    known = book.prices[book.prices["publication"] <= pd.Timestamp(day)]
    return build_panel(quarantine(known).prices, book.averages[book.averages["publication"] <= pd.Timestamp(day)])


def _compare(name: str, plain: pd.DataFrame, other: pd.DataFrame) -> None:
    keys = ["task", "lead", "origin", "target", "series"]
    both = plain[plain["level"] == "city"].merge(other[[*keys, "forecast"]], on=keys, suffixes=("", "_other"))
    errors = {column: (both[column] - both["actual"]).abs() for column in ("forecast", "forecast_other")}
    means = both[keys].assign(**errors).groupby(["task", "lead", "target"])[list(errors)].mean().groupby(["task", "lead"]).mean()
    ratio = means["forecast_other"] / means["forecast"]
    print(f"\nError with jumps {name}, over error without a quarantine")
    for task, leads in SHOWN.items():
        print(f"  {task:<12}" + "  ".join(f"{lead}: {ratio[task, lead]:.4f}" for lead in leads))


def quiet(book: Workbook, plain: pd.DataFrame) -> None:
    """False alarms of the two rules that judge statistics, over the newest publications."""
    record = plain.assign(role="champion", model_version="1")
    days = sorted(book.prices["publication"].unique())[-QUIET:]
    told = alarm_history(record)
    drifting = repeated_breaches(book.prices).loc[days]
    print(f"\nOver the {QUIET} newest publications")
    print(f"  drift: {int((drifting & ~drifting.shift(fill_value=False)).sum().sum())} alarms")
    print(f"  live accuracy: {sum(bool(told.get(day)) for day in days)} alarms, {len(breaches(record))} single breaches")


def cost(book: Workbook) -> None:
    """CPU time of a publication's verdicts without Evidently, and of the whole past at once."""
    for name, work in (
        ("one publication's drift", lambda: drift_report(book.prices, book.newest, evidence=False)),
        ("the drift of the whole past", lambda: repeated_breaches(book.prices)),
        ("one quarantine", lambda: quarantine(book.prices)),
    ):
        begun = time.process_time()
        work()
        print(f"  {name}: {time.process_time() - begun:.2f} s")


if __name__ == "__main__":
    main()
