"""The health check of the endpoint: one plain function, asked by the platform's schedule and by the cloud's canary alike.

Belongs here: one request and the judgement on its answer, standard library only, so that a canary can hold a copy. When to ask, and
whom to tell, is elsewhere.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

ROUTE = "/v1/health"
TIMEOUT = 10.0  # seconds for the whole answer: a cold start takes little more than one
LONGEST_ANSWER = 64_000  # bytes; a health answer is a few hundred
WELL = ("ok", "healthy", "up", "pass")  # what an answer's `status`, where it gives one, may say


class HealthError(RuntimeError):
    """The endpoint did not answer as a healthy one does: says what was asked, what was expected and what came."""


def check(url: str, timeout: float = TIMEOUT) -> dict[str, Any]:
    """Ask an endpoint how it is. Returns {"url", "seconds", "answer"}: the address asked, how long it took, the JSON object it gave.

    url: the endpoint's base address, or that of its health route. timeout: seconds, for connecting and for each read.
    Raises HealthError on an answer other than 200, a body that is no JSON object, a `status` that is not well, none in time, or no
    connection; ValueError on an address that is not http(s). Redirects are not followed: a login page is not health.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"expected an http(s) address of the endpoint, got {parts.scheme or 'nothing'}://{parts.hostname or ''}")
    path = parts.path.rstrip("/")
    port = f":{parts.port}" if parts.port else ""
    # without credentials and query, which may hold a key, and which no message should repeat
    shown = f"{parts.scheme}://{parts.hostname}{port}{path if path.endswith(ROUTE) else path + ROUTE}"
    request = urllib.request.Request(shown, headers={"Accept": "application/json"})  # noqa: S310  the scheme was checked
    started = time.monotonic()
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=timeout) as answer:
            status, content = answer.status, answer.read(LONGEST_ANSWER)
    except urllib.error.HTTPError as error:
        with error:
            raise HealthError(f"{shown}: expected HTTP 200, got {error.code}") from None
    except (OSError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", None) or error
        raise HealthError(f"{shown}: expected an answer within {timeout:g} s, got {type(cause).__name__}: {cause}") from None
    seconds = time.monotonic() - started
    if status != http.client.OK:
        raise HealthError(f"{shown}: expected HTTP 200, got {status}")
    return {"url": shown, "seconds": round(seconds, 3), "answer": _judged(shown, content)}


def _judged(shown: str, content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except ValueError:
        raise HealthError(f"{shown}: expected a JSON object, got {content[:80]!r}") from None
    if not isinstance(answer, dict):
        raise HealthError(f"{shown}: expected a JSON object, got {type(answer).__name__}")
    said = answer.get("status")
    if said is not None and str(said).lower() not in WELL:
        raise HealthError(f"{shown}: expected a status of {', '.join(WELL)}, got {said!r}")
    return answer


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None
