"""Telegram: sends a message to the team's chat; silent without a token.

Belongs here: one call to the Bot API, bounded and without a trace of the token. When to send what is the sensors' business.
"""

import html
import os
import time
from typing import Any

import dagster as dg

API = "https://api.telegram.org"
TIMEOUT = (5, 15)  # seconds to connect, to answer
ATTEMPTS = 3
LONGEST_WAIT = 30.0  # seconds; a longer `retry_after` is not worth holding the daemon for
LONGEST_TEXT = 4096  # characters, the Bot API's own limit
TOKEN = "MILK_TELEGRAM_TOKEN"  # noqa: S105  # the variable's name
CHAT = "MILK_TELEGRAM_CHAT"


class Telegram(dg.ConfigurableResource[Any]):
    """The chat that hears of failures. The token and the chat come from MILK_TELEGRAM_TOKEN and MILK_TELEGRAM_CHAT when a message
    is sent, so that nothing secret stands in a definition, a run's configuration or the UI.

    base_url: of the Bot API; another one in tests.
    """

    base_url: str = API

    def send(self, text: str) -> str:
        """Send a message of plain text. Returns what became of it: `sent`, `silent` (no token), or `failed: …`; raises nothing."""
        token, chat = os.environ.get(TOKEN), os.environ.get(CHAT)
        if not token or not chat:
            return "silent"
        import requests

        reason = "no attempt"
        for attempt in range(ATTEMPTS):
            wait = float(2**attempt)
            try:
                answer = requests.post(
                    f"{self.base_url}/bot{token}/sendMessage",
                    json={"chat_id": chat, "text": escape(text), "parse_mode": "HTML", "disable_web_page_preview": True},
                    timeout=TIMEOUT,
                )
            except requests.RequestException as error:
                reason = type(error).__name__  # its text holds the address, and the address holds the token
            else:
                if answer.ok:
                    return "sent"
                reason = f"HTTP {answer.status_code}"
                if answer.status_code == requests.codes.too_many_requests:
                    wait = _retry_after(answer)
                elif answer.status_code < requests.codes.internal_server_error:
                    break  # a wrong token or chat does not mend itself
            if attempt + 1 < ATTEMPTS:
                time.sleep(min(wait, LONGEST_WAIT))
        return f"failed: {reason}"


def escape(text: str) -> str:
    """Plain text as the HTML that the Bot API takes, cut to its limit first so that no entity is cut in two."""
    kept = text
    while len(html.escape(kept, quote=False)) > LONGEST_TEXT:
        kept = kept[: len(kept) - max(1, (len(html.escape(kept, quote=False)) - LONGEST_TEXT) // 5)]
    return html.escape(kept, quote=False)


def _retry_after(answer: object) -> float:
    try:
        return float(answer.json()["parameters"]["retry_after"])  # type: ignore[attr-defined]
    except (ValueError, KeyError, TypeError):
        return 1.0
