"""The gate on real prices: how often twins are told apart, and how often a better model is found.

    python -m benchmarks.promotion --workbook Leche31032025.xlsx [--decisions 204]

Belongs here: decisions of the product's own gate on drawn dates. Dates are drawn in blocks, so that what is alike from date to date stays
together. What a year of decisions was worth is `history`'s.
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
from milk_assets.promotion.gate import Facts, decide
from milk_assets.promotion.policy import HORIZONS, REFIT_EVERY, Policy
from milk_assets.promotion.state import Standing
from milk_assets.sniim.workbook import read_workbook

BLOCK = 13  # dates drawn together: a month of publications
WEEK = 3  # publications between two weekly decisions
FIRST = 40  # publications before the first origin that is judged
SEEDS = (11, 12, 13, 14)
GAINS = (0.0, 0.02, 0.05, 0.10)


def daily(table: pd.DataFrame, policy: Policy) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Evidence of every date there is, by date and by date x state, for drawing from."""
    every = replace(policy, dates=10_000)
    whole = gather(table, every)
    states = []
    for target, rows in table[(table.task == "publication") & table.lead.isin(HORIZONS)].groupby("target"):
        found = gather(rows, every).by_state
        states.append(found.assign(date=f"{target:%Y-%m-%d}"))
    return whole.by_date, pd.concat(states, ignore_index=True)


def drawn(by_date: pd.DataFrame, states: pd.DataFrame, chosen: list[str], policy: Policy) -> Evidence:
    """Evidence of some dates, in the order drawn, under made-up dates: one may come more than once."""
    made = pd.DataFrame({"date": chosen, "as": [str(date(2030, 1, 1) + timedelta(days=n)) for n in range(len(chosen))]})
    rows = made.merge(by_date, on="date").drop(columns="date").rename(columns={"as": "date"})
    newest = rows.groupby(["task", "lead"]).date.rank(method="dense", ascending=False) <= policy.dates
    in_states = made.merge(states, on="date").groupby(["model", "state"], as_index=False)[["n", "error"]].sum()
    return Evidence(rows[newest][[*KEYS, *SUMS]], in_states)


def better(table: pd.DataFrame, gain: float) -> pd.DataFrame:
    """Forecasts moved toward what came, so that every error is smaller by a share."""
    return table.assign(forecast=table.forecast + gain * (table.actual - table.forecast))


def twins(panel: Panel, decisions: int) -> None:
    """Two weekly decisions between equal recipes of other seeds, on drawn dates; then with one of them made better."""
    policy, random = Policy(), np.random.default_rng(2025)
    origins = list(panel.dates[FIRST:])
    models: dict[str, Hyperparameters | None] = {f"seed {seed}": replace(Hyperparameters(), seed=seed) for seed in SEEDS}
    begun = time.perf_counter()
    table = backtest(panel, models | {BASELINE: None}, origins, REFIT_EVERY, every_month=True)
    print(f"{len(origins)} origins x {len(models)} seeds backtested in {time.perf_counter() - begun:.0f} s")
    pairs = [(a, b) for a in models for b in models if a != b]
    for gain in GAINS:
        pools = {}
        for a, b in pairs:
            parts = [
                table[table.model == a].assign(model=CHAMPION),
                better(table[table.model == b], gain).assign(model=CHALLENGER),
            ]
            pools[a, b] = daily(pd.concat([*parts, table[table.model == BASELINE]]), policy)
        once = promoted = 0
        for n in range(decisions):
            by_date, states = pools[pairs[n % len(pairs)]]
            dates = sorted(by_date.date[(by_date.task == "publication") & (by_date.lead == max(HORIZONS))].unique())
            starts = random.integers(0, len(dates) - BLOCK + 1, size=-(-(policy.dates + WEEK) // BLOCK))
            chosen = [day for start in starts for day in dates[start : start + BLOCK]][: policy.dates + WEEK]
            passed = []
            for week in (0, 1):
                evidence = drawn(by_date, states, chosen[week * WEEK : week * WEEK + policy.dates], policy)
                day = date(2031, 1, 1) + timedelta(days=7 * week)
                standing = Standing(passed_on=(day - timedelta(days=7),) if week and passed[0] else ())
                decision = decide(evidence, nothing_wrong(day), standing, policy)
                passed.append(decision.passed)
            once += passed[0]
            promoted += decision.verdict == "promote"
        print(
            f"challenger {gain:4.0%} better: passes one decision {once / decisions:6.1%}, "
            f"is promoted after two {promoted / decisions:6.1%} of {decisions}"
        )


def nothing_wrong(day: date) -> Facts:
    """Facts with which nothing is wrong: here only errors decide."""
    return Facts(day, "twin", True, True, True, date(2024, 1, 1), 15.0, 45.0, True, Policy().shadow_publications, 1.0)


def main() -> None:
    """Print how many of each kind were promoted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workbook", type=Path, required=True)
    parser.add_argument("--decisions", type=int, default=204)
    options = parser.parse_args()
    book = read_workbook(options.workbook)
    twins(build_panel(book.prices, book.averages), options.decisions)


if __name__ == "__main__":
    main()
