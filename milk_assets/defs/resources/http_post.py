"""Posting a message to a chat: one attempt, bounded, that tells what became of it and no secret.

Belongs here: the HTTP of one attempt. Which chat, and when to try again, is the channel's and the outbox's business.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from milk_assets.monitoring.alerts.outbox import Attempt

TIMEOUT = (5, 15)  # seconds to connect, to answer
GATEWAY = (502, 504)  # answers of what stands before a server, which may have done its work
LOGGERS = ("urllib3.connectionpool", "urllib3.util.retry")  # at level DEBUG they tell the path, and the path may hold a token


def post(url: str, body: dict[str, Any], secret: str) -> Attempt:
    """Post JSON once. secret: what stands in the address and may stand nowhere else. Raises nothing.

    Failed is what certainly was not taken: no connection, a refusal, a server's own error. Unsure is what may have been: no answer in
    time, a connection that broke off, a gateway that gave up on the server behind it.
    """
    import requests

    with _kept_out_of_logs(secret):
        try:
            answer = requests.post(url, json=body, timeout=TIMEOUT, allow_redirects=False)
        except requests.RequestException as error:  # its text holds the address, and the address holds the secret
            return Attempt("failed" if _never_left(error) else "unsure", reason=type(error).__name__)
    if answer.status_code == requests.codes.too_many_requests:
        return Attempt("failed", _retry_after(answer), "HTTP 429")
    if answer.status_code in range(200, 300):
        return Attempt("sent")
    return Attempt("unsure" if answer.status_code in GATEWAY else "failed", reason=f"HTTP {answer.status_code}")


def _never_left(error: Exception) -> bool:
    """Whether a request failed before any of it was sent."""
    import requests

    if isinstance(error, requests.ConnectTimeout | ValueError):  # an address that is none is a ValueError too
        return True
    return isinstance(error, requests.ConnectionError) and any(
        name in repr(error) for name in ("NewConnectionError", "NameResolutionError")
    )


def _retry_after(answer: Any) -> float:
    """Seconds that a 429 asks for: Telegram says so in the body, others in a header."""
    try:
        return float(answer.json()["parameters"]["retry_after"])
    except (ValueError, KeyError, TypeError):
        pass
    try:
        return float(answer.headers["Retry-After"])
    except (ValueError, KeyError):
        return 1.0


@contextmanager
def _kept_out_of_logs(secret: str) -> Iterator[None]:
    def hide(record: logging.LogRecord) -> bool:
        if secret in record.getMessage():
            record.msg, record.args = record.getMessage().replace(secret, "…"), ()
        return True

    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addFilter(hide)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(hide)
