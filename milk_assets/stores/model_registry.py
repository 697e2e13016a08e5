"""MLflow: runs keyed by Dagster run, and the registry of model versions.

Belongs here: starting and ending MLflow runs through dagster-mlflow, registering bundles, aliases. What is logged is the stages'
business. MLflow takes seconds to import, so it is imported when the first run starts.
"""

import logging
import os
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.settings import EXPERIMENT, MODEL

if TYPE_CHECKING:
    from dagster_mlflow import MlFlow
    from mlflow.tracking import MlflowClient

# What every process that talks to MLflow sets before it imports it. `DO_NOT_TRACK=1` would not stop the telemetry.
SAFE_SETTINGS = {
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "4",
}
MISSING = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}  # the second of an alias that was never set
GLANCE_TIMEOUT = 10.0  # seconds
BASELINE_ALIAS, CHALLENGER_ALIAS, CHAMPION_ALIAS = "baseline", "challenger", "champion"
BUNDLE_TAG = "bundle"  # sha256 of the bundle's manifest, which names the sha256 of each file


class TrackingError(RuntimeError):
    """MLflow cannot be asked: what was tried, and what to do."""


@dataclass(frozen=True)
class Version:
    """One registered version: its number, the sha256 of its bundle, and the tags it was registered with."""

    number: int
    bundle: str
    tags: Mapping[str, str]


class Tracking(dg.ConfigurableResource[Any]):
    """MLflow's tracking server and registry.

    tracking_uri: a SQLite database or a server. artefact_root: where a new experiment keeps its artefacts (folder URI or s3://).
    """

    tracking_uri: str
    artefact_root: str
    s3_endpoint: str | None = None
    experiment: str = EXPERIMENT
    model: str = MODEL

    @contextmanager
    def run(self, context: dg.AssetExecutionContext) -> Iterator["MlFlow"]:
        """The MLflow run of a Dagster run, for as long as the block lasts; every stage of the Dagster run resumes the same one.

        Its terminal status is set here: FINISHED, FAILED on an exception, KILLED on an interrupt. dagster-mlflow's own clean-up
        records failed runs as finished, so it is not used.
        """
        self._prepare()
        from dagster_mlflow.resources import MlFlow

        config = {"mlflow_tracking_uri": self.tracking_uri, "experiment_name": self.experiment, "env": {}}
        started = SimpleNamespace(
            log=SimpleNamespace(info=context.log.debug),  # it says "starting a new run" of a run it resumes
            dagster_run=context.run,
            run_id=context.run.run_id,
            resource_config={**config, "extra_tags": _run_tags(context)},
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)  # known, and pinned by the lock
            mlflow = MlFlow(started)
        status = "FAILED"
        try:
            yield mlflow
            status = "FINISHED"
        except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
            status = "KILLED"
            raise
        finally:
            while mlflow.active_run() is not None:  # a trial that was cut short is still open above its parent
                mlflow.end_run(status=status)

    def client(self) -> "MlflowClient":
        """A client of the tracking server and registry, settings made safe first."""
        self._prepare()
        from mlflow.tracking import MlflowClient

        return MlflowClient(tracking_uri=self.tracking_uri, registry_uri=self.tracking_uri)

    def register(self, files: Mapping[str, bytes], bundle: str, tags: Mapping[str, str]) -> Version:
        """Register a bundle as the next version of the model, inside the active run; the same bundle twice is one version.

        files: name → content, as they stand in the artefact store. bundle: its sha256. Every version has a signature.
        """
        client = self.client()
        known = self._versions(client, bundle)
        if known:
            return known[0]
        import mlflow
        from mlflow.models import infer_signature

        import milk_model
        from milk_assets.promotion import mlflow_pyfunc

        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
            example, answer = mlflow_pyfunc.example(files)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # hints about examples and integers; the signature is exact
                info = mlflow.pyfunc.log_model(
                    name="bundle",
                    python_model=mlflow_pyfunc.__file__,  # a model from code: nothing is pickled
                    artifacts={"bundle": folder},
                    code_paths=[milk_model.__path__[0]],
                    signature=infer_signature(example, answer),
                    pip_requirements=["numpy", "pandas", "xgboost-cpu"],  # stated: inferring them takes ten seconds
                )
        with existing_is_fine():
            client.create_registered_model(self.model)
        named = {BUNDLE_TAG: bundle, **tags}
        made = client.create_model_version(self.model, info.artifact_path, info.run_id, named, model_id=info.model_id)
        return Version(int(made.version), bundle, named)

    def point(self, alias: str, version: int) -> None:
        """Make an alias of the model name a version."""
        self.client().set_registered_model_alias(self.model, alias, str(version))

    def pointed(self, alias: str) -> Version | None:
        """The version that an alias names; None where the alias or the model does not exist yet."""
        from_registry = self.client()
        from mlflow.exceptions import MlflowException

        try:
            found = from_registry.get_model_version_by_alias(self.model, alias)
        except MlflowException as error:
            if error.error_code in MISSING:
                return None
            raise
        return _version(found)

    def number(self, alias: str) -> int | None:
        """The number of the version that an alias names; None where there is none."""
        found = self.pointed(alias)
        return None if found is None else found.number

    def drop(self, alias: str) -> None:
        """Take an alias away; where there is none, there is nothing to do."""
        if self.pointed(alias) is not None:
            self.client().delete_registered_model_alias(self.model, alias)

    def numbered(self, number: int) -> Version | None:
        """A registered version by its number; None where there is none."""
        client = self.client()
        from mlflow.exceptions import MlflowException

        try:
            return _version(client.get_model_version(self.model, str(number)))
        except MlflowException as error:
            if error.error_code in MISSING:
                return None
            raise

    def glance(self, alias: str) -> int | None:
        """The number that an alias names, asked without MLflow, whose import costs a sensor's process seconds and half a gigabyte.

        Reads the database where it is SQLite, MLflow's REST interface (2.0, registered-models/alias) where it is a server.
        Raises TrackingError where neither answers.
        """
        if self.tracking_uri.startswith("sqlite:///"):
            return self._glance_at_database(alias)
        import requests

        try:
            answer = requests.get(
                f"{self.tracking_uri}/api/2.0/mlflow/registered-models/alias",
                params={"name": self.model, "alias": alias},
                timeout=GLANCE_TIMEOUT,
            )
            document = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise TrackingError(f"MLflow's server does not answer ({type(error).__name__}): look at its log") from None
        if answer.ok:
            return int(document["model_version"]["version"])
        if document.get("error_code") in MISSING:
            return None
        raise TrackingError(f"MLflow's server answers {answer.status_code} for the alias {alias}: look at its log")

    def _glance_at_database(self, alias: str) -> int | None:
        file = Path(self.tracking_uri.removeprefix("sqlite:///"))
        if not file.exists():
            return None
        query = "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?"
        try:
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=GLANCE_TIMEOUT)) as database:
                found = database.execute(query, (self.model, alias)).fetchone()
        except sqlite3.Error as error:
            raise TrackingError(f"{file.name} cannot be read: {error}") from error
        return None if found is None else int(found[0])

    def _versions(self, client: "MlflowClient", bundle: str) -> list[Version]:
        found = client.search_model_versions(f"name = '{self.model}' and tags.`{BUNDLE_TAG}` = '{bundle}'")
        return [_version(version) for version in found]

    def _prepare(self) -> None:
        """Make settings safe, and the experiment exist with its artefacts where this environment keeps them."""
        os.environ.update(SAFE_SETTINGS)
        if self.s3_endpoint:
            os.environ["MLFLOW_S3_ENDPOINT_URL"] = self.s3_endpoint
        if self.tracking_uri.startswith("sqlite:///"):
            Path(self.tracking_uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        import mlflow

        for noisy in ("mlflow", "alembic"):
            logging.getLogger(noisy).setLevel(logging.WARNING)
        mlflow.set_tracking_uri(self.tracking_uri)
        mlflow.set_registry_uri(self.tracking_uri)
        if mlflow.get_experiment_by_name(self.experiment) is None:
            mlflow.create_experiment(self.experiment, artifact_location=self.artefact_root)


@contextmanager
def existing_is_fine() -> Iterator[None]:
    """Let pass that what is to be created is there already, and nothing else."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _run_tags(context: dg.AssetExecutionContext) -> dict[str, str]:
    return {"publication": context.partition_key} if context.has_partition_key else {}


def _version(found: Any) -> Version:
    return Version(int(found.version), found.tags.get(BUNDLE_TAG, ""), dict(found.tags))
