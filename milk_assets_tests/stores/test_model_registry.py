"""MLflow runs have the status of their Dagster run, and a bundle is registered once."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from milk_assets.stores.model_registry import SAFE_SETTINGS, ModelRegistry

# The first start of a SQLite store takes seconds: all tests share one, each with its own experiment and model.
pytestmark = pytest.mark.xdist_group("tracking")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tracking")


@pytest.fixture
def tracking(store: Path, request: pytest.FixtureRequest) -> ModelRegistry:
    name = request.node.name
    return ModelRegistry(
        tracking_uri=f"sqlite:///{store}/mlflow.db", artefact_root=(store / name).as_uri(), experiment=name, model=f"model-{name}"
    )


def materialize(tracking: ModelRegistry, work: Callable[[Any], None]) -> dg.ExecuteInProcessResult:
    """Run `work` inside the MLflow run of an asset."""

    @dg.asset
    def trained(context: dg.AssetExecutionContext, tracking: ModelRegistry) -> None:
        with tracking.run(context) as mlflow:
            work(mlflow)

    return dg.materialize([trained], resources={"tracking": tracking}, raise_on_error=False)


def runs(tracking: ModelRegistry) -> list[Any]:
    client = tracking.client()
    experiment = client.get_experiment_by_name(tracking.experiment)
    return list(client.search_runs([experiment.experiment_id], order_by=["attributes.start_time"]))


def test_a_failed_training_is_recorded_as_failed_and_its_retry_as_finished(tracking: ModelRegistry) -> None:
    def fails(mlflow: Any) -> None:
        with mlflow.start_run(run_name="trial 0", nested=True):
            mlflow.log_metric("loss", 1.0)
            raise RuntimeError("out of milk")

    assert not materialize(tracking, fails).success
    assert [run.info.status for run in runs(tracking)] == ["FAILED", "FAILED"]
    retried = materialize(tracking, lambda mlflow: mlflow.log_metric("loss", 0.5))
    assert retried.success
    newest = runs(tracking)[-1]
    assert (newest.info.status, newest.data.tags["dagster_run_id"]) == ("FINISHED", retried.run_id)


def test_an_interrupted_training_is_recorded_as_killed(tracking: ModelRegistry) -> None:
    def interrupted(_: Any) -> None:
        raise dg.DagsterExecutionInterruptedError

    assert not materialize(tracking, interrupted).success
    assert [run.info.status for run in runs(tracking)] == ["KILLED"]


def test_stages_of_one_dagster_run_share_one_mlflow_run(tracking: ModelRegistry) -> None:
    @dg.asset
    def first(context: dg.AssetExecutionContext, tracking: ModelRegistry) -> None:
        with tracking.run(context) as mlflow:
            mlflow.log_param("depth", 4)

    @dg.asset(deps=[first])
    def second(context: dg.AssetExecutionContext, tracking: ModelRegistry) -> None:
        with tracking.run(context) as mlflow:
            mlflow.log_metric("ratio", 0.98)

    assert dg.materialize([first, second], resources={"tracking": tracking}).success
    (run,) = runs(tracking)
    assert (run.data.params, run.data.metrics, run.info.status) == ({"depth": "4"}, {"ratio": 0.98}, "FINISHED")


def test_a_bundle_is_registered_once_with_a_signature_and_forecasts_without_pickle(
    tracking: ModelRegistry, sample_workbook: bytes
) -> None:
    from milk_assets.forecasting.model import Model
    from milk_assets.forecasting.panel import build_panel
    from milk_assets.promotion import mlflow_pyfunc
    from milk_assets.sniim.workbook import read_workbook

    files = Model.fit_baseline(build_panel(read_workbook(sample_workbook).prices)).save()
    versions = []
    for _ in range(2):
        assert materialize(tracking, lambda _: versions.append(tracking.register(files, "abc", {"kind": "baseline"}))).success
    assert [(version.number, version.bundle) for version in versions] == [(1, "abc")] * 2
    tracking.set_alias("champion", 1)
    assert tracking.version_of_alias("champion") == versions[0]
    assert tracking.version_of_alias("challenger") is None
    assert tracking.alias_version_without_mlflow("champion") == 1
    assert tracking.get_version(1) == versions[0]
    tracking.delete_alias("champion")
    assert tracking.version_of_alias("champion") is None
    tracking.set_alias("champion", 1)

    import mlflow

    loaded = mlflow.pyfunc.load_model(f"models:/{tracking.model}@champion")
    assert {column.name for column in loaded.metadata.signature.inputs} == {"publication", "series", "price"}
    table, forecasts = mlflow_pyfunc.example(files)
    assert loaded.predict(table).forecast.tolist() == forecasts.forecast.tolist()
    stored = [path.name for path in Path(mlflow.artifacts.download_artifacts(f"models:/{tracking.model}/1")).rglob("*")]
    assert "model.json" in stored
    assert not [name for name in stored if name.endswith((".pkl", ".pickle"))]


def test_an_alias_does_not_exist_before_there_is_a_model(tracking: ModelRegistry) -> None:
    assert tracking.version_of_alias("champion") is None
    assert tracking.version_number_of_alias("champion") is None
    assert tracking.alias_version_without_mlflow("champion") is None
    assert tracking.get_version(1) is None
    tracking.delete_alias("champion")


def test_every_process_that_loads_models_refuses_pickles(tracking: ModelRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SAFE_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    tracking.client()
    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
