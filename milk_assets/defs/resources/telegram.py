"""Telegram: the team's chat; silent without a token.

Belongs here: the Bot API's address, escaping and limits. When to send what is the sensors' business.
"""

import html
import os
from typing import Any

import dagster as dg

from milk_assets.defs.resources.http_post import post
from milk_assets.monitoring.alerts.outbox import Attempt

API = "https://api.telegram.org"
LONGEST_TEXT = 4096  # characters, the Bot API's own limit
TOKEN = "MILK_TELEGRAM_TOKEN"  # noqa: S105  # the variable's name
CHAT = "MILK_TELEGRAM_CHAT"
URL = "MILK_TELEGRAM_URL"


class Telegram(dg.ConfigurableResource[Any]):
    """The chat that hears of incidents. The token and the chat come from MILK_TELEGRAM_TOKEN and MILK_TELEGRAM_CHAT when a message
    is sent, so that nothing secret stands in a definition, a run's configuration or the UI.

    base_url: of the Bot API, else that of MILK_TELEGRAM_URL, else Telegram's own.
    """

    base_url: str | None = None
    name: str = "telegram"

    @property
    def is_set_up(self) -> bool:
        """Whether there is a chat to tell."""
        return bool(os.environ.get(TOKEN) and os.environ.get(CHAT))

    def attempt(self, text: str) -> Attempt:
        """Send a message of plain text, once; raises nothing."""
        token, chat = os.environ.get(TOKEN), os.environ.get(CHAT)
        if not token or not chat:
            return Attempt("silent")
        base = (self.base_url or os.environ.get(URL) or API).rstrip("/")
        body = {"chat_id": chat, "text": escape(text), "parse_mode": "HTML", "disable_web_page_preview": True}
        return post(f"{base}/bot{token}/sendMessage", body, token)


def escape(text: str) -> str:
    """Plain text as the HTML that the Bot API takes, cut to its limit first so that no entity is cut in two."""
    kept = text
    while len(html.escape(kept, quote=False)) > LONGEST_TEXT:
        kept = kept[: len(kept) - max(1, (len(html.escape(kept, quote=False)) - LONGEST_TEXT) // 5)]
    return html.escape(kept, quote=False)
