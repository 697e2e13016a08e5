"""The gate on real prices: how often twins are told apart, how often a better model is found, and what a year of decisions was worth.

    python benchmarks/promotion.py twins --workbook Leche31032025.xlsx [--decisions 200]
    python benchmarks/promotion.py history --workbook Leche31032025.xlsx [--trials 5] [--stream tuned|careless]

Belongs here: simulations around the product's own gate, floor, ledger and steps, none of which is written anew. `twins` draws dates in
blocks, so that what is alike from date to date stays together. `history` decides every week on what was known then, issues forecasts at
every publication with the version that served, and compares them with no change and with serving every candidate at once.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from milk_assets.forecasting.backtest import backtest
from milk_assets.forecasting.baseline import baseline
from milk_assets.forecasting.fitting import fit
from milk_assets.forecasting.model import Model
from milk_assets.forecasting.outcomes import Outcomes
from milk_assets.forecasting.panel import Panel, build_panel
from milk_assets.forecasting.recipe import Recipe, Trees
from milk_assets.forecasting.tuning import tune
from milk_assets.promotion.apply import Place, carry_out
from milk_assets.promotion.evidence import BASELINE, CHALLENGER, CHAMPION, KEYS, SUMS, Evidence, gather
from milk_assets.promotion.floor import judge, live_errors
from milk_assets.promotion.gate import Facts, decide
from milk_assets.promotion.ledger import Ledger
from milk_assets.promotion.policy import HORIZONS, JUDGED, REFIT_EVERY, Policy
from milk_assets.promotion.state import Served, Standing, due, fold
from milk_assets.resources.lake import Lake
from milk_assets.sniim.workbook import read_workbook

BLOCK = 13  # dates drawn together: a month of publications
WEEK = 3  # publications between two weekly decisions
FIRST = 40  # publications before the first origin that is judged
SEEDS = (11, 12, 13, 14)
GAINS = (0.0, 0.02, 0.05, 0.10)
FRIDAY = 4


# twins


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
    models: dict[str, Recipe | None] = {f"seed {seed}": replace(Recipe(), seed=seed) for seed in SEEDS}
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
                decision = decide(evidence, fine(day), standing, policy)
                passed.append(decision.passed)
            once += passed[0]
            promoted += decision.verdict == "promote"
        print(
            f"challenger {gain:4.0%} better: passes one decision {once / decisions:6.1%}, "
            f"is promoted after two {promoted / decisions:6.1%} of {decisions}"
        )


def fine(day: date) -> Facts:
    """Facts with which nothing is wrong: here only errors decide."""
    return Facts(day, "twin", True, True, True, date(2024, 1, 1), 15.0, 45.0, True, policy_shadow(), 1.0)


def policy_shadow() -> int:
    """A shadow long enough."""
    return Policy().shadow_publications


# history


@dataclass
class Versions:
    """A registry in memory, and the models behind its numbers."""

    models: list[Model] = field(default_factory=list)
    recipes: list[Recipe | None] = field(default_factory=list)
    aliases: dict[str, int] = field(default_factory=dict)

    def register(self, model: Model, recipe: Recipe | None) -> Served:
        """The next version."""
        self.models.append(model)
        self.recipes.append(recipe)
        return Served(len(self.models), f"{len(self.models):064d}", recipe is None)

    def point(self, alias: str, version: int) -> None:
        """As MLflow's."""
        self.aliases[alias] = version

    def number(self, alias: str) -> int | None:
        """As MLflow's."""
        return self.aliases.get(alias)

    def drop(self, alias: str) -> None:
        """As MLflow's."""
        self.aliases.pop(alias, None)


def history(panel: Panel, trials: int, stream: str, folder: Path) -> None:
    """Every weekly decision over the real prices, and what its consequences were worth."""
    policy, outcomes, versions = Policy(), Outcomes.of(panel), Versions()
    store = Lake(root=str(folder))
    clock = [datetime(2024, 1, 1, tzinfo=UTC)]
    place = Place(Ledger(store), store, versions, lambda _: {}, lambda _: None, lambda: clock[0], "replay")  # type: ignore[arg-type]
    needed = FIRST + policy.dates + max(HORIZONS)
    issued: dict[str, list[pd.DataFrame]] = {"gated": [], "always promote": []}
    shadow: list[tuple[str, pd.DataFrame]] = []
    newest: tuple[Served, str] | None = None  # the newest candidate and its contender
    random = np.random.default_rng(7)
    for place_of_day in range(needed, len(panel.dates)):
        day = panel.dates[place_of_day]
        known, today = panel.until(day), day.astype("datetime64[D]").item()
        clock[0] = datetime(today.year, today.month, today.day, 18, tzinfo=UTC)
        champion = fold(place.ledger.entries()).champion
        if champion is None:
            champion = versions.register(baseline(known), None)
            body = {
                "publication": str(today),
                "contender": "",
                "champion": None,
                "baseline": champion.to_document(),
                "evidence": "",
            }
            first = {"verdict": "keep", "reason": "first", "passed": False, "skill": None, "rules": []}
            place.ledger.add(
                "decision", at=clock[0], actor="replay", body=body | {"decision": first, "challenger": champion.to_document()}
            )
        else:
            settle_floor(place, versions, issued["gated"], outcomes, known, champion, policy)
        act(place)
        champion = fold(place.ledger.entries()).champion
        assert champion is not None
        issued["gated"].append(forecast(versions, champion, known))
        if newest:
            issued["always promote"].append(forecast(versions, newest[0], known))
            shadow.append((newest[1], issued["always promote"][-1]))
        else:
            issued["always promote"].append(issued["gated"][-1])
        if today.weekday() == FRIDAY or place_of_day == needed:
            newest = weekly(place, versions, known, today, trials, stream, shadow, issued["gated"], outcomes, random, policy)
    report(issued, outcomes, place)


def weekly(
    place: Place,
    versions: Versions,
    known: Panel,
    today: date,
    trials: int,
    stream: str,
    shadow: list[tuple[str, pd.DataFrame]],
    live: list[pd.DataFrame],
    outcomes: Outcomes,
    random: Any,
    policy: Policy,
) -> tuple[Served, str]:
    """Train, judge and record; returns the candidate and its contender."""
    state = fold(place.ledger.entries())
    standing_recipe = versions.recipes[state.champion.version - 1] if state.champion else None
    examined = policy.dates + max(HORIZONS)
    seen = known.until(known.dates[-1 - examined])
    last = state.newest("decision")
    tuned_through = seen.origin.astype("datetime64[D]").item()
    if state.on_trial and last:
        recipe = versions.recipes[last.body["challenger"]["version"] - 1]
        tuned_through = date.fromisoformat(last.body["tuned_through"])
    elif stream == "careless":
        recipe = careless(random)
    else:
        recipe = tune(seen, standing_recipe or Recipe(), trials=trials, seconds=600.0, seed=today.toordinal()).recipe
    assert recipe is not None
    contender = str(hash(str(recipe.to_dict())))
    candidate = versions.register(fit(known, recipe), recipe)
    models: dict[str, Recipe | None] = {CHALLENGER: recipe, BASELINE: None}
    equal = next((name for name, one in models.items() if one == standing_recipe), None)
    table = backtest(
        known,
        models | ({} if equal else {CHAMPION: standing_recipe}),
        list(known.dates[-examined:]),
        REFIT_EVERY,
        every_month=True,
    )
    if equal:
        table = pd.concat([table, table[table.model == equal].assign(model=CHAMPION)])
    evidence = gather(table)
    own = [(frame, beside) for (name, frame), beside in zip(shadow[::-1], live[::-1], strict=False) if name == contender]
    mine, theirs = (errors(frames, outcomes, known) for frames in (([a for a, _ in own]), ([b for _, b in own])))
    facts = replace(
        fine(today),
        contender=contender,
        tuned_through=tuned_through,
        shadow_publications=len(own),
        shadow_ratio=mine / theirs if own and theirs else None,
    )
    decision = decide(evidence, facts, state.standing(contender), policy)
    body = {
        "publication": str(today),
        "contender": contender,
        "tuned_through": str(tuned_through),
        "challenger": candidate.to_document(),
        "champion": state.champion and state.champion.to_document(),
        "baseline": versions_baseline(versions),
        "decision": decision.as_document(),
        "evidence": "",
    }
    place.ledger.add("decision", at=place.now(), actor="replay", body=body)
    print(f"{today} S {decision.skill:.3f} {decision.verdict}: {decision.reason}", flush=True)
    act(place)
    return candidate, contender


def careless(random: Any) -> Recipe:
    """A recipe that nobody tuned: anything from calm to wild."""

    def trees() -> Trees:
        return Trees(
            depth=int(random.integers(2, 10)),
            eta=float(random.uniform(0.03, 0.5)),
            rounds=int(random.integers(20, 120)),
            min_child_weight=float(random.choice([1.0, 5.0, 20.0, 100.0])),
            colsample=1.0,
            blend=float(random.uniform(0.0, 1.0)),
        )

    return Recipe(
        publication=replace(trees(), blend=0.0), month=trees(), trust_prior=1.0, room_regained=float(random.uniform(0, 1))
    )


def settle_floor(
    place: Place, versions: Versions, live: list[pd.DataFrame], outcomes: Outcomes, known: Panel, champion: Served, policy: Policy
) -> None:
    """The floor's verdict at a publication, from what was issued and has come due."""
    record = pd.concat([joined(frame, outcomes, known) for frame in live[-60:]])
    found = live_errors(record.assign(role="champion"), champion.version, policy)
    before = fold(place.ledger.entries()).newest("floor")
    same = before is not None and Served.from_document(before.body["champion"]) == champion
    previous = before.body["decision"]["skill"] if same and before else None
    decision = judge(found, previous, True, champion.is_baseline, policy)
    body = {
        "publication": str(known.origin),
        "champion": champion.to_document(),
        "baseline": versions_baseline(versions),
        "decision": decision.as_document(),
    }
    place.ledger.add("floor", at=place.now(), actor="replay", body=body)
    if decision.verdict == "fall_back":
        print(f"{known.origin} S {decision.skill:.3f} fall back: {decision.reason}", flush=True)


def act(place: Place) -> None:
    """Carry out what is due, as the promotion sensor does."""
    change = due(fold(place.ledger.entries()))
    if change is not None:
        carry_out(change, place)


def versions_baseline(versions: Versions) -> dict[str, Any]:
    """The first version, which is no change."""
    return Served(1, f"{1:064d}", True).to_document() if versions.models else {}


def forecast(versions: Versions, served: Served, known: Panel) -> pd.DataFrame:
    """What a version says at a publication, on the judged horizons."""
    table = versions.models[served.version - 1].forecast(known)
    judged = pd.MultiIndex.from_frame(table[["task", "lead"]].astype({"task": object})).isin(list(JUDGED))
    kept = table[(table.level == "city") & (judged | ((table.task == "month") & (table.lead <= 3)))]
    return kept.assign(model_version=str(served.version))


def joined(frame: pd.DataFrame, outcomes: Outcomes, known: Panel) -> pd.DataFrame:
    """What of it had come due when that was the newest date."""
    settled = outcomes.joined(frame)
    return settled[(settled.task == "publication") & (settled.target <= pd.Timestamp(known.origin))]


def errors(frames: list[pd.DataFrame], outcomes: Outcomes, known: Panel) -> float:
    """Sum of absolute errors one publication ahead that had come due."""
    near = [joined(frame, outcomes, known) for frame in frames]
    rows = pd.concat(near) if near else pd.DataFrame(columns=["lead", "forecast", "actual"])
    rows = rows[rows.lead == 1]
    return float((rows.forecast - rows.actual).abs().sum())


def report(issued: dict[str, list[pd.DataFrame]], outcomes: Outcomes, place: Place) -> None:
    """Live MAE over that of no change, by horizon, for both policies."""
    rows = {}
    for name, frames in issued.items():
        settled = outcomes.joined(pd.concat(frames))
        settled = settled.assign(mae=(settled.forecast - settled.actual).abs(), naive=(settled.no_change - settled.actual).abs())
        by = settled.groupby(["task", "lead"])[["mae", "naive"]].mean()
        rows[name] = by.mae / by.naive
        served = settled.groupby("origin").model_version.first()
        print(f"{name}: {served.nunique()} versions served over {len(served)} publications")
    table = pd.DataFrame(rows).T
    table["S"] = table[[key for key in JUDGED if key in table.columns]].mean(axis=1)
    print("live MAE / MAE of no change (no change itself: 1.000 everywhere)")
    print(table.round(4).to_string())
    entries = place.ledger.entries()
    verdicts = pd.Series([entry.body["decision"]["verdict"] for entry in entries if entry.kind == "decision"]).value_counts()
    applied = pd.Series([entry.body["action"] for entry in entries if entry.kind == "applied"]).value_counts()
    print(f"decisions: {verdicts.to_dict()}; changes: {applied.to_dict()}")


def commands() -> Iterator[tuple[str, str]]:
    """Names of the two runs, with what they show."""
    yield "twins", "false promotions and detection"
    yield "history", "a year of weekly decisions"


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    chosen = parser.add_subparsers(dest="command", required=True)
    for name, text in commands():
        one = chosen.add_parser(name, help=text)
        one.add_argument("--workbook", type=Path, required=True)
        one.add_argument("--decisions", type=int, default=204)
        one.add_argument("--trials", type=int, default=5)
        one.add_argument("--stream", choices=["tuned", "careless"], default="tuned")
    options = parser.parse_args()
    book = read_workbook(options.workbook)
    panel = build_panel(book.prices, book.averages)
    if options.command == "twins":
        twins(panel, options.decisions)
    else:
        with tempfile.TemporaryDirectory() as folder:
            history(panel, options.trials, options.stream, Path(folder))


if __name__ == "__main__":
    main()
