"""Candidate: a tuned and fitted model, registered as challenger.

Belongs here: the asset, and logging its trials. Tuning and fitting are `milk_assets.forecasting`'s.
"""

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.defs.assets.data import features, prices
from milk_assets.defs.common import materialization
from milk_assets.defs.common.partitions import publications
from milk_assets.defs.common.retry_policy import RETRY
from milk_assets.defs.common.training_code import training_code
from milk_assets.promotion.policy import HORIZONS, Policy
from milk_assets.promotion.state import fold
from milk_assets.settings import OWNER
from milk_assets.stores import champion_manifest, model_bundles
from milk_assets.stores.lake import Lake
from milk_assets.stores.model_registry import Tracking

if TYPE_CHECKING:
    from dagster_mlflow import MlFlow

    from milk_assets.forecasting.hyperparameters import Hyperparameters
    from milk_assets.forecasting.model import Model
    from milk_assets.forecasting.training.tuning import TuningTrial

LAYER = "candidate"
FILE = "candidate.json"
ALIAS = "challenger"


class Training(dg.Config):
    """trials, seconds: how many recipes to try, and the time after which no further one is begun. seed: of every draw."""

    trials: int = 15
    seconds: float = 40.0
    seed: int = 7


@dg.asset(
    partitions_def=publications,
    deps=[features.features],
    group_name="models",
    kinds={"xgboost", "mlflow"},
    owners=[OWNER],
    retry_policy=RETRY,
    code_version=training_code(),
)
def candidate(
    context: dg.AssetExecutionContext, config: Training, lake: Lake, artefacts: Lake, tracking: Tracking
) -> dg.MaterializeResult[Any]:
    """A pooled XGBoost on the change from the last price: tuned with Hyperopt, fitted on all that is known, registered as challenger.

    Tuning sees nothing of the dates on which the gate will compare: a recipe may not be chosen on its own examination. A recipe on
    trial is fitted again and not tuned anew: the gate asks it to pass twice, and to have been in the shadow.
    """
    from milk_assets.forecasting.hyperparameters import Hyperparameters
    from milk_assets.forecasting.model import Model
    from milk_assets.forecasting.training.tuning import tune

    publication = context.partition_key
    panel = features.read_training_panel(lake, publication)
    standing, on_trial = champion_manifest.served(artefacts), _on_trial(lake, artefacts)
    known = standing and standing["facts"].get("recipe")
    start = Hyperparameters.from_dict(known) if known else Hyperparameters()
    with tracking.run(context) as mlflow:
        begun = time.perf_counter()
        trials: tuple[TuningTrial, ...] = ()
        if on_trial:
            recipe, tuned_through = Hyperparameters.from_dict(on_trial["recipe"]), on_trial["tuned_through"]
            context.log.info("recipe %s is on trial: fitted again, not tuned anew", on_trial["contender"])
        else:
            seen = panel.until(examination_start(panel.dates))
            tuned = tune(
                seen,
                start,
                trials=config.trials,
                seconds=config.seconds,
                seed=config.seed,
                on_trial=lambda trial: _log_trial(context, mlflow, trial),
            )
            recipe, trials, tuned_through = tuned.hyperparameters, tuned.trials, str(seen.origin)
        seconds = {"tuning_seconds": time.perf_counter() - begun}
        model = Model.fit(panel, recipe)
        seconds["fit_seconds"] = time.perf_counter() - begun - seconds["tuning_seconds"]
        mlflow.log_params({f"recipe.{name}": value for name, value in flat(recipe).items()})
        mlflow.log_metrics(seconds | trust(model))
        tags = {
            "kind": "model",
            "trained_through": publication,
            "code": training_code(),
            "contender": contender(recipe, training_code()),
        }
        facts = {**tags, "recipe": recipe.to_dict(), **contract()}
        version = model_bundles.publish(model, facts, artefacts, tracking, tags)
        tracking.point(ALIAS, version.number)
        run_id = mlflow.active_run().info.run_id
    made = {
        "version": version.number,
        "bundle": version.bundle,
        "is_baseline": False,
        "recipe": recipe.to_dict(),
        "contender": tags["contender"],
        "tuned_through": tuned_through,
        "workbook": prices.read_vintage(lake, publication)["sha256"],
        "code": training_code(),
        "mlflow_run": run_id,
    }
    lake.write_json(f"{LAYER}/{publication}/{FILE}", made)
    tried = [{"trial": trial.number, "loss": trial.loss, "seconds": trial.seconds} for trial in trials]
    return dg.MaterializeResult(
        metadata={
            "version": version.number,
            "bundle": version.bundle,
            "mlflow_run": run_id,
            "contender": tags["contender"],
            "trials": materialization.records(sorted(tried, key=lambda trial: trial["loss"]))
            if tried
            else "none: on trial, or too little history",
            "trust": dg.MetadataValue.json(trust(model)),
            "recipe": dg.MetadataValue.json(recipe.to_dict()),
            **{name: round(value, 2) for name, value in seconds.items()},
        },
        data_version=dg.DataVersion(version.bundle),
    )


def read(lake: Lake, publication: str) -> dict[str, Any]:
    """The candidate made at a publication: version, bundle, recipe, the workbook and the code it was made of."""
    document: dict[str, Any] = lake.read_json(f"{LAYER}/{publication}/{FILE}")
    return document


def contender(recipe: "Hyperparameters", code: str) -> str:
    """What a recipe under a training code is called: it outlives refits, which are versions."""
    return hashlib.sha256(json.dumps([recipe.to_dict(), code], sort_keys=True).encode()).hexdigest()[:12]


def contract() -> dict[str, Any]:
    """What a person must look at when it changes: inputs, their categories, the family of models, and what past they learn from."""
    from milk_model.features import FEATURES, TARGET_FEATURES
    from milk_model.forecaster import SEGMENTS

    return {"features": [*FEATURES, *TARGET_FEATURES], "segments": list(SEGMENTS), "family": "xgboost", "window": "expanding"}


def _on_trial(lake: Lake, artefacts: Lake) -> dict[str, Any] | None:
    """The newest candidate of the recipe that has passed the gate and must be judged again; None where there is none.

    None too where the training code changed since: that is another contender.
    """
    state = fold(champion_manifest.ledger(artefacts).entries())
    decision = state.newest("decision")
    if state.on_trial is None or decision is None:
        return None
    made = read(lake, decision.body["publication"])
    return made if made["contender"] == state.on_trial and made["code"] == training_code() else None


def examination_start(dates: Any) -> Any:
    """The newest date that tuning may see: the gate's target dates, and the origins that lead to them, come after it.

    dates: (T,) ascending. With too few dates for both, tuning gets the first half, and the gate will find too few dates.
    """
    examined = Policy().dates + max(HORIZONS)
    return dates[max(len(dates) // 2, len(dates) - 1 - examined)]


def trust(model: "Model") -> dict[str, float]:
    """The weight the model gets against no change, by task and publications ahead, 0 to 1."""
    return {
        f"trust.{name}.d{distance:g}": float(weight)
        for name, task in model.forecaster.tasks.items()
        for distance, weight in zip(task.knots, task.model_weight, strict=True)
    }


def flat(recipe: "Hyperparameters") -> dict[str, Any]:
    """A recipe's parameters by dotted name, as MLflow shows them."""

    def walk(prefix: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            return {prefix: value}
        return {name: leaf for key, inner in value.items() for name, leaf in walk(f"{prefix}.{key}".lstrip("."), inner).items()}

    return walk("", recipe.to_dict())


def _log_trial(context: dg.AssetExecutionContext, mlflow: "MlFlow", trial: "TuningTrial") -> None:
    """One trial as a nested MLflow run, and a line in the log."""
    with mlflow.start_run(run_name=f"trial {trial.number}", nested=True):
        mlflow.log_params(flat(trial.hyperparameters))
        mlflow.log_metrics({"loss": trial.loss, "seconds": trial.seconds})
    context.log.info("trial %d: loss %.4f, %.1f s", trial.number, trial.loss, trial.seconds)
