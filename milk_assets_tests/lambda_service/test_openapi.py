"""The OpenAPI file is the application's, and the application answers as the file says."""

import json
from pathlib import Path
from typing import Any

import pytest

import lambda_service
from lambda_service.app import openapi
from milk_assets_tests.lambda_service.conftest import Caller

COMMITTED = Path(lambda_service.__file__).parent / "openapi.json"


def test_the_committed_file_is_the_applications(call: Caller) -> None:
    assert openapi(call.edge.app) == COMMITTED.read_text(), "write it anew: python -m lambda_service openapi"
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
    import re

    page = call.get("/docs")
    assert (page.status, page.headers["content-type"]) == (200, "text/html")
    text = page.content.decode()
    assert "/v1/forecasts/{state}/{city}/{milk}/{channel}" in text
    assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="http', text) == []


@pytest.fixture(scope="session")
def checked() -> Any:
    schemathesis = pytest.importorskip("schemathesis")
    return schemathesis
