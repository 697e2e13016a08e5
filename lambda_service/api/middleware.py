"""The edge: what every request passes before a route, and every answer after it.

Belongs here: keys, sizes, encodings, ETags, headers that every answer carries, and the last net under errors. Routes are `app`'s.
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

from lambda_service.api import problems, queries
from lambda_service.api.api_keys import is_known
from lambda_service.api.observability import Observer
from lambda_service.api.problems import Problem, invalid_field
from lambda_service.api.routes import OPEN, OURS, Deps, build_app, methods

LARGEST_BODY = 512 * 1024  # bytes; 500 items of names take 80 kB, with a month of own prices each 300 kB
KEY = "x-api-key"
Event = dict[str, Any]


class Edge:
    """Answers API Gateway's events of payload format 2.0. hashes: sha256 of known keys; none: whoever is in front has asked."""

    def __init__(self, deps: Deps, observer: Observer, hashes: Collection[str] = ()) -> None:
        self._deps, self._observer, self._hashes = deps, observer, hashes
        self._route = ""
        self._outcome: tuple[str, str | None, int | None] | None = None
        self._request_id, self._unknown = "", 0
        self.app = build_app(deps, self)

    def warm(self) -> None:
        """Load what is served before the first request. A failure is told, and tried again by whoever asks."""
        self._deps.champion.refresh()
        self._tell_refresh()

    def answer(self, event: Mapping[str, Any], context: Any) -> Event:
        """The response to an event, whatever is in it."""
        started = time.perf_counter()
        request = event.get("requestContext") or {}
        request_id = str(getattr(context, "aws_request_id", None) or request.get("requestId") or "")
        method = str((request.get("http") or {}).get("method") or "").upper()
        self._route, self._request_id, self._unknown = "", request_id, 0
        try:
            response = self.app.resolve(self._checked(event), context)
        except Problem as problem:
            response = _response(problem)
        except Exception as error:
            self.failed(error)
            response = _response(OURS)
        response = self._finished(response, event, method, request_id)
        self._tell(response, method, request_id, (time.perf_counter() - started) * 1000)
        return response

    def matched(self, route: str) -> None:
        """As `Watch`."""
        self._route = route

    def failed(self, error: Exception) -> None:
        """As `Watch`."""
        self._observer.failed(self._request_id, error)

    def unknown(self, count: int) -> None:
        """As `Watch`."""
        self._unknown += count

    def _checked(self, event: Mapping[str, Any]) -> Event:
        """The event, authenticated, with a body that is JSON as JSON is defined."""
        headers = {str(name).lower(): value for name, value in (event.get("headers") or {}).items()}
        path = unquote(event.get("rawPath") or "/", errors="replace")
        http = dict(event["requestContext"]["http"])
        if self._hashes and path not in OPEN and not is_known(str(headers.get(KEY, "")), self._hashes):
            raise Problem(401, f"expected a valid key in the header {KEY}", headers={"WWW-Authenticate": "ApiKey"})
        if http["method"].upper() == "HEAD":
            http["method"] = "GET"
        checked = {**event, "headers": headers, "rawPath": path, "isBase64Encoded": False, "body": None}
        checked["requestContext"] = {**event["requestContext"], "http": {**http, "path": path}}
        if http["method"].upper() == "POST" and "POST" in methods(self.app, path):
            headers["content-type"] = "application/json"  # whatever it says: nothing else is read
            checked["body"] = json_text(_bytes(event))
        return checked

    def _finished(self, response: Event, event: Mapping[str, Any], method: str, request_id: str) -> Event:
        headers = {name.lower(): value for name, value in (response.get("headers") or {}).items()}
        headers |= {"x-request-id": request_id, "x-content-type-options": "nosniff"}
        market = self._deps.champion.newest
        if market is not None:
            headers |= {
                "x-model-version": str(market.manifest["version"]),
                "x-model-age": str(queries.age(market, self._deps.now())),
            }
        body = response.get("body") or ""
        asked = {str(name).lower(): value for name, value in (event.get("headers") or {}).items()}
        if response["statusCode"] == 200 and method in ("GET", "HEAD") and headers.get("cache-control") != "no-store":
            headers["etag"] = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
            if _matches(str(asked.get("if-none-match", "")), headers["etag"]):
                headers.pop("content-type", None)
                return {**response, "statusCode": 304, "headers": headers, "body": "", "isBase64Encoded": False}
        if method == "HEAD":
            return {**response, "headers": headers, "body": "", "isBase64Encoded": False}
        return {**response, "headers": headers}

    def _tell(self, response: Event, method: str, request_id: str, milliseconds: float) -> None:
        champion = self._deps.champion
        market, refreshed = champion.newest, champion.refreshed
        version = market and market.manifest["version"]
        self._tell_refresh()
        self._observer.answered(
            request_id=request_id,
            method=method,
            route=self._route,
            status=response["statusCode"],
            milliseconds=milliseconds,
            version=version,
            age=market and queries.age(market, self._deps.now()),
            failed=refreshed.failed,
            unknown=self._unknown,
        )

    def _tell_refresh(self) -> None:
        """Once for each change: a store that stays down is not news."""
        champion = self._deps.champion
        market, refreshed = champion.newest, champion.refreshed
        outcome = (refreshed.outcome, refreshed.reason, int(market.manifest["version"]) if market else None)
        if outcome != self._outcome and refreshed.outcome != "unchanged":
            self._observer.refreshed(*outcome)
        self._outcome = outcome


def json_text(content: bytes) -> str:
    """The text of a JSON body. Raises Problem 422: it is no UTF-8, no JSON, or holds what JSON has no word for."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise invalid_field("body", f"expected UTF-8, byte {error.start} is not") from None
    try:
        document = json.loads(text, parse_constant=_refuse)
        json.dumps(document, ensure_ascii=False).encode()  # half a surrogate pair could not be answered
    except json.JSONDecodeError as error:
        raise invalid_field("body", f"expected JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except UnicodeEncodeError:
        raise invalid_field("body", "expected text that can be encoded: a character is half a pair") from None
    except RecursionError:
        raise invalid_field("body", "expected JSON that is less deeply nested") from None
    except ValueError:
        raise invalid_field("body", "expected numbers of reasonable length") from None
    return text


def _refuse(name: str) -> float:
    raise invalid_field("body", f"JSON has no number {name}: leave the field out, or send null")


def _bytes(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    encoded = bool(event.get("isBase64Encoded"))
    if len(body) > (LARGEST_BODY * 4 // 3 + 4 if encoded else LARGEST_BODY):
        raise too_large()
    try:
        content = base64.b64decode(body, validate=True) if encoded else body.encode()
    except (binascii.Error, UnicodeEncodeError):
        raise invalid_field("body", "expected UTF-8") from None
    if len(content) > LARGEST_BODY:
        raise too_large()
    return bytes(content)


def too_large() -> Problem:
    """The problem of a body that is longer than any should be."""
    return Problem(413, f"expected a body of at most {LARGEST_BODY // 1024} kB: send it in parts")


def _matches(if_none_match: str, etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags


def _response(problem: Problem) -> Event:
    headers = {"Content-Type": problems.CONTENT_TYPE, "Cache-Control": "no-store", **problem.headers}
    return {"statusCode": problem.status, "headers": headers, "body": problem.body(), "isBase64Encoded": False, "cookies": []}
