"""Evaluation: challenger, champion and no change on the same dates, and what the gate makes of it.

Belongs here: the asset and its documents. Backtesting is `milk_assets.forecasting`'s, the verdict `milk_assets.promotion`'s.
"""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from milk_assets.assets import baseline, candidate, features, metadata, prices, serving
from milk_assets.assets.columns import FORECASTS
from milk_assets.assets.retrying import RETRY
from milk_assets.environment import OWNER
from milk_assets.partitions import publications
from milk_assets.promotion.policy import HORIZONS, REFIT_EVERY, Policy
from milk_assets.resources.lake import Lake
from milk_assets.resources.tracking import Tracking

LAYER = "evaluation"
DECISION = "decision.json"
COLUMNS = FORECASTS | {"model": "challenger, champion or baseline", "actual": "MXN per litre: what was published"}


def backtest_path(publication: str) -> str:
    """Every backtested forecast beside what came: one row a model, origin, target and series."""
    return f"{LAYER}/{publication}/backtest.parquet"


def scores_path(publication: str) -> str:
    """The gate's table: mean absolute errors by model and horizon."""
    return f"{LAYER}/{publication}/scores.parquet"


def read_decision(lake: Lake, publication: str) -> dict[str, Any]:
    """What was decided on a publication: decision, challenger, baseline, champion at that time."""
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
    import pandas as pd

    from milk_assets.forecasting.backtest import backtest
    from milk_assets.forecasting.recipe import Recipe
    from milk_assets.forecasting.scores import score_table
    from milk_assets.forecasting.summary import plot, summary
    from milk_assets.promotion import gate

    publication = context.partition_key
    panel = features.read_panel(lake, publication)
    challenger, no_change, champion = (
        candidate.read(lake, publication),
        baseline.read(lake, publication),
        serving.served(artefacts),
    )
    with tracking.run(context) as mlflow:
        models = {gate.CHALLENGER: Recipe.from_dict(challenger["recipe"]), gate.BASELINE: None}
        recipe = champion and champion["facts"].get("recipe")
        standing = Recipe.from_dict(recipe) if recipe else None
        equal = next((name for name, known in models.items() if known == standing), None)
        models |= {} if equal else {gate.CHAMPION: standing}
        examined = list(panel.dates[-(Policy().dates + max(HORIZONS)) :])
        table = backtest(
            panel,
            models,
            examined,
            refit_every=REFIT_EVERY,
            vintages=features.read_vintages(lake, examined),
            on_progress=lambda done, blocks: context.log.info("backtest: %d of %d", done, blocks),
        )
        if equal:  # the same recipe forecasts the same: no need to do it twice
            table = pd.concat([table, table[table.model == equal].assign(model=gate.CHAMPION)], ignore_index=True)
        scores = gate.score(table)
        decision, every_score = gate.decide(scores), score_table(table)
        lake.write_table(backtest_path(publication), table)
        lake.write_table(scores_path(publication), scores)
        document = {
            "at": datetime.now(UTC).isoformat(),
            "publication": publication,
            "workbook": prices.read_vintage(lake, publication)["sha256"],
            "decision": decision.as_document(),
            "challenger": {name: challenger[name] for name in serving.FACTS},
            "baseline": {name: no_change[name] for name in serving.FACTS},
            "champion": champion and {name: champion[name] for name in serving.FACTS},
            "scores": scores.astype(object).where(scores.notna(), None).to_dict("records"),
        }
        mlflow.log_metrics({f"{row.model}.ratio.h{row.lead}": row.ratio for row in scores.dropna().itertuples()})
        mlflow.set_tags({"verdict": decision.verdict, "reason": decision.reason})
        lake.write_json(f"{LAYER}/{publication}/{DECISION}", document)  # last: a publication with a decision is judged whole
    return dg.MaterializeResult(
        metadata={
            "verdict": decision.verdict,
            "reason": decision.reason,
            "skill": gate.skill(scores, gate.CHALLENGER) or "unknown",
            "rules": metadata.records(decision.as_document()["rules"]),
            "scores": metadata.markdown(scores),
            "summary": dg.MetadataValue.md(summary(every_score, gate.CHALLENGER)),
            "plot": metadata.image(plot(every_score)),
            **metadata.of_table(table, lake.uri(backtest_path(publication)), COLUMNS),
        }
    )
