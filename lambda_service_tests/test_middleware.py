"""The middleware: bodies, methods, keys, errors and report files. No response contains a stack trace or secret input."""

import json
from typing import Any

import pytest

from lambda_service.api.api_keys import hash_of
from lambda_service.api.middleware import MAX_BODY_BYTES, HttpFrontend
from lambda_service.serving.artefact_reader import Artefact, ArtefactError, ArtefactReader
from lambda_service_tests.conftest import TTL, Caller, Clock, Context, Store, build_test_frontend
from milk_model.artefact_paths import LATEST_REPORT, REPORT_FORMATS, TRACK_RECORD

KEY = "aguascalientes/aguascalientes/uht/supermarket"
SECRET = "a key of one caller only"


@pytest.mark.parametrize("route", ["/predict", "/v1/forecasts"])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"items": [{"series": "x", "prices": NaN}]}', "JSON has no number NaN"),
        (b"[Infinity]", "JSON has no number Infinity"),
        (b"[-Infinity]", "JSON has no number -Infinity"),
        (b'{"Estado": "Le\xf3n"}', "expected UTF-8, byte 14 is not"),
        (b"\xff\xfe{\x00}\x00", "expected UTF-8"),
        (b'{"Estado": "\\ud800"}', "half a surrogate pair"),
        (b"{", "expected JSON: .* at line 1, column 2"),
        (b"", "expected JSON"),
        (b"[" * 5000, "deeply nested"),
        (b"1" * 5000, "reasonable length"),
    ],
)
def test_a_body_that_is_not_json_is_rejected(route: str, body: bytes, message: str, call: Caller) -> None:
    import re

    answer = call("POST", route, body)
    assert answer.status == 422
    assert answer.json["errors"][0]["field"] == "body"
    assert re.search(message, answer.json["detail"])


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" + "0" * 400])
def test_a_number_out_of_range_is_rejected(number: str, call: Caller) -> None:
    body = f'{{"items": [{{"series": "{KEY}", "prices": [{{"date": "2024-06-12", "price": {number}}}]}}]}}'
    answer = call("POST", "/v1/forecasts", body.encode())
    assert answer.status == 200
    assert answer.json["items"][0]["problem"]["errors"][0]["field"] == "items[0].prices[0].price"


def test_a_body_that_is_too_large_is_rejected_before_it_is_parsed(call: Caller) -> None:
    answer = call("POST", "/predict", b" " * (MAX_BODY_BYTES + 1))
    assert answer.status == 413
    assert "512 kB" in answer.json["detail"]
    assert call("POST", "/predict", b" " * MAX_BODY_BYTES).status == 422


@pytest.mark.parametrize(
    ("method", "target", "allow"),
    [
        ("DELETE", "/v1/health", "HEAD, GET"),
        ("GET", "/predict", "POST"),
        ("PUT", "/v1/forecasts", "HEAD, GET, POST"),
        ("POST", f"/v1/forecasts/{KEY}", "HEAD, GET"),
        ("TRACE", "/v1/series", "HEAD, GET"),
    ],
)
def test_a_wrong_method_is_answered_with_the_allowed_methods(method: str, target: str, allow: str, call: Caller) -> None:
    answer = call(method, target, b"{}" if method == "POST" else None)
    assert (answer.status, answer.headers["allow"]) == (405, allow)


def test_head_is_get_without_a_body(call: Caller) -> None:
    head, get = call("HEAD", f"/v1/forecasts/{KEY}"), call.get(f"/v1/forecasts/{KEY}")
    assert (head.status, head.content) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]


@pytest.mark.parametrize(
    "target", ["/", "/v2/health", "/v1/forecasts/a/b/c/d/e", "/v1/reports/latest.exe", "/%00", "/v1/../etc/passwd"]
)
def test_an_unknown_path_is_not_found(target: str, call: Caller) -> None:
    answer = call.get(target)
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


def test_an_internal_error_reveals_nothing_about_itself_or_the_request(
    call: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"{SECRET} in /srv/secret.py")

    monkeypatch.setattr("lambda_service.api.queries.forecasts_of", fail)
    answer = call.get(f"/v1/forecasts/{KEY}")
    assert answer.status == 500
    assert set(answer.json) == {"type", "title", "status", "detail"}
    assert answer.headers["x-request-id"] == "request-1"
    assert SECRET not in answer.content.decode() + caplog.text
    (failed,) = (vars(record) for record in caplog.records if record.message == "failed")
    assert failed["error"] == "RuntimeError"
    assert "test_middleware.py" in failed["where"][-1]
    assert SECRET not in str(failed)


@pytest.mark.parametrize("event", [{}, {"requestContext": {}}, {"requestContext": {"http": {"method": "GET"}}, "rawPath": None}])
def test_an_event_of_another_format_is_answered_with_a_problem(event: dict[str, Any], call: Caller) -> None:
    response = call.frontend.respond(event, Context())
    assert response["statusCode"] in (404, 500)
    assert "Traceback" not in response["body"]


def test_a_key_is_required_on_all_routes_except_health_and_documentation(store: Store, clock: Clock) -> None:
    frontend = build_test_frontend(ArtefactReader(str(store.root)), clock, frozenset({hash_of(SECRET), hash_of("another")}))
    call = Caller(frontend)
    for target in (f"/v1/forecasts/{KEY}", "/v1/series", "/v1/model", "/v1/reports/latest", "/v1/track-record", "/nothing"):
        refused = call.get(target)
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "ApiKey")
        assert call.get(target, x_api_key="wrong").status == 401
    assert call.post("/predict", {}).status == 401
    for target in ("/v1/health", "/docs", "/openapi.json"):
        assert call.get(target).status == 200
    assert call.get("/v1/series", x_api_key=SECRET).status == 200
    assert Caller(frontend, {"X-Api-Key": "another"}).get("/v1/series").status == 200


# --- report files


@pytest.fixture
def reports(store: Store) -> dict[str, bytes]:
    contents = {"html": "<p>Le\u00f3n</p>".encode(), "json": b'{"day": 1}', "csv": b"a,b\n", "xlsx": b"PK\x03\x04\xff\x00"}
    for suffix, content in contents.items():
        store.write(f"{LATEST_REPORT}/report.{suffix}", content)
    return contents


@pytest.mark.parametrize("suffix", list(REPORT_FORMATS))
def test_the_report_is_served_in_the_format_of_its_suffix(suffix: str, reports: dict[str, bytes], call: Caller) -> None:
    answer = call.get(f"/v1/reports/latest.{suffix}")
    assert (answer.status, answer.content) == (200, reports[suffix])
    assert answer.headers["content-type"] == REPORT_FORMATS[suffix]
    assert call.get(f"/v1/reports/latest.{suffix}", if_none_match=answer.headers["etag"]).status == 304


@pytest.mark.parametrize(
    ("accept", "suffix"),
    [
        ("", "html"),
        ("*/*", "html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "html"),
        ("application/json", "json"),
        ("text/csv", "csv"),
        ("text/csv;q=0.5, application/json;q=0.9", "json"),
        ("application/*", "json"),
        ("text/html;q=0, */*", "json"),
        (REPORT_FORMATS["xlsx"], "xlsx"),
    ],
)
def test_the_report_is_served_in_the_format_that_accept_prefers(
    accept: str, suffix: str, reports: dict[str, bytes], call: Caller
) -> None:
    answer = call.get("/v1/reports/latest", accept=accept)
    assert (answer.content, answer.headers["vary"]) == (reports[suffix], "Accept")


def test_an_unavailable_report_format_is_rejected(reports: dict[str, bytes], call: Caller) -> None:
    assert reports
    answer = call.get("/v1/reports/latest", accept="image/png")
    assert (answer.status, "text/csv" in answer.json["detail"]) == (406, True)


def test_a_missing_report_and_track_record_are_not_found_until_they_are_written(call: Caller, store: Store, clock: Clock) -> None:
    for target in ("/v1/reports/latest", "/v1/track-record"):
        assert call.get(target).status == 404
    store.write(TRACK_RECORD, b'{"schema": 1}')
    clock.seconds += TTL
    assert call.get("/v1/track-record").json == {"schema": 1}


def test_a_report_is_served_from_the_cache_while_the_store_is_down(store: Store, clock: Clock, reports: dict[str, bytes]) -> None:
    assert reports

    class Flaky(ArtefactReader):
        is_down = False

        def read_if_changed(self, path: str, etag: str | None) -> Artefact | None:
            if Flaky.is_down:
                raise ArtefactError("down")
            return super().read_if_changed(path, etag)

    frontend: HttpFrontend = build_test_frontend(Flaky(str(store.root)), clock)
    call = Caller(frontend)
    assert call.get("/v1/reports/latest.json").json == {"day": 1}
    Flaky.is_down = True
    clock.seconds += TTL
    assert call.get("/v1/reports/latest.json").json == {"day": 1}
    refused = call.get("/v1/reports/latest.csv")
    assert (refused.status, refused.headers["retry-after"]) == (503, "60")
    Flaky.is_down = False
    store.write(f"{LATEST_REPORT}/report.json", json.dumps({"day": 2}).encode())
    clock.seconds += TTL
    assert call.get("/v1/reports/latest.json").json == {"day": 2}
