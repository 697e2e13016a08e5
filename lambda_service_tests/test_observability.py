"""Observability: standard output has JSON logs and EMF metrics for CloudWatch, and nothing that the caller sent."""

import json
import subprocess
import sys
from typing import Any

import pytest

from lambda_service_tests.conftest import Store
from milk_assets_tests.conftest import ROOT

SECRET = "sup3rs3cret"
SCRIPT = """
import json, sys
from lambda_service.handler import handler
class Context:
    aws_request_id = "request-7"
    function_name = "milk"
for method, path, body in json.loads(sys.argv[1]):
    event = {"version": "2.0", "rawPath": path, "rawQueryString": "", "headers": {"x-api-key": "sup3rs3cret"}, "body": body,
             "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"}}
    print("answered", handler(event, Context())["statusCode"])
"""


def run(store: Store, *requests: tuple[str, str, str | None]) -> tuple[list[int], list[dict[str, Any]]]:
    """The statuses and the JSON lines on standard output of a process that answers these requests."""
    command = [sys.executable, "-c", SCRIPT, json.dumps(requests)]
    environment = {"MILK_ARTEFACTS": str(store.root), "PYTHONPATH": str(ROOT), "POWERTOOLS_SERVICE_NAME": "milk-test-api"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=environment)
    assert SECRET not in done.stdout + done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    return (
        [int(line.split()[1]) for line in lines if line.startswith("answered")],
        [json.loads(line) for line in lines if not line.startswith("answered")],
    )


@pytest.fixture
def output(store: Store) -> list[dict[str, Any]]:
    statuses, lines = run(
        store,
        ("GET", "/v1/forecasts/aguascalientes/aguascalientes/uht/store", None),
        ("GET", f"/v1/forecasts/{SECRET}/aguascalientes/uht/store", None),
        ("POST", "/v1/forecasts", json.dumps({"items": [{"series": SECRET}, {"series": "a/b/uht/store"}, {}]})),
        ("POST", "/predict", json.dumps({"Estado": SECRET})),
        ("POST", "/predict", "{" + SECRET),
        ("GET", f"/{SECRET}", None),
    )
    assert statuses == [200, 404, 200, 422, 422, 404]
    return lines


def test_each_request_is_logged_with_its_id_and_route_but_not_its_content(output: list[dict[str, Any]]) -> None:
    first, *logs = [line for line in output if "_aws" not in line]
    assert (first["message"], first["outcome"], first["version"]) == ("champion refreshed", "loaded", 2)
    assert [(log["route"], log["status"], log["cold_start"]) for log in logs] == [
        ("/v1/forecasts/<state>/<city>/<milk>/<channel>", 200, True),
        ("/v1/forecasts/<state>/<city>/<milk>/<channel>", 404, False),
        ("/v1/forecasts", 200, False),
        ("/predict", 422, False),
        ("", 422, False),
        ("", 404, False),
    ]
    assert {log["request_id"] for log in logs} == {"request-7"}
    assert {log["service"] for log in logs} == {"milk-test-api"}


def test_each_request_is_measured(output: list[dict[str, Any]]) -> None:
    measured = [line for line in output if "_aws" in line]
    assert len(measured) == 6
    (directive,) = measured[0]["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("MilkPrices", [["service"]])
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    assert units == {
        "Latency": "Milliseconds",
        "ColdStart": "Count",
        "ChampionRefreshFailed": "Count",
        "UnknownSeries": "Count",
        "ChampionAgeSeconds": "Seconds",
    }
    assert [line["ColdStart"] for line in measured] == [[1], [0], [0], [0], [0], [0]]
    assert [line["UnknownSeries"] for line in measured] == [[0], [1], [2], [0], [0], [0]]
    assert all(0 < line["Latency"][0] < 60_000 for line in measured)
    assert all(line["ChampionAgeSeconds"][0] > 0 for line in measured)


def test_a_failed_refresh_is_measured_each_time_and_logged_once(store: Store) -> None:
    store.promote(1, bundle="0" * 64)
    statuses, lines = run(store, ("GET", "/v1/health", None), ("GET", "/v1/health", None))
    assert statuses == [503, 503]
    assert [line["ChampionRefreshFailed"] for line in lines if "_aws" in line] == [[1], [1]]
    (log,) = [line for line in lines if line.get("message") == "champion refreshed"]
    assert (log["level"], log["outcome"]) == ("WARNING", "bad artefact")


def test_the_handler_imports_neither_the_platform_nor_its_libraries(store: Store) -> None:
    foreign = {"milk_assets", "dagster", "mlflow", "boto3", "requests", "uvicorn"}
    script = f"import sys, lambda_service.handler; print({foreign} & {{name.split('.')[0] for name in sys.modules}})"
    environment = {"MILK_ARTEFACTS": str(store.root), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True, env=environment)
    assert done.stdout.splitlines()[-1] == "set()"
