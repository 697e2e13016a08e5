"""Evaluation: challenger, champion and no change on the same dates, and the gate's decision.

Belongs here: the asset, which gathers what the gate asks and records its decision. Backtesting is `forecasting.evaluation`, the verdict is
`promotion.gate`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, cast

import dagster as dg

from milk_assets.defs.common import materialization
from milk_assets.defs.common.publication_asset import publication_asset
from milk_assets.promotion.contender import contract_is_unchanged, model_contract
from milk_assets.promotion.ledger.state import ledger_state
from milk_assets.promotion.manifest import ChampionManifest, ModelVersion
from milk_assets.promotion.policy import HORIZONS, REFIT_EVERY, Policy
from milk_assets.stores import champion_manifest, model_bundles
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import baselines, candidates, evaluations, prices, shadow_forecasts
from milk_assets.stores.layers.baselines import BaselineVersion
from milk_assets.stores.layers.candidates import Candidate
from milk_assets.stores.layers.evaluations import Evaluation
from milk_assets.stores.layers.track_record import read_track_record
from milk_assets.stores.model_registry import ModelRegistry

if TYPE_CHECKING:
    from milk_assets.forecasting.panel import Panel
    from milk_assets.frames import Backtest
    from milk_assets.promotion.evidence import Evidence
    from milk_assets.promotion.gate import GateInputs
    from milk_assets.promotion.ledger.entries import GateDecision


@dataclass(frozen=True)
class Contest:
    """The three models of an evaluation. champion: the manifest of what is served; None before the first."""

    challenger: Candidate
    baseline: BaselineVersion
    champion: ChampionManifest | None

    def version_names(self) -> dict[str, ModelVersion | None]:
        """What identifies each version: number, bundle, whether it is the baseline."""
        return {
            "challenger": ModelVersion.of(self.challenger),
            "baseline": ModelVersion.of(self.baseline),
            "champion": ModelVersion.of(self.champion) if self.champion else None,
        }


@publication_asset(group="models", kinds={"parquet", "mlflow"}, deps=["candidate", "baseline"])
def evaluation(
    context: dg.AssetExecutionContext, lake: Lake, artefacts: Lake, tracking: ModelRegistry
) -> dg.MaterializeResult[Any]:
    """Rolling-origin errors of challenger, champion and no change on the same newest target dates, and the gate's decision.

    Hyperparameters are compared, with refits along the way: the registered challenger itself has already seen the dates.
    """
    from milk_assets.forecasting.evaluation.backtest_summary import plot, summary
    from milk_assets.forecasting.evaluation.scores import score_table
    from milk_assets.frames import BacktestFrame, described_columns
    from milk_assets.promotion.evidence import CHALLENGER, gather, ratios

    publication = context.partition_key
    panel = prices.read_panel(lake, publication)
    contest = Contest(
        challenger=candidates.read_candidate(lake, publication),
        baseline=baselines.read_baseline(lake, publication),
        champion=champion_manifest.read_manifest(artefacts),
    )
    with tracking.run(context) as mlflow:
        backtest = backtest_all(context, lake, panel, contest)
        evidence = gather(backtest)
        facts = gate_facts(lake, artefacts, panel, publication, contest)
        decision, ledger_entry = record_decision(
            artefacts, evidence, facts, contest, actor=f"run {context.op_execution_context.run_id}"
        )
        scores = ratios(evidence)
        document = Evaluation.model_validate(
            {
                "at": datetime.now(UTC).isoformat(),
                "publication": publication,
                "workbook": prices.read_vintage(lake, publication).sha256,
                "decision": asdict(decision),
                "ledger_entry": ledger_entry,
                **contest.version_names(),
                "scores": scores.astype(object).where(scores.notna(), None).to_dict("records"),
            }
        )
        mlflow.log_metrics({f"{row.model}.ratio.{row.task}{row.lead}": row.ratio for row in scores.dropna().itertuples()})
        mlflow.set_tags({"verdict": decision.verdict, "reason": decision.reason})
        evaluations.write_evaluation(lake, publication, document, backtest, scores)
    score_by_lead = score_table(backtest)
    return dg.MaterializeResult(
        metadata={
            "verdict": decision.verdict,
            "reason": decision.reason,
            "skill": decision.skill or "unknown",
            "ledger_entry": ledger_entry,
            "rules": materialization.rules(decision),
            "scores": materialization.markdown(scores),
            "skill_over_time": materialization.skill_plot(champion_manifest.ledger(artefacts).entries()),
            "summary": dg.MetadataValue.md(summary(score_by_lead, CHALLENGER)),
            "plot": materialization.image(plot(score_by_lead)),
            **materialization.of_table(
                backtest, lake.uri(evaluations.backtest_path(publication)), described_columns(BacktestFrame)
            ),
        }
    )


def backtest_all(context: dg.AssetExecutionContext, lake: Lake, panel: "Panel", contest: Contest) -> "Backtest":
    """Every forecast of the three models on the newest origins: one row per model, origin, target and series.

    Models with equal hyperparameters forecast the same, so they are computed once. Without a champion, no change takes its place.
    """
    import pandas as pd

    from milk_assets.forecasting.evaluation.backtest import backtest
    from milk_assets.forecasting.hyperparameters import Hyperparameters, served_hyperparameters
    from milk_assets.promotion.evidence import BASELINE, CHALLENGER, CHAMPION

    models = {CHALLENGER: Hyperparameters.from_dict(contest.challenger.hyperparameters), BASELINE: None}
    champion_hyperparameters = served_hyperparameters(contest.champion.facts if contest.champion else None)
    same_as_champion = next((name for name, value in models.items() if value == champion_hyperparameters), None)
    if same_as_champion is None:
        models[CHAMPION] = champion_hyperparameters
    origins = list(panel.dates[-(Policy().dates + max(HORIZONS)) :])
    table = backtest(
        panel,
        models,
        origins,
        refit_every=REFIT_EVERY,
        vintages=prices.read_vintage_panels(lake, origins),
        on_progress=lambda done, blocks: context.log.info("backtest: %d of %d", done, blocks),
        every_month=True,
    )
    if same_as_champion is not None:
        table = pd.concat([table, table[table.model == same_as_champion].assign(model=CHAMPION)], ignore_index=True)
    return cast("Backtest", table)


def gate_facts(lake: Lake, artefacts: Lake, panel: "Panel", publication: str, contest: Contest) -> "GateInputs":
    """What the gate asks besides errors. What cannot be determined is None, which the gate rejects."""
    from milk_assets.promotion.contender import shadow_error_ratio
    from milk_assets.promotion.gate import GateInputs

    challenger, vintage = contest.challenger, prices.read_vintage(lake, publication)
    contract = model_contract()
    served_contract = ledger_state(champion_manifest.ledger(artefacts).entries()).contract
    features_match, lowest, highest = probe_challenger(artefacts, panel, challenger, contract)
    shadows = shadow_forecasts.read_sources_of(lake, challenger.contender, until=publication)
    record = read_track_record(lake, until=publication)
    shadow_versions = {str(source.version) for source in shadows}
    return GateInputs(
        publication=date.fromisoformat(publication),
        contender=challenger.contender,
        checks_green=vintage.failed_checks == [] and vintage.sha256 == challenger.workbook,
        loads=all_load(artefacts, contest),
        features_match=features_match,
        tuned_through=date.fromisoformat(challenger.tuned_through),
        lowest=lowest,
        highest=highest,
        same_contract=contract_is_unchanged(served_contract, contract),
        shadow_publications=len(shadows),
        shadow_ratio=shadow_error_ratio(record, shadow_versions) if record is not None and shadows else None,
    )


def all_load(artefacts: Lake, contest: Contest) -> bool:
    """Whether the bundles of all three models can be read, with every digest and golden row right."""
    from milk_assets.forecasting.model import Model
    from milk_assets.stores.lake import LakeError
    from milk_model.bundle import BundleError

    bundles = [version.bundle for version in contest.version_names().values() if version is not None]
    try:
        for bundle in bundles:
            Model.load(model_bundles.read(artefacts, bundle).files)
    except (BundleError, LakeError):
        return False
    return True


def probe_challenger(
    artefacts: Lake, panel: "Panel", challenger: Candidate, contract: Mapping[str, Any]
) -> tuple[bool | None, float | None, float | None]:
    """Whether the challenger's features are those of this code, and its lowest and highest forecast, MXN per litre.

    None where the bundle cannot be read, or where a forecast is missing.
    """
    from milk_assets.forecasting.model import Model
    from milk_assets.stores.lake import LakeError
    from milk_model.bundle import BundleError
    from milk_model.earlier_formats import current_feature_names

    try:
        bundle = model_bundles.read(artefacts, challenger.bundle)
        model = Model.load(bundle.files)
    except (BundleError, LakeError):
        return None, None, None
    features_match = current_feature_names(bundle.facts.get("features") or ()) == contract["features"]
    forecasts = model.predict(panel).forecast
    if forecasts.isna().any():
        return features_match, None, None
    return features_match, float(forecasts.min()), float(forecasts.max())


def record_decision(
    artefacts: Lake, evidence: "Evidence", facts: "GateInputs", contest: Contest, actor: str
) -> "tuple[GateDecision, int]":
    """Decide, and add the decision to the ledger; returns it with its entry's number.

    Where another entry was added first, it is decided again, because that entry may matter. Raises LedgerError where others keep
    adding entries.
    """
    from milk_assets.promotion.gate import decide
    from milk_assets.promotion.ledger.entries import DecisionBody
    from milk_assets.promotion.ledger.ledger import ADD_ATTEMPTS, LedgerError
    from milk_assets.promotion.replay import decision_inputs

    ledger, policy, names = champion_manifest.ledger(artefacts), Policy(), contest.version_names()
    made_of = {"workbook": contest.challenger.workbook, "code": contest.challenger.code}
    for _ in range(ADD_ATTEMPTS):
        state = ledger_state(ledger.entries())
        history = state.contender_history(facts.contender)
        decision = decide(evidence, facts, history, policy)
        inputs = decision_inputs(evidence, facts, history, policy, names, made_of)
        body = DecisionBody.model_validate(
            {
                **names,
                "publication": facts.publication.isoformat(),
                "contender": facts.contender,
                "decision": decision,
                "evidence": ledger.keep_evidence(inputs),
            }
        )
        entry = ledger.add_at(state.head + 1, body, at=datetime.now(UTC), actor=actor)
        if entry is not None:
            return decision, entry.number
    raise LedgerError(f"others kept adding to the ledger: run `evaluation` of {facts.publication} again")
