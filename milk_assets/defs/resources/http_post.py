"""HTTP posts to a chat: one bounded attempt, which reports its outcome without revealing a secret.

Belongs here: the HTTP of one attempt. Not here: which chat (`telegram`, `webhook`), and when to try again (`monitoring.alerts.outbox`).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from milk_assets.defs.resources.retry_after import retry_after_seconds
from milk_assets.monitoring.alerts.outbox import Attempt

if TYPE_CHECKING:
    import requests

POST_TIMEOUT = (5, 15)  # seconds to connect, and for each silence of the server
POST_DEADLINE = 30.0  # seconds for the whole attempt
DEFAULT_RETRY_AFTER = 1.0  # seconds to wait after a 429 that does not say how long
GATEWAY_ERRORS = (502, 504)  # a proxy's answers; the server behind it may have accepted the message
URL_LOGGERS = ("urllib3.connectionpool", "urllib3.util.retry")  # at level DEBUG they log the path, which may contain a token


def post(url: str, body: dict[str, Any], secret: str) -> Attempt:
    """Post JSON once.

    Args:
        url: the address, which contains the secret.
        body: the JSON document.
        secret: the part of the address that must not appear in logs.

    Returns:
        "sent" when the server accepted the message. "failed" when it certainly did not: no connection, a refusal, a server error.
        "unsure" when it may have: no answer in time, a broken connection, a gateway error. It raises nothing.
    """
    import requests

    from milk_assets.defs.resources.http_deadline import Deadline

    with _hidden_in_logs(secret), Deadline(POST_DEADLINE) as deadline, deadline.session() as session:
        try:
            response = session.post(url, json=body, timeout=POST_TIMEOUT, allow_redirects=False)
        except requests.RequestException as error:  # its text contains the address, and the address contains the secret
            return Attempt("failed" if _was_never_sent(error) else "unsure", reason=type(error).__name__)
    if response.status_code == requests.codes.too_many_requests:
        return Attempt("failed", _wait_of(response), "HTTP 429")
    if response.status_code in range(200, 300):
        return Attempt("sent")
    return Attempt("unsure" if response.status_code in GATEWAY_ERRORS else "failed", reason=f"HTTP {response.status_code}")


def _was_never_sent(error: Exception) -> bool:
    """Whether a request failed before any of it was sent."""
    import requests

    if isinstance(error, requests.ConnectTimeout | ValueError):  # requests reports a malformed address as a ValueError
        return True
    return isinstance(error, requests.ConnectionError) and any(
        name in repr(error) for name in ("NewConnectionError", "NameResolutionError")
    )


def _wait_of(response: "requests.Response") -> float:
    """The seconds that a 429 asks to wait: Telegram states them in the body, other servers in a header."""
    try:
        return float(response.json()["parameters"]["retry_after"])
    except (ValueError, KeyError, TypeError):
        seconds = retry_after_seconds(response.headers.get("Retry-After"))
        return DEFAULT_RETRY_AFTER if seconds is None else seconds


@contextmanager
def _hidden_in_logs(secret: str) -> Iterator[None]:
    """Replace a secret by "…" in the log records of urllib3."""

    def hide(record: logging.LogRecord) -> bool:
        if secret in record.getMessage():
            record.msg, record.args = record.getMessage().replace(secret, "…"), ()
        return True

    loggers = [logging.getLogger(name) for name in URL_LOGGERS]
    for logger in loggers:
        logger.addFilter(hide)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(hide)
