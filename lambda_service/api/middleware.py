"""Middleware: what happens to every request before its route, and to every response after it.

Belongs here: API keys, body size and encoding, ETags, common headers, and the answer to unexpected errors. Not here: routes (`routes`).

These are not Powertools middlewares: Powertools validates a request before it calls them and skips them on errors, but the key and the
body must be checked before validation, and error responses need the common headers too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import time
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote

from lambda_service.api.api_keys import API_KEY_HEADER, is_valid_key
from lambda_service.api.application import JSON_BODY_PATHS, PUBLIC_PATHS, build_app
from lambda_service.api.observability import RequestMetrics, RequestRecord
from lambda_service.api.problems import INTERNAL_ERROR, PROBLEM_CONTENT_TYPE, Problem, field_problem
from lambda_service.api.queries import age_seconds
from lambda_service.api.routes.common import NO_STORE, EndpointServices

MAX_BODY_BYTES = 512 * 1024  # 500 items by name take 80 kB; with a month of own prices each, 300 kB
LambdaEvent = dict[str, Any]
LambdaResponse = dict[str, Any]


class HttpFrontend:
    """Answers HTTP API events of payload format 2.0, the format of API Gateway."""

    def __init__(self, services: EndpointServices, metrics: RequestMetrics, key_hashes: Collection[str] = ()) -> None:
        """
        Args:
            services: what the routes answer from.
            metrics: receives the outcome of each request.
            key_hashes: sha256 of the valid API keys; empty when the gateway in front already authenticates callers.
        """
        self._services, self._metrics, self._key_hashes = services, metrics, key_hashes
        self._logged_refresh: tuple[str, str | None, int | None] | None = None
        self.app = build_app(services)

    def load_champion(self) -> None:
        """Load the champion before the first request. A failure is logged; the next request retries."""
        self._services.champion.refresh()
        self._log_refresh()

    def respond(self, event: Mapping[str, Any], context: Any) -> LambdaResponse:
        """The response to an event. Never raises: an unexpected error is answered with 500.

        Args:
            event: of payload format 2.0; other events are answered with a problem.
            context: Lambda's, with `aws_request_id`.
        """
        started = time.perf_counter()
        request_context = event.get("requestContext") or {}
        request_id = str(getattr(context, "aws_request_id", None) or request_context.get("requestId") or "")
        method = str((request_context.get("http") or {}).get("method") or "").upper()
        record = RequestRecord(request_id, method)
        try:
            checked_event = self._check(event)
            self.app.start_record(record)
            response = self.app.resolve(checked_event, context)
        except Problem as problem:
            response = _problem_response(problem)
        except Exception as error:
            record.error = error
            response = _problem_response(INTERNAL_ERROR)
        if record.error is not None:
            self._metrics.request_failed(record.request_id, record.error)
        response = self._finish(response, event, record)
        self._log_answer(record, response["statusCode"], (time.perf_counter() - started) * 1000)
        return response

    def _check(self, event: Mapping[str, Any]) -> LambdaEvent:
        """The event for the resolver: with a valid key, a decoded path and a body of strict JSON.

        Raises:
            Problem: 401 without a valid key, 413 for a body that is too large, 422 for one that is not JSON.
        """
        headers = _lower_case(event.get("headers"))
        path = unquote(event.get("rawPath") or "/", errors="replace")
        http = dict(event["requestContext"]["http"])
        needs_key = bool(self._key_hashes) and path not in PUBLIC_PATHS
        if needs_key and not is_valid_key(str(headers.get(API_KEY_HEADER, "")), self._key_hashes):
            raise Problem(401, f"expected a valid key in the header {API_KEY_HEADER}", headers={"WWW-Authenticate": "ApiKey"})
        if http["method"].upper() == "HEAD":
            http["method"] = "GET"
        checked = {**event, "headers": headers, "rawPath": path, "isBase64Encoded": False, "body": None}
        checked["requestContext"] = {**event["requestContext"], "http": {**http, "path": path}}
        if http["method"].upper() == "POST" and path in JSON_BODY_PATHS:
            headers["content-type"] = "application/json"  # the only accepted type, whatever the caller declares
            checked["body"] = strict_json(_body_bytes(event))
        return checked

    def _finish(self, response: LambdaResponse, event: Mapping[str, Any], record: RequestRecord) -> LambdaResponse:
        """The response with the common headers and an ETag; without its body for HEAD and for an unchanged ETag."""
        headers = _lower_case(response.get("headers"))
        headers |= {"x-request-id": record.request_id, "x-content-type-options": "nosniff"}
        market = self._services.champion.loaded
        if market is not None:
            headers["x-model-version"] = str(market.manifest.version)
            headers["x-model-age"] = str(age_seconds(market, self._services.now()))
        is_read = record.method in ("GET", "HEAD")
        if response["statusCode"] == 200 and is_read and headers.get("cache-control") != NO_STORE:
            body = response.get("body") or ""
            headers["etag"] = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
            if _etag_matches(str(_lower_case(event.get("headers")).get("if-none-match", "")), headers["etag"]):
                headers.pop("content-type", None)
                return {**response, "statusCode": 304, "headers": headers, "body": "", "isBase64Encoded": False}
        if record.method == "HEAD":
            return {**response, "headers": headers, "body": "", "isBase64Encoded": False}
        return {**response, "headers": headers}

    def _log_answer(self, record: RequestRecord, status: int, milliseconds: float) -> None:
        champion = self._services.champion
        market = champion.loaded
        self._log_refresh()
        self._metrics.request_answered(
            record,
            status=status,
            milliseconds=milliseconds,
            version=market.manifest.version if market else None,
            age_seconds=age_seconds(market, self._services.now()) if market else None,
            refresh_failed=champion.last_refresh.has_failed,
        )

    def _log_refresh(self) -> None:
        """Log the last check of the store once for each change, so that a store that stays down does not fill the log."""
        champion = self._services.champion
        market, last_refresh = champion.loaded, champion.last_refresh
        refresh = (last_refresh.outcome, last_refresh.reason, market.manifest.version if market else None)
        if refresh != self._logged_refresh and last_refresh.outcome != "unchanged":
            self._metrics.champion_refreshed(*refresh)
        self._logged_refresh = refresh


def strict_json(content: bytes) -> str:
    """The text of a JSON body.

    Raises:
        Problem: with status 422: not UTF-8, not JSON, or with values outside the JSON standard, such as NaN.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise field_problem("body", f"expected UTF-8, byte {error.start} is not") from None
    try:
        document = json.loads(text, parse_constant=_reject_constant)
        json.dumps(document, ensure_ascii=False).encode()  # raises on half a surrogate pair, which an answer could not repeat
    except json.JSONDecodeError as error:
        raise field_problem("body", f"expected JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except UnicodeEncodeError:
        raise field_problem("body", "expected text that can be encoded: a character is half a surrogate pair") from None
    except RecursionError:
        raise field_problem("body", "expected JSON that is less deeply nested") from None
    except ValueError:
        raise field_problem("body", "expected numbers of reasonable length") from None
    return text


def _reject_constant(name: str) -> float:
    raise field_problem("body", f"JSON has no number {name}: leave the field out, or send null")


def _body_bytes(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    is_encoded = bool(event.get("isBase64Encoded"))
    max_length = MAX_BODY_BYTES * 4 // 3 + 4 if is_encoded else MAX_BODY_BYTES
    if len(body) > max_length:
        raise _body_too_large()
    try:
        content = base64.b64decode(body, validate=True) if is_encoded else body.encode()
    except (binascii.Error, UnicodeEncodeError):
        raise field_problem("body", "expected UTF-8") from None
    if len(content) > MAX_BODY_BYTES:
        raise _body_too_large()
    return bytes(content)


def _body_too_large() -> Problem:
    return Problem(413, f"expected a body of at most {MAX_BODY_BYTES // 1024} kB: split it into several requests")


def _lower_case(headers: Mapping[str, Any] | None) -> dict[str, Any]:
    return {str(name).lower(): value for name, value in (headers or {}).items()}


def _etag_matches(if_none_match: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags


def _problem_response(problem: Problem) -> LambdaResponse:
    headers = {"Content-Type": PROBLEM_CONTENT_TYPE, "Cache-Control": NO_STORE, **problem.headers}
    return {"statusCode": problem.status, "headers": headers, "body": problem.body(), "isBase64Encoded": False, "cookies": []}
