"""The whole graph as in staging: every file in S3, and only the two databases on this machine."""

import os
from collections.abc import Iterator
from datetime import date

import boto3
import pytest
from moto.server import ThreadedMotoServer

from milk_assets.commands.common import graph_run
from milk_assets.defs.build import build_resources
from milk_assets.resource_names import bucket_name as bucket
from milk_assets.settings import Environment
from milk_assets.sniim.samples.publisher import GeneratedWorkbooks, Publisher
from milk_assets.stores import champion_manifest
from milk_assets.stores.layers import forecasts, prices
from milk_model.artefact_paths import SERVED
from milk_model.bundle import prefix

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("s3")]

PUBLICATION = date(2025, 3, 31)
KEYS = {"AWS_ACCESS_KEY_ID": "of-a-test", "AWS_SECRET_ACCESS_KEY": "of-a-test", "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture(scope="module")
def staging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """Staging after one publication: an S3 emulator with the buckets of `cdk/`, the sample publisher, every job run once."""
    home = tmp_path_factory.mktemp("staging")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    before = dict(os.environ)
    os.environ.update(KEYS)
    try:
        s3 = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1")
        for purpose in ("lake", "artefacts"):
            s3.create_bucket(Bucket=bucket("staging", purpose))
        with Publisher(GeneratedWorkbooks(), PUBLICATION) as site:
            environment = Environment.from_env(
                {
                    "MILK_ENV": "staging",
                    "MILK_HOME": str(home),
                    "MILK_SOURCE_URL": site.url,
                    "MILK_S3_ENDPOINT": f"http://{host}:{port}",
                }
            )
            with graph_run.open_instance(environment) as on:
                graph_run.bootstrap(environment, on, PUBLICATION)
                stages = graph_run.run_graph(environment, on, PUBLICATION, PUBLICATION, {"trials": 1, "seconds": 300.0})
                assert [stage.name for stage in stages] == ["ingest", "train", "promote", "forecast", "report"]
        yield environment
    finally:
        os.environ.clear()
        os.environ.update(before)
        server.stop()


def test_lake_bundle_and_ledger_are_in_their_buckets(staging: Environment) -> None:
    resources = build_resources(staging)
    lake, artefacts = resources["lake"], resources["artefacts"]
    assert (lake.root, artefacts.root) == ("s3://milk-staging-lake", "s3://milk-staging-artefacts")
    assert forecasts.read_forecasts(lake, "2025-03-31").series.nunique() > 185
    assert prices.read_vintage(lake, "2025-03-31").sample is True
    standing = champion_manifest.read_manifest(artefacts)
    assert standing is not None
    assert f"{prefix(standing.bundle)}/manifest.json" in artefacts.files("models")
    assert artefacts.files("ledger")


def test_mlflow_keeps_its_artefacts_in_s3(staging: Environment) -> None:
    tracking = build_resources(staging)["tracking"]
    experiment = tracking.client().get_experiment_by_name(tracking.experiment)
    assert experiment is not None
    assert experiment.artifact_location == "s3://milk-staging-artefacts/mlflow"
    assert [path for path in build_resources(staging)["artefacts"].files("mlflow") if path.endswith("MLmodel")]


def test_only_the_databases_of_dagster_and_mlflow_stay_on_this_machine(staging: Environment) -> None:
    kept = {path.relative_to(staging.home).parts[0] for path in staging.home.rglob("*") if path.is_file()}
    assert kept == {"dagster", "mlflow.db"}


def test_the_manifest_is_replaced_only_if_it_has_not_changed_since_it_was_read(staging: Environment) -> None:
    """The conditional write that promotions depend on, as this S3 implements it."""
    artefacts = build_resources(staging)["artefacts"]
    tagged = artefacts.read_tagged(SERVED)
    assert tagged is not None
    content, tag = tagged
    assert artefacts.replace_bytes(SERVED, content + b" ", tag)
    assert not artefacts.replace_bytes(SERVED, b"{}", tag)
    assert artefacts.read_bytes(SERVED) == content + b" "
