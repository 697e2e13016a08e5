"""From an empty account to a forecast over HTTP: deployed by the CDK, filled by the platform, served by the function.

The tests depend on their order: each continues with the state that the previous one left in the cloud.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cdk_tests.conftest import ROOT
from cdk_tests.e2e.cloud import Cloud, pack, start

pytestmark = pytest.mark.e2e

PUBLICATION = "2025-03-31"
PYTHON = os.environ.get("MILK_PYTHON") or str(ROOT / ".venv" / "bin" / "python")  # of the platform's environment
FORECASTS = "/v1/forecasts"
SERIES = {"series": "jalisco/guadalajara/pasteurised/store"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """An emulator to which the CDK deployed the stacks of storage, identity, API and batch."""
    folder = tmp_path_factory.mktemp("cloud")
    package = pack(folder / "endpoint", sys.executable)
    emulator = start(folder)
    try:
        emulator.cdk("bootstrap", "aws://000000000000/us-east-1")
        emulator.deploy(
            "milk-staging-api", "milk-staging-batch", api_zip=str(package), s3_endpoint=emulator.url, champion_ttl="0.001"
        )
        yield emulator
    finally:
        emulator.stop()
        shutil.rmtree(package)


class Staging:
    """The platform as an operator or a task runs it: processes with MILK_ENV=staging that use the emulator's S3."""

    def __init__(self, cloud: Cloud, home: Path, source: str) -> None:
        self._environment = {
            **cloud.environment,
            "MILK_ENV": "staging",
            "MILK_HOME": str(home),
            "MILK_S3_ENDPOINT": cloud.url,
            "MILK_SOURCE_URL": source,
            "PYTHONPATH": str(ROOT),
            "DAGSTER_HOME": str(home / "dagster"),
        }

    def run(self, *arguments: str) -> str:
        """Run a command of the platform and return its output. Raises RuntimeError with the output if it fails."""
        command = [PYTHON, "-m", *arguments]
        result = subprocess.run(command, env=self._environment, cwd=ROOT, capture_output=True, text=True, timeout=280)
        if result.returncode:
            raise RuntimeError(f"{' '.join(arguments)} failed\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}")
        return result.stdout


@pytest.fixture(scope="module")
def staging(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    """The platform with the sample publisher as its source."""
    command = [PYTHON, "-u", "-m", "milk_assets", "publish", "--until", PUBLICATION, "--port", "0"]
    site = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)
    assert site.stdout is not None
    try:
        url = next((match for line in site.stdout if (match := re.search(r"http://\S+", line))), None)
        assert url, "the publisher did not print its URL"
        yield Staging(cloud, tmp_path_factory.mktemp("home"), url[0].rsplit("/", 1)[0])
    finally:
        site.terminate()
        site.wait(timeout=30)


def bearer(cloud: Cloud) -> dict[str, str]:
    return {"Authorization": f"Bearer {cloud.token()}"}


def manifest(cloud: Cloud) -> dict[str, Any]:
    file = cloud.client("s3").get_object(Bucket="milk-staging-artefacts", Key="serving/manifest.json")
    return json.loads(file["Body"].read())


def forecast(cloud: Cloud) -> dict[str, Any]:
    """Request one forecast, as an integrator does."""
    status, document = cloud.request("Tokens", FORECASTS, {"items": [SERIES]}, **bearer(cloud))
    assert status == 200, document
    return document


def test_the_platforms_buckets_exist(cloud: Cloud) -> None:
    buckets = {bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]}
    assert buckets >= {"milk-staging-lake", "milk-staging-artefacts", "milk-staging-logs"}


def test_the_endpoint_answers_503_before_a_model_is_published(cloud: Cloud) -> None:
    status, _ = cloud.request("Tokens", FORECASTS, {"items": [SERIES]}, **bearer(cloud))
    assert status == 503


def test_the_platform_publishes_its_champion_to_the_deployed_bucket(cloud: Cloud, staging: Staging) -> None:
    staging.run("milk_assets", "run", "--publication", PUBLICATION, "--trials", "1")
    published = manifest(cloud)
    assert published["data"]["publication"] == PUBLICATION
    files = cloud.client("s3").list_objects_v2(Bucket="milk-staging-artefacts", Prefix=f"models/{published['bundle'][:12]}/")
    assert files["KeyCount"] >= 2


def test_the_endpoint_answers_only_callers_with_a_valid_token(cloud: Cloud) -> None:
    document = forecast(cloud)
    assert str(manifest(cloud)["version"]) in json.dumps(document)
    assert cloud.request("Tokens", FORECASTS, {"items": [SERIES]})[0] == 401
    assert cloud.request("Tokens", FORECASTS, {"items": [SERIES]}, Authorization="Bearer of.a.test")[0] == 401
    token = cloud.token()
    forged = token[:-8] + ("A" * 8 if not token.endswith("A" * 8) else "B" * 8)
    assert cloud.request("Tokens", FORECASTS, {"items": [SERIES]}, Authorization=f"Bearer {forged}")[0] == 401


def test_each_api_requires_its_own_credentials_and_health_requires_none(cloud: Cloud) -> None:
    output = subprocess.run(
        [PYTHON, "-m", "lambda_service.api.api_keys"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    key, key_hash = (line.split()[-1] for line in output.splitlines() if line.strip())
    cloud.client("secretsmanager").put_secret_value(SecretId="milk-staging-api-keys", SecretString=key_hash)
    assert cloud.request("Keys", FORECASTS, {"items": [SERIES]}, **{"X-Api-Key": key})[0] == 200
    assert cloud.request("Keys", FORECASTS, {"items": [SERIES]}, **{"X-Api-Key": key[::-1]})[0] == 403
    assert cloud.request("Keys", FORECASTS, {"items": [SERIES]}, **bearer(cloud))[0] == 401
    assert cloud.request("Internal", FORECASTS, {"items": [SERIES]})[0] == 403
    for api in ("Tokens", "Keys", "Internal"):
        status, health = cloud.request(api, "/v1/health")
        assert (status, health["status"]) == (200, "ok")


def test_a_promotion_and_its_rollback_take_effect_without_a_deployment(cloud: Cloud, staging: Staging) -> None:
    previous = manifest(cloud)
    last_modified = cloud.client("lambda").get_function(FunctionName="milk-staging-api")["Configuration"]["LastModified"]
    other = 2 if previous["version"] == 1 else 1
    staging.run("milk_assets", "model", "promote", "--version", str(other), "--reason", "a test")
    assert manifest(cloud)["version"] == other
    assert versions(forecast(cloud)) == {other}
    staging.run("milk_assets", "model", "rollback", "--reason", "a test")
    assert manifest(cloud)["version"] == previous["version"]
    assert versions(forecast(cloud)) == {previous["version"]}
    assert cloud.client("lambda").get_function(FunctionName="milk-staging-api")["Configuration"]["LastModified"] == last_modified


def test_a_batch_of_a_thousand_series_forecasts_each(cloud: Cloud) -> None:
    """Uses the deployed state machine; the emulator passes items one by one, AWS in batches."""
    states, machine = cloud.client("stepfunctions"), "arn:aws:states:us-east-1:000000000000:stateMachine:milk-staging-batch"
    _, catalogue = cloud.request("Tokens", "/v1/series?limit=500", **bearer(cloud))
    all_series = [entry["series"] for entry in catalogue["items"]]
    requested = [all_series[index % len(all_series)] for index in range(1000)]
    execution = states.start_execution(stateMachineArn=machine, name="thousand", input=json.dumps({"series": requested}))[
        "executionArn"
    ]
    result = wait_for(states, execution)
    assert result["status"] == "SUCCEEDED", result
    results = [row for batch in json.loads(result["output"]) for row in batch]
    assert [row["series"] for row in results] == requested
    assert {row["version"] for row in results} == {manifest(cloud)["version"]}
    assert all(len(row["publications"]) == 14 and len(row["months"]) == 7 for row in results)


def test_a_batch_with_an_unknown_series_fails_at_its_plan(cloud: Cloud) -> None:
    states, machine = cloud.client("stepfunctions"), "arn:aws:states:us-east-1:000000000000:stateMachine:milk-staging-batch"
    batch_input = json.dumps({"series": ["jalisco/atlantis/uht/store"]})
    execution = states.start_execution(stateMachineArn=machine, name="unknown", input=batch_input)["executionArn"]
    result = wait_for(states, execution)
    assert result["status"] == "FAILED"
    assert "1 series are not forecast" in result["cause"]


def wait_for(states: Any, execution: str) -> dict[str, Any]:
    """Poll an execution until it has ended, and return its description."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        description: dict[str, Any] = states.describe_execution(executionArn=execution)
        if description["status"] != "RUNNING":
            return description
        time.sleep(0.5)
    raise AssertionError(f"{execution} is still running")


def versions(document: Any) -> set[int]:
    """Return every model version in a document."""
    result: set[int] = set()
    if isinstance(document, dict):
        for name, value in document.items():
            if name in {"version", "model_version"} and not isinstance(value, dict):
                result.add(int(value))
            else:
                result |= versions(value)
    elif isinstance(document, list):
        for value in document:
            result |= versions(value)
    return result
