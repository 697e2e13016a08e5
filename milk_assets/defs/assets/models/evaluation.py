"""Evaluation: challenger, champion and no change on the same dates, and what the gate makes of it.

Belongs here: the asset and its documents. Backtesting is `milk_assets.forecasting`'s, the verdict `milk_assets.promotion`'s.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.defs.assets.data import features, prices
from milk_assets.defs.assets.models import baseline, candidate, track_record
from milk_assets.defs.assets.outputs import shadow_forecasts
from milk_assets.defs.common import materialization
from milk_assets.defs.common.column_descriptions import FORECASTS
from milk_assets.defs.common.partitions import publications
from milk_assets.defs.common.retry_policy import RETRY
from milk_assets.promotion.policy import HORIZONS, REFIT_EVERY, Policy
from milk_assets.promotion.state import fold
from milk_assets.settings import OWNER
from milk_assets.stores import champion_manifest, model_bundles
from milk_assets.stores.lake import Lake
from milk_assets.stores.model_registry import Tracking

if TYPE_CHECKING:
    import pandas as pd

    from milk_assets.forecasting.panel import Panel
    from milk_assets.promotion.evidence import Evidence
    from milk_assets.promotion.gate import Decision, Facts

LAYER = "evaluation"
DECISION = "decision.json"
COLUMNS = FORECASTS | {"model": "challenger, champion or baseline", "actual": "MXN per litre: what was published"}


def backtest_path(publication: str) -> str:
    """Every backtested forecast beside what came: one row a model, origin, target and series."""
    return f"{LAYER}/{publication}/backtest.parquet"


def scores_path(publication: str) -> str:
    """Mean absolute errors by model and judged horizon."""
    return f"{LAYER}/{publication}/scores.parquet"


def read_decision(lake: Lake, publication: str) -> dict[str, Any]:
    """What was decided on a publication: decision, challenger, baseline, champion at that time, number of the ledger's entry."""
    document: dict[str, Any] = lake.read_json(f"{LAYER}/{publication}/{DECISION}")
    return document


@dg.asset(
    partitions_def=publications,
    deps=[candidate.candidate, baseline.baseline],
    group_name="models",
    kinds={"parquet", "mlflow"},
    owners=[OWNER],
    retry_policy=RETRY,
)
def evaluation(context: dg.AssetExecutionContext, lake: Lake, artefacts: Lake, tracking: Tracking) -> dg.MaterializeResult[Any]:
    """Rolling-origin errors of challenger, champion and no change on the same newest target dates, and the gate's decision.

    Recipes are compared, refitted along the way: the challenger that is registered has already seen the dates it is judged on.
    """
    from milk_assets.forecasting.evaluation.backtest_summary import plot, summary
    from milk_assets.forecasting.evaluation.scores import score_table
    from milk_assets.promotion.evidence import CHALLENGER, gather, ratios

    publication = context.partition_key
    panel = features.read_panel(lake, publication)
    judged: dict[str, Any] = {
        "challenger": candidate.read(lake, publication),
        "baseline": baseline.read(lake, publication),
        "champion": champion_manifest.served(artefacts),
    }
    with tracking.run(context) as mlflow:
        table = _backtest(context, lake, panel, judged)
        evidence = gather(table)
        facts = _facts(lake, artefacts, panel, publication, judged)
        names = {role: known and {name: known[name] for name in champion_manifest.FACTS} for role, known in judged.items()}
        made_of = {name: judged["challenger"][name] for name in ("workbook", "code")}
        decision, number = _record(artefacts, evidence, facts, names, made_of, f"run {context.op_execution_context.run_id}")
        scores, every_score = ratios(evidence), score_table(table)
        lake.write_table(backtest_path(publication), table)
        lake.write_table(scores_path(publication), scores)
        document = {
            "at": datetime.now(UTC).isoformat(),
            "publication": publication,
            "workbook": prices.read_vintage(lake, publication)["sha256"],
            "decision": decision.as_document(),
            "ledger_entry": number,
            **names,
            "scores": scores.astype(object).where(scores.notna(), None).to_dict("records"),
        }
        mlflow.log_metrics({f"{row.model}.ratio.{row.task}{row.lead}": row.ratio for row in scores.dropna().itertuples()})
        mlflow.set_tags({"verdict": decision.verdict, "reason": decision.reason})
        lake.write_json(f"{LAYER}/{publication}/{DECISION}", document)  # last: a publication with a decision is judged whole
    return dg.MaterializeResult(
        metadata={
            "verdict": decision.verdict,
            "reason": decision.reason,
            "skill": decision.skill or "unknown",
            "ledger_entry": number,
            "rules": materialization.rules(decision.as_document()),
            "scores": materialization.markdown(scores),
            "skill_over_time": materialization.skill_plot(champion_manifest.ledger(artefacts).entries()),
            "summary": dg.MetadataValue.md(summary(every_score, CHALLENGER)),
            "plot": materialization.image(plot(every_score)),
            **materialization.of_table(table, lake.uri(backtest_path(publication)), COLUMNS),
        }
    )


def _backtest(context: dg.AssetExecutionContext, lake: Lake, panel: "Panel", judged: Mapping[str, Any]) -> "pd.DataFrame":
    """Every forecast of the three models on the newest origins. A model with the recipe of another forecasts the same: once is
    enough. Without a champion, no change stands in for it."""
    import pandas as pd

    from milk_assets.forecasting.evaluation.backtest import backtest
    from milk_assets.forecasting.hyperparameters import Hyperparameters
    from milk_assets.promotion.evidence import BASELINE, CHALLENGER, CHAMPION

    models = {CHALLENGER: Hyperparameters.from_dict(judged["challenger"]["recipe"]), BASELINE: None}
    recipe = judged["champion"] and judged["champion"]["facts"].get("recipe")
    standing = Hyperparameters.from_dict(recipe) if recipe else None
    equal = next((name for name, known in models.items() if known == standing), None)
    models |= {} if equal else {CHAMPION: standing}
    examined = list(panel.dates[-(Policy().dates + max(HORIZONS)) :])
    table = backtest(
        panel,
        models,
        examined,
        refit_every=REFIT_EVERY,
        vintages=features.read_vintages(lake, examined),
        on_progress=lambda done, blocks: context.log.info("backtest: %d of %d", done, blocks),
        every_month=True,
    )
    if equal:
        table = pd.concat([table, table[table.model == equal].assign(model=CHAMPION)], ignore_index=True)
    return table


def _facts(lake: Lake, artefacts: Lake, panel: "Panel", publication: str, judged: Mapping[str, Any]) -> "Facts":
    """What the gate asks besides errors. What cannot be had is None, which the gate refuses."""
    from milk_assets.forecasting.model import Model
    from milk_assets.promotion.gate import Facts
    from milk_assets.stores.lake import LakeError
    from milk_model.bundle import BundleError

    made, vintage = judged["challenger"], prices.read_vintage(lake, publication)
    wanted = candidate.contract()
    before = fold(champion_manifest.ledger(artefacts).entries()).contract
    loads, match, lowest, highest = True, None, None, None
    for role, version in judged.items():
        if version is None:
            continue
        try:
            bundle = model_bundles.read(artefacts, version["bundle"])
            model = Model.load(bundle.files)
            if role == "challenger":
                match = bundle.facts.get("features") == wanted["features"]
                forecasts = model.predict(panel).forecast
                lowest, highest = (float(forecasts.min()), float(forecasts.max())) if forecasts.notna().all() else (None, None)
        except (BundleError, LakeError):
            loads = False
    issued, ratio = _in_the_shadow(lake, publication, made["contender"])
    return Facts(
        publication=date.fromisoformat(publication),
        contender=made["contender"],
        checks_green=vintage.get("failed_checks") == [] and vintage["sha256"] == made["workbook"],
        loads=loads,
        features_match=match,
        tuned_through=date.fromisoformat(made["tuned_through"]),
        lowest=lowest,
        highest=highest,
        same_contract=before is None or all(before.get(name) == value for name, value in wanted.items()),
        shadow_publications=issued,
        shadow_ratio=ratio,
    )


def _in_the_shadow(lake: Lake, publication: str, contender: str) -> tuple[int, float | None]:
    """Publications with forecasts of a contender beside the champion's, and its live error over the champion's at one publication."""
    made = shadow_forecasts.made_by(lake, contender, until=publication)
    record = track_record.read(lake, until=publication)
    if record is None or not made:
        return len(made), None
    near = record[(record.task == "publication") & (record.lead == 1) & (record.level == "city")]
    near = near.assign(error=(near.forecast - near.actual).abs())
    own = near[(near.role == "challenger") & near.model_version.isin({str(one["version"]) for one in made})]
    both = own.merge(near[near.role == "champion"], on=["origin", "target", "series"], suffixes=("", "_champion"))
    total = float(both.error_champion.sum())
    return len(made), float(both.error.sum()) / total if total > 0 else None


def _record(
    artefacts: Lake, evidence: "Evidence", facts: "Facts", names: Mapping[str, Any], made_of: Mapping[str, str], actor: str
) -> tuple["Decision", int]:
    """Decide, and add the decision to the ledger; decided again where another entry came first, since it may matter."""
    from milk_assets.promotion.gate import decide
    from milk_assets.promotion.ledger import ATTEMPTS, LedgerError
    from milk_assets.promotion.replay import decision_inputs

    ledger, policy = champion_manifest.ledger(artefacts), Policy()
    for _ in range(ATTEMPTS):
        state = fold(ledger.entries())
        standing = state.standing(facts.contender)
        decision = decide(evidence, facts, standing, policy)
        body = {
            **names,
            "publication": facts.publication.isoformat(),
            "contender": facts.contender,
            "decision": decision.as_document(),
            "evidence": ledger.keep_evidence(decision_inputs(evidence, facts, standing, policy, names, made_of)),
        }
        entry = ledger.add_at(state.head + 1, "decision", at=datetime.now(UTC), actor=actor, body=body)
        if entry is not None:
            return decision, entry.number
    raise LedgerError(f"{ATTEMPTS} times another entry came first: run the evaluation again")
