"""OpenAPI: the committed document matches the application, and the application answers as the document declares."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import lambda_service
from lambda_service.api.api_keys import hash_of
from lambda_service.api.openapi import openapi_document
from lambda_service.serving.artefact_reader import ArtefactReader
from lambda_service_tests.conftest import Caller, Clock, Store, build_test_frontend
from lambda_service_tests.local_server import serve_on_loopback
from milk_model.artefact_paths import LATEST_REPORT, REPORT_FORMATS, TRACK_RECORD

KEY = "a key"
COMMITTED = Path(lambda_service.__file__).parent / "openapi.json"


def test_the_committed_document_matches_the_application(call: Caller) -> None:
    assert openapi_document(call.frontend.app) == COMMITTED.read_text(), "rewrite it: python -m lambda_service --write-openapi"
    assert call.get("/openapi.json").content == COMMITTED.read_bytes()


def test_the_document_is_openapi_3_1_and_lists_every_route() -> None:
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


def test_the_swagger_page_loads_nothing_from_the_network(call: Caller) -> None:
    page = call.get("/docs")
    assert (page.status, page.headers["content-type"]) == (200, "text/html")
    text = page.content.decode()
    assert "/v1/forecasts/{state}/{city}/{milk}/{channel}" in text
    assert call.get("/docs?format=json").content == COMMITTED.read_bytes()
    assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="http', text) == []


def test_every_operation_answers_as_declared(store: Store, clock: Clock, tmp_path: Path) -> None:
    """schemathesis sends the examples, every limit of the schemas, and generated requests, valid and invalid."""
    for suffix in REPORT_FORMATS:
        store.write(f"{LATEST_REPORT}/report.{suffix}", b"{}")
    store.write(TRACK_RECORD, b"{}")
    # the dates that /predict accepts change with every publication, so a schema cannot declare them
    configuration = '[[operations]]\ninclude-path = "/predict"\nchecks.positive_data_acceptance.enabled = false\n'
    (tmp_path / "schemathesis.toml").write_text(configuration)
    frontend = build_test_frontend(ArtefactReader(str(store.root)), clock, frozenset({hash_of(KEY)}))
    with serve_on_loopback(frontend) as (host, port):
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
