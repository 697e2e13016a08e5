"""Candidate: a tuned and fitted model, registered as challenger.

Belongs here: the asset, and what it logs to MLflow. Tuning and fitting are `milk_assets.forecasting.training`.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.defs.common import materialization
from milk_assets.defs.common.publication_asset import publication_asset
from milk_assets.defs.common.training_code import training_code
from milk_assets.promotion.contender import contender_id, model_contract, newest_date_for_tuning
from milk_assets.promotion.ledger.entries import DecisionBody
from milk_assets.promotion.ledger.state import ledger_state
from milk_assets.stores import champion_manifest, model_bundles
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import candidates, prices
from milk_assets.stores.layers.candidates import Candidate
from milk_assets.stores.model_registry import CHALLENGER_ALIAS, ModelRegistry, RegisteredVersion

if TYPE_CHECKING:
    from dagster_mlflow import MlFlow

    from milk_assets.forecasting.hyperparameters import Hyperparameters
    from milk_assets.forecasting.model import Model
    from milk_assets.forecasting.panel import Panel
    from milk_assets.forecasting.training.tuning import TuningTrial


class Training(dg.Config):
    """How a candidate is tuned.

    Attributes:
        trials: Number of hyperparameter sets to try.
        seconds: Time after which no further trial starts.
        seed: Seed of every random draw.
    """

    trials: int = 15
    seconds: float = 40.0
    seed: int = 7


@dataclass(frozen=True)
class ChosenHyperparameters:
    """Hyperparameters to fit with, the newest publication date their choice has seen, and the trials that led to it."""

    hyperparameters: "Hyperparameters"
    tuned_through: str
    trials: "tuple[TuningTrial, ...]" = ()


@publication_asset(group="models", kinds={"xgboost", "mlflow"}, deps=["features"], code_version=training_code())
def candidate(
    context: dg.AssetExecutionContext, config: Training, lake: Lake, artefacts: Lake, tracking: ModelRegistry
) -> dg.MaterializeResult[Any]:
    """A pooled XGBoost on the change from the last price: tuned with Hyperopt, fitted on all that is known, registered as challenger.

    Tuning does not use the dates on which the gate will compare. Hyperparameters on trial are fitted again and not tuned: the gate
    asks them to pass twice, with shadow forecasts in between.
    """
    from milk_assets.forecasting.model import Model

    publication = context.partition_key
    panel = prices.read_training_panel(lake, publication)
    with tracking.run(context) as mlflow:
        started = time.perf_counter()
        chosen = choose_hyperparameters(context, config, lake, artefacts, panel, mlflow)
        tuned = time.perf_counter()
        model = Model.fit(panel, chosen.hyperparameters)
        seconds = {"tuning_seconds": tuned - started, "fit_seconds": time.perf_counter() - tuned}
        mlflow.log_params(
            {f"hyperparameters.{name}": value for name, value in flattened(chosen.hyperparameters.to_dict()).items()}
        )
        mlflow.log_metrics(seconds | model_weights(model))
        version, contender = register(model, chosen.hyperparameters, publication, artefacts, tracking)
        run_id = mlflow.active_run().info.run_id
    trained = Candidate(
        version=version.number,
        bundle=version.bundle,
        hyperparameters=chosen.hyperparameters.to_dict(),
        contender=contender,
        tuned_through=chosen.tuned_through,
        workbook=prices.read_vintage(lake, publication).sha256,
        code=training_code(),
        mlflow_run=run_id,
    )
    candidates.write_candidate(lake, publication, trained)
    return dg.MaterializeResult(
        metadata={
            "version": version.number,
            "bundle": version.bundle,
            "mlflow_run": run_id,
            "contender": contender,
            "trials": trial_table(chosen.trials),
            "model_weight": dg.MetadataValue.json(model_weights(model)),
            "hyperparameters": dg.MetadataValue.json(trained.hyperparameters),
            **{name: round(value, 2) for name, value in seconds.items()},
        },
        data_version=dg.DataVersion(version.bundle),
    )


def choose_hyperparameters(
    context: dg.AssetExecutionContext, config: Training, lake: Lake, artefacts: Lake, panel: "Panel", mlflow: "MlFlow"
) -> ChosenHyperparameters:
    """Those on trial if there are any, else the best of a tuning that starts from the champion's."""
    from milk_assets.forecasting.hyperparameters import Hyperparameters, served_hyperparameters
    from milk_assets.forecasting.training.tuning import tune

    on_trial = candidate_on_trial(lake, artefacts)
    if on_trial is not None:
        context.log.info("contender %s is on trial: fitted again with the same hyperparameters", on_trial.contender)
        return ChosenHyperparameters(Hyperparameters.from_dict(on_trial.hyperparameters), on_trial.tuned_through)
    champion = champion_manifest.read_manifest(artefacts)
    past = panel.until(newest_date_for_tuning(panel.dates))
    tuned = tune(
        past,
        served_hyperparameters(champion.facts if champion else None) or Hyperparameters(),
        trials=config.trials,
        seconds=config.seconds,
        seed=config.seed,
        on_trial=lambda trial: log_trial(context, mlflow, trial),
    )
    return ChosenHyperparameters(tuned.hyperparameters, str(past.origin), tuned.trials)


def register(
    model: "Model", hyperparameters: "Hyperparameters", publication: str, artefacts: Lake, tracking: ModelRegistry
) -> tuple[RegisteredVersion, str]:
    """Publish a model's bundle and register it as challenger; returns the version and the contender's identity."""
    contender = contender_id(hyperparameters.to_dict(), training_code())
    tags = {"kind": "model", "trained_through": publication, "code": training_code(), "contender": contender}
    facts = {**tags, "hyperparameters": hyperparameters.to_dict(), **model_contract()}
    version = model_bundles.publish(model, facts, artefacts, tracking, tags)
    tracking.set_alias(CHALLENGER_ALIAS, version.number)
    return version, contender


def candidate_on_trial(lake: Lake, artefacts: Lake) -> Candidate | None:
    """The newest candidate of the contender that passed the gate and must be judged again.

    None where there is none, and where the training code has changed since, which makes another contender.
    """
    state = ledger_state(champion_manifest.ledger(artefacts).entries())
    decision = state.newest(DecisionBody)
    if state.on_trial is None or decision is None:
        return None
    trained = candidates.read_candidate(lake, decision.body.publication)
    return trained if trained.contender == state.on_trial and trained.code == training_code() else None


def model_weights(model: "Model") -> dict[str, float]:
    """The weight of the model against no change, by task and publications ahead, 0 to 1."""
    return {
        f"model_weight.{name}.d{distance:g}": float(weight)
        for name, task in model.forecaster.tasks.items()
        for distance, weight in zip(task.knots, task.model_weight, strict=True)
    }


def flattened(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested parameters by dotted name, as MLflow shows them."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            result |= flattened(value, f"{prefix}{name}.")
        else:
            result[f"{prefix}{name}"] = value
    return result


def trial_table(trials: "tuple[TuningTrial, ...]") -> Any:
    """The trials, best first, for the UI."""
    if not trials:
        return "none: on trial, or too little history"
    rows = [{"trial": trial.number, "loss": trial.loss, "seconds": trial.seconds} for trial in trials]
    return materialization.records(sorted(rows, key=lambda row: row["loss"]))


def log_trial(context: dg.AssetExecutionContext, mlflow: "MlFlow", trial: "TuningTrial") -> None:
    """Log one trial as a nested MLflow run, and a line in the Dagster log."""
    with mlflow.start_run(run_name=f"trial {trial.number}", nested=True):
        mlflow.log_params(flattened(trial.hyperparameters.to_dict()))
        mlflow.log_metrics({"loss": trial.loss, "seconds": trial.seconds})
    context.log.info("trial %d: loss %.4f, %.1f s", trial.number, trial.loss, trial.seconds)
