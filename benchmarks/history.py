"""A replay of history: every week decides on what was known then, and the served forecasts are compared with the published prices.

    python -m benchmarks.history --workbook Leche31032025.xlsx [--trials 5] [--stream tuned|careless] [--publications 12]

Belongs here: a simulation that calls the product's own gate, floor, ledger and steps. At every publication the served version issues
forecasts, which are compared with no change and with serving every candidate at once. Not here: single decisions (`benchmarks.promotion`).
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

from benchmarks.promotion import FIRST_ORIGIN, inputs_that_pass
from milk_assets.forecasting.evaluation.backtest import backtest
from milk_assets.forecasting.evaluation.outcomes import Outcomes
from milk_assets.forecasting.hyperparameters import Hyperparameters, Trees
from milk_assets.forecasting.model import Model
from milk_assets.forecasting.panel import Panel, build_panel
from milk_assets.forecasting.training.tuning import tune
from milk_assets.promotion.change_champion import PromotionContext, carry_out
from milk_assets.promotion.evidence import BASELINE, CHALLENGER, CHAMPION, gather
from milk_assets.promotion.floor import judge, live_errors, previous_skill
from milk_assets.promotion.gate import GateInputs, decide
from milk_assets.promotion.ledger.entries import AppliedBody, DecisionBody, FloorBody, GateDecision
from milk_assets.promotion.ledger.ledger import Ledger
from milk_assets.promotion.ledger.state import LedgerState, due_change
from milk_assets.promotion.manifest import ModelVersion
from milk_assets.promotion.policy import HORIZONS, JUDGED, REFIT_EVERY, Policy
from milk_assets.sniim.workbook import read_workbook
from milk_assets.stores.lake import Lake

FRIDAY = 4
ACTOR = "simulation"
LIVE_PUBLICATIONS = 60  # publications whose forecasts the floor looks at: more than its dates and its longest horizon need
POLICY = Policy()
EXAMINED_DATES = POLICY.dates + max(HORIZONS)


@dataclass
class MemoryRegistry:
    """A model registry in memory, with the models and hyperparameters behind its version numbers."""

    models: list[Model] = field(default_factory=list)
    hyperparameters: list[Hyperparameters | None] = field(default_factory=list)
    aliases: dict[str, int] = field(default_factory=dict)

    def register(self, model: Model, hyperparameters: Hyperparameters | None) -> ModelVersion:
        """Add the next version. Without hyperparameters it is the baseline."""
        self.models.append(model)
        self.hyperparameters.append(hyperparameters)
        return self.version(len(self.models))

    def version(self, number: int) -> ModelVersion:
        """A version by its number."""
        is_baseline = self.hyperparameters[number - 1] is None
        return ModelVersion(version=number, bundle=f"{number:064d}", is_baseline=is_baseline)

    def set_alias(self, alias: str, version: int) -> None:
        """Let an alias point to a version."""
        self.aliases[alias] = version

    def version_number_of_alias(self, alias: str) -> int | None:
        """The number of the version that an alias points to."""
        return self.aliases.get(alias)

    def delete_alias(self, alias: str) -> None:
        """Delete an alias."""
        self.aliases.pop(alias, None)


@dataclass(frozen=True)
class Contender:
    """The newest candidate: its version, the identity and values of its hyperparameters, and what tuning has seen."""

    version: ModelVersion
    identity: str
    hyperparameters: Hyperparameters
    tuned_through: date


class Simulation:
    """All weekly decisions over the real prices, and the forecasts that were served."""

    def __init__(self, panel: Panel, trials: int, stream: str, folder: Path) -> None:
        """trials: of each tuning. stream: `tuned` or `careless` candidates. folder: for ledger and manifest."""
        self.panel, self.trials, self.stream = panel, trials, stream
        self.outcomes, self.registry = Outcomes.from_panel(panel), MemoryRegistry()
        self.now = datetime(2024, 1, 1, tzinfo=UTC)
        self.random = np.random.default_rng(7)
        store = Lake(root=str(folder))
        self.context = PromotionContext(
            ledger=Ledger(store),
            store=store,
            registry=self.registry,
            verify_bundle=lambda _: {},
            smoke_test=lambda _: None,
            now=lambda: self.now,
            actor=ACTOR,
        )
        self.served: list[pd.DataFrame] = []  # forecasts of the champion, one table per publication
        self.always_promoted: list[pd.DataFrame] = []  # forecasts of the newest candidate, or of the champion before the first
        self.shadow: list[tuple[str, pd.DataFrame, pd.DataFrame]] = []  # contender, its forecasts, the champion's
        self.newest: Contender | None = None

    def run(self, publications: int | None = None) -> None:
        """Go through the publications, at most the given number of them, and print every decision."""
        first = FIRST_ORIGIN + EXAMINED_DATES
        last = len(self.panel.dates) if publications is None else min(first + publications, len(self.panel.dates))
        for index in range(first, last):
            day = self.panel.dates[index]
            known, today = self.panel.until(day), day.astype("datetime64[D]").item()
            self.now = datetime(today.year, today.month, today.day, 18, tzinfo=UTC)
            self.publish(known, today)
            if today.weekday() == FRIDAY or index == first:
                self.decide_weekly(known, today)

    def publish(self, known: Panel, today: date) -> None:
        """Judge the champion and issue the forecasts of a publication. Before the first champion, the baseline becomes it."""
        champion = self.context.state().champion
        if champion is None:
            self.add_baseline(known, today)
        else:
            self.judge_floor(known, champion)
        self.carry_out_due_change()
        champion = self.context.state().champion
        assert champion is not None
        self.served.append(self.forecast(champion, known))
        if self.newest is None:
            self.always_promoted.append(self.served[-1])
        else:
            self.always_promoted.append(self.forecast(self.newest.version, known))
            self.shadow.append((self.newest.identity, self.always_promoted[-1], self.served[-1]))

    def add_baseline(self, known: Panel, today: date) -> None:
        """Register the baseline, with a decision that makes it the first champion."""
        version = self.registry.register(Model.fit_baseline(known), None)
        self.add_decision(today, "", version, None, GateDecision("keep", "first", (), passed=False, skill=None))

    def decide_weekly(self, known: Panel, today: date) -> None:
        """Train a candidate, compare it with the champion, and record the decision."""
        state = self.context.state()
        contender = self.train(known, today, state)
        table = self.compare(known, contender, state)
        history = state.contender_history(contender.identity)
        decision = decide(gather(table), self.gate_inputs(known, today, contender), history, POLICY)
        self.add_decision(today, contender.identity, contender.version, state.champion, decision)
        print(f"{today} S {decision.skill:.3f} {decision.verdict}: {decision.reason}", flush=True)
        self.carry_out_due_change()
        self.newest = contender

    def train(self, known: Panel, today: date, state: LedgerState) -> Contender:
        """A candidate of the contender on trial, or with new hyperparameters."""
        past = known.until(known.dates[-1 - EXAMINED_DATES])
        tuned_through = past.origin.astype("datetime64[D]").item()
        if state.on_trial and self.newest is not None:
            hyperparameters, tuned_through = self.newest.hyperparameters, self.newest.tuned_through
        elif self.stream == "careless":
            hyperparameters = careless(self.random)
        else:
            start = self.champion_hyperparameters(state) or Hyperparameters()
            hyperparameters = tune(past, start, trials=self.trials, seconds=600.0, seed=today.toordinal()).recipe
        version = self.registry.register(Model.fit(known, hyperparameters), hyperparameters)
        return Contender(version, str(hash(str(hyperparameters.to_dict()))), hyperparameters, tuned_through)

    def compare(self, known: Panel, contender: Contender, state: LedgerState) -> pd.DataFrame:
        """Backtest of challenger, champion and baseline. Models with equal hyperparameters are computed once."""
        champion = self.champion_hyperparameters(state)
        models: dict[str, Hyperparameters | None] = {CHALLENGER: contender.hyperparameters, BASELINE: None}
        same_as_champion = next((name for name, value in models.items() if value == champion), None)
        if same_as_champion is None:
            models[CHAMPION] = champion
        table = backtest(known, models, list(known.dates[-EXAMINED_DATES:]), REFIT_EVERY, every_month=True)
        if same_as_champion is not None:
            table = pd.concat([table, table[table.model == same_as_champion].assign(model=CHAMPION)])
        return table

    def gate_inputs(self, known: Panel, today: date, contender: Contender) -> GateInputs:
        """What the gate uses besides errors: real for tuning and shadow, all else as if it were right."""
        shadow = [pair for identity, *pair in self.shadow if identity == contender.identity]
        error = self.next_publication_error([challenger for challenger, _ in shadow], known)
        champion_error = self.next_publication_error([champion for _, champion in shadow], known)
        return replace(
            inputs_that_pass(today),
            contender=contender.identity,
            tuned_through=contender.tuned_through,
            shadow_publications=len(shadow),
            shadow_ratio=error / champion_error if champion_error else None,
        )

    def judge_floor(self, known: Panel, champion: ModelVersion) -> None:
        """Record the floor's decision at a publication, from the served forecasts whose dates were published."""
        publication = str(known.origin)
        record = pd.concat([self.published(table, known) for table in self.served[-LIVE_PUBLICATIONS:]])
        errors = live_errors(record.assign(role="champion"), champion.version, POLICY)
        previous = previous_skill(self.context.ledger.entries(), champion, publication)
        decision = judge(errors, previous, True, champion.is_baseline, POLICY)
        body = FloorBody(publication=publication, champion=champion, baseline=self.registry.version(1), decision=decision)
        self.context.ledger.add(body, at=self.now, actor=ACTOR)
        if decision.verdict == "fall_back":
            print(f"{publication} S {decision.skill:.3f} fall back: {decision.reason}", flush=True)

    def add_decision(
        self, today: date, contender: str, challenger: ModelVersion, champion: ModelVersion | None, decision: GateDecision
    ) -> None:
        """Add a decision of the gate to the ledger."""
        body = DecisionBody(
            publication=str(today),
            contender=contender,
            challenger=challenger,
            champion=champion,
            baseline=self.registry.version(1),
            decision=decision,
            evidence="",
        )
        self.context.ledger.add(body, at=self.now, actor=ACTOR)

    def carry_out_due_change(self) -> None:
        """Carry out the change that is due, as the job `promote` does."""
        change = due_change(self.context.state())
        if change is not None:
            carry_out(change, self.context)

    def champion_hyperparameters(self, state: LedgerState) -> Hyperparameters | None:
        """The champion's hyperparameters; None for the baseline."""
        return self.registry.hyperparameters[state.champion.version - 1] if state.champion else None

    def forecast(self, version: ModelVersion, known: Panel) -> pd.DataFrame:
        """City forecasts of a version at a publication, for the judged horizons and the first months."""
        table = self.registry.models[version.version - 1].forecast(known)
        is_judged = pd.MultiIndex.from_frame(table[["task", "lead"]].astype({"task": object})).isin(list(JUDGED))
        rows = table[(table.level == "city") & (is_judged | ((table.task == "month") & (table.lead <= 3)))]
        return rows.assign(model_version=str(version.version))

    def published(self, table: pd.DataFrame, known: Panel) -> pd.DataFrame:
        """The forecasts of publications that were published by then, with their prices."""
        joined = self.outcomes.join_actual(table)
        return joined[(joined.task == "publication") & (joined.target <= pd.Timestamp(known.origin))]

    def next_publication_error(self, tables: list[pd.DataFrame], known: Panel) -> float:
        """Sum of absolute errors one publication ahead, MXN/l, over the dates published by then."""
        if not tables:
            return 0.0
        rows = pd.concat([self.published(table, known) for table in tables])
        rows = rows[rows.lead == 1]
        return float((rows.forecast - rows.actual).abs().sum())

    def report(self) -> None:
        """Print live MAE over that of no change, by horizon, for both ways to promote."""
        rows = {}
        for name, tables in {"gated": self.served, "always promote": self.always_promoted}.items():
            joined = self.outcomes.join_actual(pd.concat(tables))
            errors = joined.assign(mae=(joined.forecast - joined.actual).abs(), naive=(joined.no_change - joined.actual).abs())
            means = errors.groupby(["task", "lead"])[["mae", "naive"]].mean()
            rows[name] = means.mae / means.naive
            versions = errors.groupby("origin").model_version.first()
            print(f"{name}: {versions.nunique()} versions served over {len(versions)} publications")
        table = pd.DataFrame(rows).T
        table["S"] = table[[key for key in JUDGED if key in table.columns]].mean(axis=1)
        print("live MAE / MAE of no change (no change itself: 1.000 everywhere)")
        print(table.round(4).to_string())
        bodies = [entry.body for entry in self.context.ledger.entries()]
        verdicts = pd.Series([body.decision.verdict for body in bodies if isinstance(body, DecisionBody)]).value_counts()
        changes = pd.Series([body.action for body in bodies if isinstance(body, AppliedBody)]).value_counts()
        print(f"decisions: {verdicts.to_dict()}; changes: {changes.to_dict()}")


def careless(random: Any) -> Hyperparameters:
    """Hyperparameters drawn at random, without tuning."""

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
        publication=replace(trees(), blend=0.0), month=trees(), trust_prior=1.0, room_regained=float(random.uniform(0, 1))
    )


def main() -> None:
    """Print every decision as it is taken, and the table at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workbook", type=Path, required=True)
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--stream", choices=["tuned", "careless"], default="tuned")
    parser.add_argument("--publications", type=int, help="stop after this many, for a quick run")
    options = parser.parse_args()
    workbook = read_workbook(options.workbook)
    with tempfile.TemporaryDirectory() as folder:
        simulation = Simulation(build_panel(workbook.prices, workbook.averages), options.trials, options.stream, Path(folder))
        simulation.run(options.publications)
        simulation.report()


if __name__ == "__main__":
    main()
