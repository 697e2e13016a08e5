"""From nothing to a forecast over HTTP: deployed by the CDK, filled by the platform, answered by the function.

The tests run in the order in which they stand: each goes on from where the one before it left the cloud.
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
PYTHON = os.environ.get("MILK_PYTHON") or str(ROOT / ".venv" / "bin" / "python")  # the platform's
FORECASTS = "/v1/forecasts"
SERIES = {"series": "jalisco/guadalajara/pasteurised/store"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """An emulator with Storage, Identity and Api as the CDK deployed them."""
    folder = tmp_path_factory.mktemp("cloud")
    packed = pack(folder / "endpoint", sys.executable)
    running = start(folder)
    try:
        running.cdk("bootstrap", "aws://000000000000/us-east-1")
        running.deploy(
            "milk-staging-api", "milk-staging-batch", api_zip=str(packed), s3_endpoint=running.url, champion_ttl="0.001"
        )
        yield running
    finally:
        running.stop()
        shutil.rmtree(packed)


class Staging:
    """The platform, run as a person or a task runs it: processes with MILK_ENV=staging, against the emulator's S3."""

    def __init__(self, cloud: Cloud, home: Path, source: str) -> None:
        self._told = {
            **cloud.settings,
            "MILK_ENV": "staging",
            "MILK_HOME": str(home),
            "MILK_S3_ENDPOINT": cloud.url,
            "MILK_SOURCE_URL": source,
            "PYTHONPATH": str(ROOT),
            "DAGSTER_HOME": str(home / "dagster"),
        }

    def run(self, *words: str) -> str:
        """What a command of the platform says; raises with all of it where it fails."""
        done = subprocess.run([PYTHON, "-m", *words], env=self._told, cwd=ROOT, capture_output=True, text=True, timeout=280)
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)} failed\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done.stdout


@pytest.fixture(scope="module")
def staging(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    """The platform with the sample publisher as its source."""
    words = [PYTHON, "-u", "-m", "milk_assets.commands.source", "publish", "--until", PUBLICATION, "--port", "0"]
    site = subprocess.Popen(words, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True)
    assert site.stdout is not None
    try:
        found = next((match for line in site.stdout if (match := re.search(r"http://\S+", line))), None)
        assert found, "the publisher does not say where it is"
        yield Staging(cloud, tmp_path_factory.mktemp("home"), found[0].rsplit("/", 1)[0])
    finally:
        site.terminate()
        site.wait(timeout=30)


def bearer(cloud: Cloud) -> dict[str, str]:
    return {"Authorization": f"Bearer {cloud.token()}"}


def manifest(cloud: Cloud) -> dict[str, Any]:
    found = cloud.client("s3").get_object(Bucket="milk-staging-artefacts", Key="serving/manifest.json")
    return json.loads(found["Body"].read())


def forecast(cloud: Cloud) -> dict[str, Any]:
    """One forecast, asked for as an integrator asks."""
    status, answer = cloud.ask("Tokens", FORECASTS, {"items": [SERIES]}, **bearer(cloud))
    assert status == 200, answer
    return answer


def test_the_buckets_are_those_that_the_platform_reads(cloud: Cloud) -> None:
    found = {bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]}
    assert found >= {"milk-staging-lake", "milk-staging-artefacts", "milk-staging-logs"}


def test_before_anything_is_served_the_endpoint_says_so(cloud: Cloud) -> None:
    status, _ = cloud.ask("Tokens", FORECASTS, {"items": [SERIES]}, **bearer(cloud))
    assert status == 503


def test_the_platform_writes_its_champion_to_the_deployed_bucket(cloud: Cloud, staging: Staging) -> None:
    staging.run("milk_assets", "run", "--publication", PUBLICATION, "--trials", "1")
    served = manifest(cloud)
    assert served["data"]["publication"] == PUBLICATION
    listed = cloud.client("s3").list_objects_v2(Bucket="milk-staging-artefacts", Prefix=f"models/{served['bundle'][:12]}/")
    assert listed["KeyCount"] >= 2


def test_the_endpoint_answers_who_has_a_token_and_nobody_else(cloud: Cloud) -> None:
    answer = forecast(cloud)
    assert str(manifest(cloud)["version"]) in json.dumps(answer)
    assert cloud.ask("Tokens", FORECASTS, {"items": [SERIES]})[0] == 401
    assert cloud.ask("Tokens", FORECASTS, {"items": [SERIES]}, Authorization="Bearer of.a.test")[0] == 401
    token = cloud.token()
    forged = token[:-8] + ("A" * 8 if not token.endswith("A" * 8) else "B" * 8)
    assert cloud.ask("Tokens", FORECASTS, {"items": [SERIES]}, Authorization=f"Bearer {forged}")[0] == 401


def test_each_way_in_asks_for_its_own_proof_and_health_for_none(cloud: Cloud) -> None:
    key = subprocess.run(
        [PYTHON, "-m", "lambda_service.api.api_keys"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    secret, digest = (line.split()[-1] for line in key.splitlines() if line.strip())
    cloud.client("secretsmanager").put_secret_value(SecretId="milk-staging-api-keys", SecretString=digest)
    assert cloud.ask("Keys", FORECASTS, {"items": [SERIES]}, **{"X-Api-Key": secret})[0] == 200
    assert cloud.ask("Keys", FORECASTS, {"items": [SERIES]}, **{"X-Api-Key": secret[::-1]})[0] == 403
    assert cloud.ask("Keys", FORECASTS, {"items": [SERIES]}, **bearer(cloud))[0] == 401
    assert cloud.ask("Internal", FORECASTS, {"items": [SERIES]})[0] == 403
    for way_in in ("Tokens", "Keys", "Internal"):
        status, health = cloud.ask(way_in, "/v1/health")
        assert (status, health["status"]) == (200, "ok")


def test_a_promotion_is_served_without_a_deployment_and_so_is_its_rollback(cloud: Cloud, staging: Staging) -> None:
    before = manifest(cloud)
    deployed = cloud.client("lambda").get_function(FunctionName="milk-staging-api")["Configuration"]["LastModified"]
    other = 2 if before["version"] == 1 else 1
    staging.run("milk_assets.commands.model", "promote", "--version", str(other), "--reason", "a test")
    assert manifest(cloud)["version"] == other
    assert versions(forecast(cloud)) == {other}
    staging.run("milk_assets.commands.model", "rollback", "--reason", "a test")
    assert manifest(cloud)["version"] == before["version"]
    assert versions(forecast(cloud)) == {before["version"]}
    assert cloud.client("lambda").get_function(FunctionName="milk-staging-api")["Configuration"]["LastModified"] == deployed


def test_a_map_over_a_thousand_series_forecasts_each(cloud: Cloud) -> None:
    """The state machine as the CDK deployed it; the emulator takes items one by one where AWS would batch them."""
    states, machine = cloud.client("stepfunctions"), "arn:aws:states:us-east-1:000000000000:stateMachine:milk-staging-batch"
    _, catalogue = cloud.ask("Tokens", "/v1/series?limit=500", **bearer(cloud))
    known = [entry["series"] for entry in catalogue["items"]]
    asked = [known[n % len(known)] for n in range(1000)]
    execution = states.start_execution(stateMachineArn=machine, name="thousand", input=json.dumps({"series": asked}))[
        "executionArn"
    ]
    found = finished(states, execution)
    assert found["status"] == "SUCCEEDED", found
    results = [row for batch in json.loads(found["output"]) for row in batch]
    assert [row["series"] for row in results] == asked
    assert {row["version"] for row in results} == {manifest(cloud)["version"]}
    assert all(len(row["publications"]) == 14 and len(row["months"]) == 7 for row in results)


def test_a_map_over_a_series_that_is_not_forecast_fails_at_its_plan(cloud: Cloud) -> None:
    states, machine = cloud.client("stepfunctions"), "arn:aws:states:us-east-1:000000000000:stateMachine:milk-staging-batch"
    asked = json.dumps({"series": ["jalisco/atlantis/uht/store"]})
    execution = states.start_execution(stateMachineArn=machine, name="unknown", input=asked)["executionArn"]
    found = finished(states, execution)
    assert found["status"] == "FAILED"
    assert "1 series are not forecast" in found["cause"]


def finished(states: Any, execution: str) -> dict[str, Any]:
    """An execution once it has ended; the service tells only who asks."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found: dict[str, Any] = states.describe_execution(executionArn=execution)
        if found["status"] != "RUNNING":
            return found
        time.sleep(0.5)
    raise AssertionError(f"{execution} is still running")


def versions(document: Any) -> set[int]:
    """Every model version that an answer names."""
    found: set[int] = set()
    if isinstance(document, dict):
        for name, value in document.items():
            if name in {"version", "model_version"} and not isinstance(value, dict):
                found.add(int(value))
            else:
                found |= versions(value)
    elif isinstance(document, list):
        for value in document:
            found |= versions(value)
    return found
