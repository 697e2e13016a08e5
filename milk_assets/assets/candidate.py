"""Candidate: a tuned and fitted model, registered as challenger.

Belongs here: the asset, and logging its trials. Tuning and fitting are `milk_assets.forecasting`'s.
"""

import time
from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.assets import bundles, features, metadata, prices, serving
from milk_assets.assets.retrying import RETRY
from milk_assets.code import training_code
from milk_assets.environment import OWNER
from milk_assets.partitions import publications
from milk_assets.promotion.policy import HORIZONS, Policy
from milk_assets.resources.lake import Lake
from milk_assets.resources.tracking import Tracking

if TYPE_CHECKING:
    from dagster_mlflow import MlFlow

    from milk_assets.forecasting.model import Model
    from milk_assets.forecasting.recipe import Recipe
    from milk_assets.forecasting.tuning import Trial

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

    Tuning sees nothing of the dates on which the gate will compare: a recipe may not be chosen on its own examination.
    """
    from milk_assets.forecasting.fitting import fit
    from milk_assets.forecasting.recipe import Recipe
    from milk_assets.forecasting.tuning import tune

    publication = context.partition_key
    panel = features.read_panel(lake, publication)
    standing = serving.served(artefacts)
    known = standing and standing["facts"].get("recipe")
    start = Recipe.from_dict(known) if known else Recipe()
    with tracking.run(context) as mlflow:
        begun = time.perf_counter()
        tuned = tune(
            panel.until(examination_start(panel.dates)),
            start,
            trials=config.trials,
            seconds=config.seconds,
            seed=config.seed,
            on_trial=lambda trial: _log_trial(context, mlflow, trial),
        )
        seconds = {"tuning_seconds": time.perf_counter() - begun}
        model = fit(panel, tuned.recipe)
        seconds["fit_seconds"] = time.perf_counter() - begun - seconds["tuning_seconds"]
        mlflow.log_params({f"recipe.{name}": value for name, value in flat(tuned.recipe).items()})
        mlflow.log_metrics(seconds | trust(model))
        facts = {"kind": "model", "trained_through": publication, "recipe": tuned.recipe.to_dict(), "code": training_code()}
        tags = {"kind": "model", "trained_through": publication, "code": training_code()}
        version = bundles.publish(model, facts, artefacts, tracking, tags)
        tracking.point(ALIAS, version.number)
        run_id = mlflow.active_run().info.run_id
    made = {
        "version": version.number,
        "bundle": version.bundle,
        "is_baseline": False,
        "recipe": tuned.recipe.to_dict(),
        "workbook": prices.read_vintage(lake, publication)["sha256"],
        "code": training_code(),
        "mlflow_run": run_id,
    }
    lake.write_json(f"{LAYER}/{publication}/{FILE}", made)
    trials = [{"trial": trial.number, "loss": trial.loss, "seconds": trial.seconds} for trial in tuned.trials]
    return dg.MaterializeResult(
        metadata={
            "version": version.number,
            "bundle": version.bundle,
            "mlflow_run": run_id,
            "trials": metadata.records(sorted(trials, key=lambda trial: trial["loss"])),
            "trust": dg.MetadataValue.json(trust(model)),
            "recipe": dg.MetadataValue.json(tuned.recipe.to_dict()),
            **{name: round(value, 2) for name, value in seconds.items()},
        },
        data_version=dg.DataVersion(version.bundle),
    )


def read(lake: Lake, publication: str) -> dict[str, Any]:
    """The candidate made at a publication: version, bundle, recipe, the workbook and the code it was made of."""
    document: dict[str, Any] = lake.read_json(f"{LAYER}/{publication}/{FILE}")
    return document


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
        for distance, weight in zip(task.knots, task.trust, strict=True)
    }


def flat(recipe: "Recipe") -> dict[str, Any]:
    """A recipe's parameters by dotted name, as MLflow shows them."""

    def walk(prefix: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            return {prefix: value}
        return {name: leaf for key, inner in value.items() for name, leaf in walk(f"{prefix}.{key}".lstrip("."), inner).items()}

    return walk("", recipe.to_dict())


def _log_trial(context: dg.AssetExecutionContext, mlflow: "MlFlow", trial: "Trial") -> None:
    """One trial as a nested MLflow run, and a line in the log."""
    with mlflow.start_run(run_name=f"trial {trial.number}", nested=True):
        mlflow.log_params(flat(trial.recipe))
        mlflow.log_metrics({"loss": trial.loss, "seconds": trial.seconds})
    context.log.info("trial %d: loss %.4f, %.1f s", trial.number, trial.loss, trial.seconds)
