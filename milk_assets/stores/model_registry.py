"""Model registry: MLflow runs, registered versions and their aliases.

Belongs here: opening the MLflow run of a Dagster run, registering bundles, reading and setting aliases. Not here: what is logged, which is
up to each asset. Importing MLflow takes seconds, so it is imported when the first run or client is opened.
"""

import logging
import os
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.settings import EXPERIMENT, MODEL

if TYPE_CHECKING:
    from dagster_mlflow import MlFlow
    from mlflow.tracking import MlflowClient

# Set by every process before it imports MLflow. `DO_NOT_TRACK=1` would not stop its telemetry.
SAFE_SETTINGS = {
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "4",
}
NOT_FOUND_CODES = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}  # the second for an alias that was never set
ALIAS_TIMEOUT = 10.0  # seconds, of reading an alias without MLflow
BASELINE_ALIAS, CHALLENGER_ALIAS, CHAMPION_ALIAS = "baseline", "challenger", "champion"
BUNDLE_TAG = "bundle"  # sha256 of the bundle's manifest, which names the sha256 of each file


class ModelRegistryError(RuntimeError):
    """MLflow does not answer: what was tried, and what to do."""


@dataclass(frozen=True)
class RegisteredVersion:
    """A registered version: its number, the sha256 of its bundle, and the tags it was registered with."""

    number: int
    bundle: str
    tags: Mapping[str, str]


class ModelRegistry(dg.ConfigurableResource[Any]):
    """MLflow's tracking server and model registry.

    Attributes:
        tracking_uri: A SQLite database or a server.
        artefact_root: Folder URI or s3:// address under which a new experiment keeps its artefacts.
        s3_endpoint: Another S3 server than AWS, such as an emulator.
        experiment: Name of the experiment.
        model: Name of the registered model.
    """

    tracking_uri: str
    artefact_root: str
    s3_endpoint: str | None = None
    experiment: str = EXPERIMENT
    model: str = MODEL

    @contextmanager
    def run(self, context: dg.AssetExecutionContext) -> Iterator["MlFlow"]:
        """The MLflow run of a Dagster run, active within the block. Every stage of the Dagster run resumes the same MLflow run.

        dagster-mlflow's resource finds or starts the run; it gets the context in which Dagster initialized this resource. It is not a
        resource of the code location itself, because importing it imports MLflow. Nor is its clean-up used, because it records failed
        runs as finished: the final status is set here, FINISHED, FAILED after an exception, KILLED after an interrupt.

        Args:
            context: Context of the asset that logs.
        """
        self._prepare()
        config = {"mlflow_tracking_uri": self.tracking_uri, "experiment_name": self.experiment, "extra_tags": _run_tags(context)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)  # dagster-mlflow is beta, and its version is locked
            warnings.simplefilter("ignore", DeprecationWarning)  # it reads a deprecated property of the context
            from dagster_mlflow.resources import MlFlow

            mlflow = MlFlow(self.get_resource_context().replace_config(config))
        status = "FAILED"
        try:
            yield mlflow
            status = "FINISHED"
        except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
            status = "KILLED"
            raise
        finally:
            while mlflow.active_run() is not None:  # a trial that was interrupted is still open inside its parent
                mlflow.end_run(status=status)

    def client(self) -> "MlflowClient":
        """A client of the tracking server and the registry. The safe settings are in effect."""
        self._prepare()
        from mlflow.tracking import MlflowClient

        return MlflowClient(tracking_uri=self.tracking_uri, registry_uri=self.tracking_uri)

    def register(self, files: Mapping[str, bytes], bundle: str, tags: Mapping[str, str]) -> RegisteredVersion:
        """Register a bundle as the next version of the model, inside the active run. The same bundle is registered once.

        Args:
            files: File name → content, as in the artefact store.
            bundle: sha256 of the bundle's manifest.
            tags: Tags of the version.
        """
        client = self.client()
        registered = self._versions_of_bundle(client, bundle)
        if registered:
            return registered[0]
        info = _log_model(files)
        with ignore_already_exists():
            client.create_registered_model(self.model)
        all_tags = {BUNDLE_TAG: bundle, **tags}
        version = client.create_model_version(self.model, info.artifact_path, info.run_id, all_tags, model_id=info.model_id)
        return RegisteredVersion(int(version.version), bundle, all_tags)

    def set_alias(self, alias: str, version: int) -> None:
        """Let an alias of the model point to a version."""
        self.client().set_registered_model_alias(self.model, alias, str(version))

    def version_of_alias(self, alias: str) -> RegisteredVersion | None:
        """The version that an alias points to; None if the alias or the model does not exist."""
        client = self.client()
        return _version_or_none(lambda: client.get_model_version_by_alias(self.model, alias))

    def version_number_of_alias(self, alias: str) -> int | None:
        """The number of the version that an alias points to; None if the alias does not exist."""
        version = self.version_of_alias(alias)
        return None if version is None else version.number

    def delete_alias(self, alias: str) -> None:
        """Delete an alias; nothing happens if it does not exist."""
        if self.version_of_alias(alias) is not None:
            self.client().delete_registered_model_alias(self.model, alias)

    def list_versions(self) -> list[tuple[RegisteredVersion, list[str]]]:
        """Every registered version with its aliases, newest first; none before the first registration."""
        client = self.client()
        versions = [_registered_version(version) for version in client.search_model_versions(f"name = '{self.model}'")]
        if not versions:
            return []
        aliases = client.get_registered_model(self.model).aliases
        newest_first = sorted(versions, key=lambda version: version.number, reverse=True)
        return [
            (version, [name for name, number in aliases.items() if int(number) == version.number]) for version in newest_first
        ]

    def get_version(self, number: int) -> RegisteredVersion | None:
        """A registered version by its number; None if it does not exist."""
        client = self.client()
        return _version_or_none(lambda: client.get_model_version(self.model, str(number)))

    def alias_version_without_mlflow(self, alias: str) -> int | None:
        """The number of the version that an alias points to; None if the alias does not exist.

        Reads the database if it is SQLite, else MLflow's REST interface (2.0, registered-models/alias). Importing MLflow would cost a
        sensor's process seconds and half a gigabyte.

        Raises:
            ModelRegistryError: Neither answers.
        """
        if self.tracking_uri.startswith("sqlite:///"):
            return self._alias_version_in_database(alias)
        import requests

        try:
            response = requests.get(
                f"{self.tracking_uri}/api/2.0/mlflow/registered-models/alias",
                params={"name": self.model, "alias": alias},
                timeout=ALIAS_TIMEOUT,
            )
            document = response.json()
        except (requests.RequestException, ValueError) as error:
            raise ModelRegistryError(
                f"the MLflow server does not answer with JSON ({type(error).__name__}): look at its log"
            ) from None
        if response.ok:
            return int(document["model_version"]["version"])
        if document.get("error_code") in NOT_FOUND_CODES:
            return None
        raise ModelRegistryError(
            f"the MLflow server answers {response.status_code} to the request for the alias {alias}: look at its log"
        )

    def _alias_version_in_database(self, alias: str) -> int | None:
        file = Path(self.tracking_uri.removeprefix("sqlite:///"))
        if not file.exists():
            return None
        query = "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?"
        try:
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=ALIAS_TIMEOUT)) as database:
                row = database.execute(query, (self.model, alias)).fetchone()
        except sqlite3.Error as error:
            raise ModelRegistryError(f"{file.name} cannot be read ({error}): is it an MLflow database?") from error
        return None if row is None else int(row[0])

    def _versions_of_bundle(self, client: "MlflowClient", bundle: str) -> list[RegisteredVersion]:
        versions = client.search_model_versions(f"name = '{self.model}' and tags.`{BUNDLE_TAG}` = '{bundle}'")
        return [_registered_version(version) for version in versions]

    def _prepare(self) -> None:
        """Set the safe settings, and create the experiment with its artefacts where this environment keeps them."""
        os.environ.update(SAFE_SETTINGS)
        if self.s3_endpoint:
            os.environ["MLFLOW_S3_ENDPOINT_URL"] = self.s3_endpoint
        if self.tracking_uri.startswith("sqlite:///"):
            Path(self.tracking_uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        import mlflow

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        mlflow.set_tracking_uri(self.tracking_uri)
        mlflow.set_registry_uri(self.tracking_uri)
        if mlflow.get_experiment_by_name(self.experiment) is None:
            mlflow.create_experiment(self.experiment, artifact_location=self.artefact_root)


def _log_model(files: Mapping[str, bytes]) -> Any:
    """Log a bundle as an MLflow model with a signature, inside the active run; returns MLflow's model info."""
    import mlflow
    from mlflow.models import infer_signature

    import milk_model
    from milk_assets.promotion import mlflow_pyfunc

    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        example, forecasts = mlflow_pyfunc.example(files)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # hints about examples and integers; the signature is exact
            return mlflow.pyfunc.log_model(
                name="bundle",
                python_model=mlflow_pyfunc.__file__,  # a model from code: nothing is pickled
                artifacts={"bundle": folder},
                code_paths=[milk_model.__path__[0]],
                signature=infer_signature(example, forecasts),
                pip_requirements=["numpy", "pandas", "xgboost-cpu"],  # stated: inferring them takes ten seconds
            )


@contextmanager
def ignore_already_exists() -> Iterator[None]:
    """Ignore MLflow's error that what is to be created exists already, and no other error."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _version_or_none(request: Callable[[], Any]) -> RegisteredVersion | None:
    """The version that MLflow returns; None if it does not exist."""
    from mlflow.exceptions import MlflowException

    try:
        return _registered_version(request())
    except MlflowException as error:
        if error.error_code in NOT_FOUND_CODES:
            return None
        raise


def _run_tags(context: dg.AssetExecutionContext) -> dict[str, str]:
    return {"publication": context.partition_key} if context.has_partition_key else {}


def _registered_version(version: Any) -> RegisteredVersion:
    return RegisteredVersion(int(version.version), version.tags.get(BUNDLE_TAG, ""), dict(version.tags))
