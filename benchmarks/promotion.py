"""The gate on real prices: how often an equal model is promoted, and how often a better one.

    python -m benchmarks.promotion --workbook Leche31032025.xlsx [--decisions 204]

Belongs here: decisions of the product's own gate on resampled dates. Dates are drawn in blocks, which keeps the correlation between
neighbouring dates. Not here: a year of consecutive decisions (`benchmarks.history`).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from milk_assets.forecasting.evaluation.backtest import backtest
from milk_assets.forecasting.hyperparameters import Hyperparameters
from milk_assets.forecasting.panel import Panel, build_panel
from milk_assets.promotion.evidence import BASELINE, CHALLENGER, CHAMPION, KEYS, SUMS, Evidence, gather
from milk_assets.promotion.gate import GateInputs, decide
from milk_assets.promotion.ledger.state import ContenderHistory
from milk_assets.promotion.policy import HORIZONS, REFIT_EVERY, Policy
from milk_assets.sniim.workbook import read_workbook

BLOCK_DATES = 13  # consecutive dates drawn together: a month of publications
WEEK_DATES = 3  # publications between two weekly decisions
FIRST_ORIGIN = 40  # publications before the first origin of the backtest
SEEDS = (11, 12, 13, 14)
GAINS = (0.0, 0.02, 0.05, 0.10)


def daily(table: pd.DataFrame, policy: Policy) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Evidence of every date, by date and by date and state, to draw dates from."""
    all_dates = replace(policy, dates=10_000)
    evidence = gather(table, all_dates)
    states = []
    for target, rows in table[(table.task == "publication") & table.lead.isin(HORIZONS)].groupby("target"):
        by_state = gather(rows, all_dates).by_state
        states.append(by_state.assign(date=f"{target:%Y-%m-%d}"))
    return evidence.by_date, pd.concat(states, ignore_index=True)


def resampled(by_date: pd.DataFrame, states: pd.DataFrame, chosen: list[str], policy: Policy) -> Evidence:
    """Evidence of the drawn dates, in their order and under new dates, because a date may be drawn more than once."""
    new_dates = pd.DataFrame({"date": chosen, "as": [str(date(2030, 1, 1) + timedelta(days=n)) for n in range(len(chosen))]})
    rows = new_dates.merge(by_date, on="date").drop(columns="date").rename(columns={"as": "date"})
    newest = rows.groupby(["task", "lead"]).date.rank(method="dense", ascending=False) <= policy.dates
    by_state = new_dates.merge(states, on="date").groupby(["model", "state"], as_index=False)[["n", "error"]].sum()
    return Evidence(rows[newest][[*KEYS, *SUMS]], by_state)


def improved(table: pd.DataFrame, gain: float) -> pd.DataFrame:
    """Forecasts moved toward the published price, so that every error is smaller by a share."""
    return table.assign(forecast=table.forecast + gain * (table.actual - table.forecast))


def decide_between_equals(panel: Panel, decisions: int) -> None:
    """Two weekly decisions between equal models with different seeds, on resampled dates; then with one of them improved."""
    policy, random = Policy(), np.random.default_rng(2025)
    origins = list(panel.dates[FIRST_ORIGIN:])
    models: dict[str, Hyperparameters | None] = {f"seed {seed}": replace(Hyperparameters(), seed=seed) for seed in SEEDS}
    started = time.perf_counter()
    table = backtest(panel, models | {BASELINE: None}, origins, REFIT_EVERY, every_month=True)
    print(f"{len(origins)} origins and {len(models)} seeds backtested in {time.perf_counter() - started:.0f} s")
    pairs = [(a, b) for a in models for b in models if a != b]
    for gain in GAINS:
        pools = {}
        for a, b in pairs:
            parts = [
                table[table.model == a].assign(model=CHAMPION),
                improved(table[table.model == b], gain).assign(model=CHALLENGER),
            ]
            pools[a, b] = daily(pd.concat([*parts, table[table.model == BASELINE]]), policy)
        passed_once = promoted = 0
        for n in range(decisions):
            by_date, states = pools[pairs[n % len(pairs)]]
            dates = sorted(by_date.date[(by_date.task == "publication") & (by_date.lead == max(HORIZONS))].unique())
            starts = random.integers(0, len(dates) - BLOCK_DATES + 1, size=-(-(policy.dates + WEEK_DATES) // BLOCK_DATES))
            chosen = [day for start in starts for day in dates[start : start + BLOCK_DATES]][: policy.dates + WEEK_DATES]
            passed = []
            for week in (0, 1):
                evidence = resampled(by_date, states, chosen[week * WEEK_DATES : week * WEEK_DATES + policy.dates], policy)
                day = date(2031, 1, 1) + timedelta(days=7 * week)
                history = ContenderHistory(passed_on=(day - timedelta(days=7),) if week and passed[0] else ())
                decision = decide(evidence, inputs_that_pass(day), history, policy)
                passed.append(decision.passed)
            passed_once += passed[0]
            promoted += decision.verdict == "promote"
        print(
            f"challenger {gain:4.0%} better: passes one decision {passed_once / decisions:6.1%}, "
            f"is promoted after two {promoted / decisions:6.1%} of {decisions}"
        )


def inputs_that_pass(day: date) -> GateInputs:
    """Inputs with which all rules hold, so that only errors decide."""
    return GateInputs(day, "twin", True, True, True, date(2024, 1, 1), 15.0, 45.0, True, Policy().shadow_publications, 1.0)


def main() -> None:
    """Print how often models of each kind were promoted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workbook", type=Path, required=True)
    parser.add_argument("--decisions", type=int, default=204)
    options = parser.parse_args()
    workbook = read_workbook(options.workbook)
    decide_between_equals(build_panel(workbook.prices, workbook.averages), options.decisions)


if __name__ == "__main__":
    main()
