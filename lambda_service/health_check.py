"""Health check of the endpoint, from outside: one HTTP request and the check of its answer.

Belongs here: that one function, which the platform's schedule, the cloud canary and the smoke test all call. It uses the standard library
only, because the canary runs a copy of this file. Not here: when to check and whom to notify (`milk_assets.defs.automation`).
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

HEALTH_ROUTE = "/v1/health"
TIMEOUT_SECONDS = 10.0  # for the whole answer; a cold start takes little more than one second
MAX_ANSWER_BYTES = 64_000  # a health answer has a few hundred
HEALTHY_STATUSES = ("ok", "healthy", "up", "pass")  # accepted values of the member `status`, if the answer has one


class HealthError(RuntimeError):
    """The endpoint is not healthy; the message contains the address, what was expected and the actual answer."""


def check(url: str, timeout: float = TIMEOUT_SECONDS) -> dict[str, Any]:
    """Request an endpoint's health route. Redirects are not followed: a login page is not a healthy endpoint.

    Args:
        url: the endpoint's base address, or its health route.
        timeout: seconds for connecting, and for each read.

    Returns:
        {"url": the requested address, "seconds": duration, "answer": the JSON object of the answer}.

    Raises:
        HealthError: no connection, no answer in time, a status other than 200, a body that is not a JSON object, or a `status` that is
            not healthy.
        ValueError: the address is not http(s).
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"expected an http(s) address of the endpoint, got {parts.scheme or 'nothing'}://{parts.hostname or ''}")
    path = parts.path.rstrip("/")
    port = f":{parts.port}" if parts.port else ""
    # without credentials and query, which may contain a key and must not appear in a message
    address = f"{parts.scheme}://{parts.hostname}{port}{path if path.endswith(HEALTH_ROUTE) else path + HEALTH_ROUTE}"
    request = urllib.request.Request(address, headers={"Accept": "application/json"})  # noqa: S310  the scheme was checked
    started = time.monotonic()
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=timeout) as response:
            status, content = response.status, response.read(MAX_ANSWER_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            raise HealthError(f"{address}: expected HTTP 200, got {error.code}") from None
    except (OSError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", None) or error
        raise HealthError(f"{address}: expected an answer within {timeout:g} s, got {type(cause).__name__}: {cause}") from None
    seconds = time.monotonic() - started
    if status != http.client.OK:
        raise HealthError(f"{address}: expected HTTP 200, got {status}")
    return {"url": address, "seconds": round(seconds, 3), "answer": _parse_answer(address, content)}


def _parse_answer(address: str, content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except ValueError:
        raise HealthError(f"{address}: expected a JSON object, got {content[:80]!r}") from None
    if not isinstance(answer, dict):
        raise HealthError(f"{address}: expected a JSON object, got {type(answer).__name__}")
    status = answer.get("status")
    if status is not None and str(status).lower() not in HEALTHY_STATUSES:
        raise HealthError(f"{address}: expected a status of {', '.join(HEALTHY_STATUSES)}, got {status!r}")
    return answer


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None
