"""Monitoring benchmark on the real prices: false alarms, price jumps, and the effect of the quarantine on forecasts.

Belongs here: the figures in docs/monitoring.md. Run `python -m benchmarks.monitoring` with MILK_SHARED set. Ratios compare forecasts of
the same run and origins; seconds are CPU time.
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
from milk_assets.monitoring.detection.live_accuracy import alarm_history, breaches
from milk_assets.monitoring.detection.market_drift import drift_report, repeated_breaches
from milk_assets.monitoring.detection.quarantine import LARGEST_JUMP, quarantine
from milk_assets.sniim.workbook import Workbook, read_workbook

FIRST_ORIGIN, REFIT_ORIGINS = 50, 13  # row of the first origin; origins between two fits
QUIET_PUBLICATIONS = 120
JUMP_LIMITS = (0.10, LARGEST_JUMP, 0.20, 0.25)
PRINTED_LEADS = {"publication": (1, 3, 6, 13, 26), "month": (0, 1, 3, 6)}


def main() -> None:
    """Print all figures."""
    shared = Path(os.environ.get("MILK_SHARED") or Path(__file__).parents[2] / "shared")
    book = read_workbook(shared / "sniim" / "Leche31032025.xlsx")
    panel = build_panel(book.prices, book.averages)
    days = panel.dates[FIRST_ORIGIN:-1]
    baseline = backtest(panel, {"ours": Hyperparameters()}, days, refit_every=REFIT_ORIGINS, workers=1)
    count_jumps(book)
    compare_training(book, panel, days, baseline)
    compare_forecasting(book, panel, days, baseline)
    count_false_alarms(book, baseline)
    measure_cost(book)


def count_jumps(book: Workbook) -> None:
    """Number of prices in quarantine, and how they were resolved."""
    print(f"\nPrices in quarantine, of {book.prices['price'].notna().sum():,}")
    for largest in JUMP_LIMITS:
        reasons = quarantine(book.prices, largest).held["reason"].value_counts()
        print(f"  beyond {largest:.0%}: " + ", ".join(f"{count} {reason}" for reason, count in reasons.items()))


def compare_training(book: Workbook, panel: Panel, days: np.ndarray, baseline: pd.DataFrame) -> None:
    """Error with the quarantine in training only, relative to none. Each fit sees the data as known on its day."""
    parts = []
    for start in range(0, len(days), REFIT_ORIGINS):
        model = Model.fit(_trusted_panel(book, days[start]), Hyperparameters(), workers=1)
        parts += [model.predict(panel.until(day)) for day in days[start : start + REFIT_ORIGINS]]
    _print_ratio("the quarantine in training (as the platform does)", baseline, pd.concat(parts))


def compare_forecasting(book: Workbook, panel: Panel, days: np.ndarray, baseline: pd.DataFrame) -> None:
    """Error with the quarantine also in the prices that forecasts start from, relative to none."""
    vintages = {day: _trusted_panel(book, day) for day in days}
    frame = backtest(panel, {"ours": Hyperparameters()}, days, refit_every=REFIT_ORIGINS, vintages=vintages, workers=1)
    _print_ratio("the quarantine in forecasting too (the platform does not)", baseline, frame)


def _trusted_panel(book: Workbook, day: np.datetime64) -> Panel:
    prices = book.prices[book.prices["publication"] <= pd.Timestamp(day)]
    return build_panel(quarantine(prices).prices, book.averages[book.averages["publication"] <= pd.Timestamp(day)])


def _print_ratio(name: str, baseline: pd.DataFrame, other: pd.DataFrame) -> None:
    keys = ["task", "lead", "origin", "target", "series"]
    both = baseline[baseline["level"] == "city"].merge(other[[*keys, "forecast"]], on=keys, suffixes=("", "_other"))
    errors = {column: (both[column] - both["actual"]).abs() for column in ("forecast", "forecast_other")}
    means = both[keys].assign(**errors).groupby(["task", "lead", "target"])[list(errors)].mean().groupby(["task", "lead"]).mean()
    ratio = means["forecast_other"] / means["forecast"]
    print(f"\nError with {name}, relative to no quarantine")
    for task, leads in PRINTED_LEADS.items():
        print(f"  {task:<12}" + "  ".join(f"{lead}: {ratio[task, lead]:.4f}" for lead in leads))


def count_false_alarms(book: Workbook, baseline: pd.DataFrame) -> None:
    """False alarms of the two statistical rules over the newest publications."""
    record = baseline.assign(role="champion", model_version="1")
    days = sorted(book.prices["publication"].unique())[-QUIET_PUBLICATIONS:]
    alarms_by_day = alarm_history(record)
    drifting = repeated_breaches(book.prices).loc[days]
    print(f"\nOver the {QUIET_PUBLICATIONS} newest publications")
    print(f"  drift: {int((drifting & ~drifting.shift(fill_value=False)).sum().sum())} alarms")
    print(f"  live accuracy: {sum(bool(alarms_by_day.get(day)) for day in days)} alarms, {len(breaches(record))} single breaches")


def measure_cost(book: Workbook) -> None:
    """CPU time of the verdicts on one publication without Evidently, and on the whole past."""
    for name, run in (
        ("one publication's drift", lambda: drift_report(book.prices, book.newest, evidence=False)),
        ("the drift of the whole past", lambda: repeated_breaches(book.prices)),
        ("one quarantine", lambda: quarantine(book.prices)),
    ):
        start = time.process_time()
        run()
        print(f"  {name}: {time.process_time() - start:.2f} s")


if __name__ == "__main__":
    main()
