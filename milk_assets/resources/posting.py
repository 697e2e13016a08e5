"""Posting a message to a chat: one attempt, bounded, that tells what became of it and no secret.

Belongs here: the HTTP of one attempt. Which chat, and when to try again, is the channel's and the outbox's business.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from milk_assets.monitoring.outbox import Outcome

TIMEOUT = (5, 15)  # seconds to connect, to answer
LOGGERS = ("urllib3.connectionpool", "urllib3.util.retry")  # at level DEBUG they tell the path, and the path may hold a token


@dataclass(frozen=True)
class Attempt:
    """What became of a message. wait: seconds that the server asked for. reason: why it was not taken, without any secret."""

    outcome: Outcome
    wait: float | None = None
    reason: str = ""

    @property
    def settled(self) -> bool:
        """Whether trying again soon cannot help: it was taken, or refused for what it is."""
        return self.outcome in {"sent", "silent"} or self.reason.startswith("HTTP 4")


def post(url: str, body: dict[str, Any], secret: str) -> Attempt:
    """Post JSON once. secret: what stands in the address and may stand nowhere else. Raises nothing.

    No answer in time is unsure: the server may have taken the message. An answer of 5xx or 429, or no connection, is a failure.
    """
    import requests

    with _kept_out_of_logs(secret):
        try:
            answer = requests.post(url, json=body, timeout=TIMEOUT, allow_redirects=False)
        except (requests.ConnectTimeout, requests.exceptions.InvalidURL, requests.exceptions.MissingSchema) as error:
            return Attempt("failed", reason=type(error).__name__)
        except requests.Timeout as error:
            return Attempt("unsure", reason=type(error).__name__)
        except requests.ConnectionError as error:
            # refused or unreachable: not sent; anything else broke off after the request went out
            refused = "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error)
            return Attempt("failed" if refused else "unsure", reason=type(error).__name__)
        except requests.RequestException as error:
            return Attempt("failed", reason=type(error).__name__)  # its text holds the address, and the address holds the secret
    if answer.status_code == requests.codes.too_many_requests:
        return Attempt("failed", _retry_after(answer), "HTTP 429")
    return Attempt("sent") if answer.ok else Attempt("failed", reason=f"HTTP {answer.status_code}")


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
