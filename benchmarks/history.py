"""What a year of decisions was worth: every week decides on what was known then, and what was served is held against what came.

    python -m benchmarks.history --workbook Leche31032025.xlsx [--trials 5] [--stream tuned|careless]

Belongs here: a simulation around the product's own gate, floor, ledger and steps, none of them written anew. Forecasts are issued at every
publication by the version that served, and compared with no change and with serving every candidate at once.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.promotion import FIRST, nothing_wrong
from milk_assets.forecasting.evaluation.backtest import backtest
from milk_assets.forecasting.evaluation.outcomes import Outcomes
from milk_assets.forecasting.hyperparameters import Hyperparameters, Trees
from milk_assets.forecasting.model import Model
from milk_assets.forecasting.panel import Panel, build_panel
from milk_assets.forecasting.training.tuning import tune
from milk_assets.promotion.change_champion import Place, carry_out
from milk_assets.promotion.evidence import BASELINE, CHALLENGER, CHAMPION, gather
from milk_assets.promotion.floor import judge, live_errors
from milk_assets.promotion.gate import decide
from milk_assets.promotion.ledger import Ledger
from milk_assets.promotion.policy import HORIZONS, JUDGED, REFIT_EVERY, Policy
from milk_assets.promotion.state import Served, due, fold
from milk_assets.sniim.workbook import read_workbook
from milk_assets.stores.lake import Lake

FRIDAY = 4


@dataclass
class Versions:
    """A registry in memory, and the models behind its numbers."""

    models: list[Model] = field(default_factory=list)
    recipes: list[Hyperparameters | None] = field(default_factory=list)
    aliases: dict[str, int] = field(default_factory=dict)

    def register(self, model: Model, recipe: Hyperparameters | None) -> Served:
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
    policy, outcomes, versions = Policy(), Outcomes.from_panel(panel), Versions()
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
            champion = versions.register(Model.fit_baseline(known), None)
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
        recipe = tune(
            seen, standing_recipe or Hyperparameters(), trials=trials, seconds=600.0, seed=today.toordinal()
        ).hyperparameters
    assert recipe is not None
    contender = str(hash(str(recipe.to_dict())))
    candidate = versions.register(Model.fit(known, recipe), recipe)
    models: dict[str, Hyperparameters | None] = {CHALLENGER: recipe, BASELINE: None}
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
        nothing_wrong(today),
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


def careless(random: Any) -> Hyperparameters:
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

    return Hyperparameters(
        publication=replace(trees(), blend=0.0),
        month=trees(),
        model_weight_prior=1.0,
        discount_regained=float(random.uniform(0, 1)),
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
    table = versions.models[served.version - 1].predict(known)
    judged = pd.MultiIndex.from_frame(table[["task", "lead"]].astype({"task": object})).isin(list(JUDGED))
    kept = table[(table.level == "city") & (judged | ((table.task == "month") & (table.lead <= 3)))]
    return kept.assign(model_version=str(served.version))


def joined(frame: pd.DataFrame, outcomes: Outcomes, known: Panel) -> pd.DataFrame:
    """What of it had come due when that was the newest date."""
    settled = outcomes.join_actual(frame)
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
        settled = outcomes.join_actual(pd.concat(frames))
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


def main() -> None:
    """Print every decision as it is taken, and the table at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workbook", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--stream", choices=["tuned", "careless"], default="tuned")
    options = parser.parse_args()
    book = read_workbook(options.workbook)
    with tempfile.TemporaryDirectory() as folder:
        history(build_panel(book.prices, book.averages), options.trials, options.stream, Path(folder))


if __name__ == "__main__":
    main()
