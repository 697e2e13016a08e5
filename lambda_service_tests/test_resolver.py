"""The resolver: methods of each path, and the record of each request."""

from typing import Any

import pytest

from lambda_service.api.middleware import HttpFrontend
from lambda_service.api.observability import RequestMetrics, RequestRecord
from lambda_service.serving.artefact_reader import ArtefactReader
from lambda_service_tests.conftest import Caller, Clock, Store, build_test_frontend

KEY = "aguascalientes/aguascalientes/uht/store"


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> list[RequestRecord]:
    """The record of each request that is answered after this."""
    answered: list[RequestRecord] = []
    monkeypatch.setattr(RequestMetrics, "request_answered", lambda _, record, **__: answered.append(record))
    return answered


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/forecasts", ["GET", "POST"]),
        (f"/v1/forecasts/{KEY}", ["GET"]),
        ("/v1/forecasts/jalisco", ["GET"]),
        ("/v1/forecasts//guadalajara", []),
        ("/v1/forecasts/a/b/c/d/e", []),
        ("/v1/reports/latest.csv", ["GET"]),
        ("/v1/reports/latestxcsv", []),
        ("/predict", ["POST"]),
        ("/", []),
    ],
)
def test_the_allowed_methods_of_a_path_are_those_of_its_routes(path: str, methods: list[str], call: Caller) -> None:
    assert call.frontend.app.allowed_methods(path) == methods


@pytest.mark.parametrize(
    ("method", "target", "body", "route", "unknown_series"),
    [
        ("GET", f"/v1/forecasts/{KEY}", None, "/v1/forecasts/<state>/<city>/<milk>/<channel>", 0),
        ("GET", "/v1/forecasts/a/b/uht/store", None, "/v1/forecasts/<state>/<city>/<milk>/<channel>", 1),
        ("GET", "/v1/series?limit=0", None, "/v1/series", 0),
        ("GET", "/v1/nothing/{secret}", None, "", 0),
        ("DELETE", "/v1/health", None, "", 0),
        ("POST", "/v1/forecasts", {"items": [{"series": "a/b/uht/store"}, {"series": KEY}, {}]}, "/v1/forecasts", 1),
        ("POST", "/predict", b"{", "", 0),
    ],
)
def test_a_request_is_recorded_with_its_declared_route(
    method: str, target: str, body: Any, route: str, unknown_series: int, call: Caller, records: list[RequestRecord]
) -> None:
    call(method, target, body)
    assert records == [RequestRecord("request-1", method, route, unknown_series)]


def test_two_endpoints_in_one_process_do_not_share_records(
    store: Store, clock: Clock, call: Caller, records: list[RequestRecord]
) -> None:
    second: HttpFrontend = build_test_frontend(ArtefactReader(str(store.root)), clock)
    for caller in (call, Caller(second), call):
        assert caller.get("/v1/forecasts/a/b/uht/store").status == 404
    assert [record.unknown_series for record in records] == [1, 1, 1]
