"""The OpenAPI file is the application's, and the application answers as the file says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import lambda_service
from lambda_service.api.api_keys import hash_of
from lambda_service.api.openapi import openapi
from lambda_service.serving.artefact_reader import Source
from lambda_service_tests.conftest import Caller, Clock, Store, edge_of
from lambda_service_tests.local_server import listening
from milk_model.artefact_paths import LATEST_REPORT, REPORT_FORMATS, TRACK_RECORD

KEY = "a key"
COMMITTED = Path(lambda_service.__file__).parent / "openapi.json"


def test_the_committed_file_is_the_applications(call: Caller) -> None:
    assert openapi(call.edge.app) == COMMITTED.read_text(), "write it anew: python -m lambda_service --write-openapi"
    assert call.get("/openapi.json").content == COMMITTED.read_bytes()


def test_it_is_openapi_3_1_and_lists_every_route() -> None:
    document = json.loads(COMMITTED.read_text())
    assert document["openapi"] == "3.1.0"
    operations = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert operations >= {
        "GET /v1/health",
        "GET /v1/model",
        "GET /v1/series",
        "GET /v1/forecasts",
        "GET /v1/forecasts/{state}/{city}/{milk}/{channel}",
        "POST /v1/forecasts",
        "POST /predict",
        "GET /v1/reports/latest",
        "GET /v1/track-record",
    }
    assert document["paths"]["/v1/health"]["get"]["security"] == [{}]
    assert document["security"] == [{"apiKey": []}, {"token": []}]


def test_the_swagger_page_needs_nothing_from_elsewhere(call: Caller) -> None:
    page = call.get("/docs")
    assert (page.status, page.headers["content-type"]) == (200, "text/html")
    text = page.content.decode()
    assert "/v1/forecasts/{state}/{city}/{milk}/{channel}" in text
    assert call.get("/docs?format=json").content == COMMITTED.read_bytes()
    assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="http', text) == []


def test_every_operation_answers_as_the_file_says(store: Store, clock: Clock, tmp_path: Path) -> None:
    """schemathesis: its examples, every limit of the schema, and cases of its own, valid and not."""
    for suffix in REPORT_FORMATS:
        store.write(f"{LATEST_REPORT}/report.{suffix}", b"{}")
    store.write(TRACK_RECORD, b"{}")
    # which dates can be forecast changes with every publication, and no file can say it
    unsayable = '[[operations]]\ninclude-path = "/predict"\nchecks.positive_data_acceptance.enabled = false\n'
    (tmp_path / "schemathesis.toml").write_text(unsayable)
    edge = edge_of(Source(str(store.root)), clock, frozenset({hash_of(KEY)}))
    with listening(edge) as (host, port):
        address = ("--url", f"http://{host}:{port}", "--header", f"x-api-key: {KEY}")
        bounds = ("--max-examples", "8", "--generation-deterministic", "--phases", "examples,coverage,fuzzing", "--no-color")
        run = subprocess.run(
            [Path(sys.executable).with_name("st"), "run", COMMITTED, *address, *bounds],
            cwd=tmp_path,
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert run.returncode == 0, run.stdout[-6000:]
    assert "Tested: 13" in run.stdout
