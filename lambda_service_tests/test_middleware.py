"""Whatever comes in, what goes out is an answer: never a stack trace, never what the caller sent."""

import json
from typing import Any

import pytest

from lambda_service.api.api_keys import hash_of
from lambda_service.api.middleware import LARGEST_BODY, Edge
from lambda_service.serving.artefact_reader import Source
from lambda_service_tests.conftest import TTL, Caller, Clock, Context, Store, edge_of
from milk_model.artefact_paths import LATEST_REPORT, REPORT_FORMATS, TRACK_RECORD

KEY = "aguascalientes/aguascalientes/uht/supermarket"
SECRET = "a key that nobody else has"


@pytest.mark.parametrize("route", ["/predict", "/v1/forecasts"])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"items": [{"series": "x", "prices": NaN}]}', "JSON has no number NaN"),
        (b"[Infinity]", "JSON has no number Infinity"),
        (b"[-Infinity]", "JSON has no number -Infinity"),
        (b'{"Estado": "Le\xf3n"}', "expected UTF-8, byte 14 is not"),
        (b"\xff\xfe{\x00}\x00", "expected UTF-8"),
        (b'{"Estado": "\\ud800"}', "half a pair"),
        (b"{", "expected JSON: .* at line 1, column 2"),
        (b"", "expected JSON"),
        (b"[" * 5000, "deeply nested"),
        (b"1" * 5000, "reasonable length"),
    ],
)
def test_a_body_that_is_no_json_is_refused(route: str, body: bytes, message: str, call: Caller) -> None:
    import re

    answer = call("POST", route, body)
    assert answer.status == 422
    assert answer.json["errors"][0]["field"] == "body"
    assert re.search(message, answer.json["detail"])


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" + "0" * 400])
def test_a_number_beyond_all_bounds_is_refused(number: str, call: Caller) -> None:
    body = f'{{"items": [{{"series": "{KEY}", "prices": [{{"date": "2024-06-12", "price": {number}}}]}}]}}'
    answer = call("POST", "/v1/forecasts", body.encode())
    assert answer.status == 200
    assert answer.json["items"][0]["problem"]["errors"][0]["field"] == "items[0].prices[0].price"


def test_a_body_that_is_too_large_is_refused_before_it_is_read(call: Caller) -> None:
    answer = call("POST", "/predict", b" " * (LARGEST_BODY + 1))
    assert answer.status == 413
    assert "512 kB" in answer.json["detail"]
    assert call("POST", "/predict", b" " * LARGEST_BODY).status == 422


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
def test_a_wrong_method_is_answered_with_those_that_are_right(method: str, target: str, allow: str, call: Caller) -> None:
    answer = call(method, target, b"{}" if method == "POST" else None)
    assert (answer.status, answer.headers["allow"]) == (405, allow)


def test_head_is_get_without_a_body(call: Caller) -> None:
    head, get = call("HEAD", f"/v1/forecasts/{KEY}"), call.get(f"/v1/forecasts/{KEY}")
    assert (head.status, head.content) == (200, b"")
    assert head.headers["etag"] == get.headers["etag"]


@pytest.mark.parametrize(
    "target", ["/", "/v2/health", "/v1/forecasts/a/b/c/d/e", "/v1/reports/latest.exe", "/%00", "/v1/../etc/passwd"]
)
def test_what_is_not_there_is_not_found(target: str, call: Caller) -> None:
    answer = call.get(target)
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")


def test_an_error_of_ours_says_nothing_of_itself_nor_of_the_request(
    call: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"{SECRET} in /srv/secret.py")

    monkeypatch.setattr("lambda_service.api.queries.forecasts", broken)
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
def test_an_event_that_is_none_of_the_gateways_is_answered_all_the_same(event: dict[str, Any], call: Caller) -> None:
    response = call.edge.answer(event, Context())
    assert response["statusCode"] in (404, 500)
    assert "Traceback" not in response["body"]


def test_keys_are_asked_for_where_they_are_set_on_everything_but_health_and_the_documentation(store: Store, clock: Clock) -> None:
    edge = edge_of(Source(str(store.root)), clock, frozenset({hash_of(SECRET), hash_of("another")}))
    call = Caller(edge)
    for target in (f"/v1/forecasts/{KEY}", "/v1/series", "/v1/model", "/v1/reports/latest", "/v1/track-record", "/nothing"):
        refused = call.get(target)
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "ApiKey")
        assert call.get(target, x_api_key="wrong").status == 401
    assert call.post("/predict", {}).status == 401
    for target in ("/v1/health", "/docs", "/openapi.json"):
        assert call.get(target).status == 200
    assert call.get("/v1/series", x_api_key=SECRET).status == 200
    assert Caller(edge, {"X-Api-Key": "another"}).get("/v1/series").status == 200


# --- documents


@pytest.fixture
def reports(store: Store) -> dict[str, bytes]:
    contents = {"html": "<p>Le\u00f3n</p>".encode(), "json": b'{"day": 1}', "csv": b"a,b\n", "xlsx": b"PK\x03\x04\xff\x00"}
    for suffix, content in contents.items():
        store.write(f"{LATEST_REPORT}/report.{suffix}", content)
    return contents


@pytest.mark.parametrize("suffix", list(REPORT_FORMATS))
def test_the_report_comes_in_the_format_its_suffix_names(suffix: str, reports: dict[str, bytes], call: Caller) -> None:
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
def test_the_report_comes_in_the_format_accept_prefers(accept: str, suffix: str, reports: dict[str, bytes], call: Caller) -> None:
    answer = call.get("/v1/reports/latest", accept=accept)
    assert (answer.content, answer.headers["vary"]) == (reports[suffix], "Accept")


def test_a_format_that_is_none_of_them_is_refused(reports: dict[str, bytes], call: Caller) -> None:
    assert reports
    answer = call.get("/v1/reports/latest", accept="image/png")
    assert (answer.status, "text/csv" in answer.json["detail"]) == (406, True)


def test_a_report_and_a_track_record_that_are_not_there_yet_are_not_found_and_then_found(
    call: Caller, store: Store, clock: Clock
) -> None:
    for target in ("/v1/reports/latest", "/v1/track-record"):
        assert call.get(target).status == 404
    store.write(TRACK_RECORD, b'{"schema": 1}')
    clock.seconds += TTL
    assert call.get("/v1/track-record").json == {"schema": 1}


def test_a_report_is_kept_while_the_store_is_down_and_renewed_when_it_is_back(
    store: Store, clock: Clock, reports: dict[str, bytes]
) -> None:
    from lambda_service.serving.artefact_reader import SourceError

    assert reports

    class Flaky(Source):
        down = False

        def read(self, path: str, known: str | None = None) -> Any:
            if Flaky.down:
                raise SourceError("down")
            return super().read(path, known)

    edge: Edge = edge_of(Flaky(str(store.root)), clock)
    call = Caller(edge)
    assert call.get("/v1/reports/latest.json").json == {"day": 1}
    Flaky.down = True
    clock.seconds += TTL
    assert call.get("/v1/reports/latest.json").json == {"day": 1}
    refused = call.get("/v1/reports/latest.csv")
    assert (refused.status, refused.headers["retry-after"]) == (503, "60")
    Flaky.down = False
    store.write(f"{LATEST_REPORT}/report.json", json.dumps({"day": 2}).encode())
    clock.seconds += TTL
    assert call.get("/v1/reports/latest.json").json == {"day": 2}
