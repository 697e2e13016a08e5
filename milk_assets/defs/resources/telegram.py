"""Telegram: sends alerts to the team's chat; does nothing without a token.

Belongs here: the Bot API's address, escaping and limits. Not here: when to send which message (`defs.automation.alert_sensors`).
"""

import html
from dataclasses import dataclass
from typing import Any

import dagster as dg

from milk_assets.defs.resources.http_post import post
from milk_assets.monitoring.alerts.outbox import Attempt
from milk_assets.settings import Settings

OFFICIAL_API = "https://api.telegram.org"
LONGEST_TEXT = 4096  # characters, the limit of the Bot API
TOKEN_VARIABLE = "MILK_TELEGRAM_TOKEN"  # noqa: S105  # the variable's name, not a token
CHAT_VARIABLE = "MILK_TELEGRAM_CHAT"
URL_VARIABLE = "MILK_TELEGRAM_URL"


@dataclass(frozen=True)
class TelegramSettings:
    """What the environment says about the chat; None where it says nothing."""

    token: str | None
    chat: str | None
    api_url: str | None


def telegram_settings() -> TelegramSettings:
    """Read the settings from the environment. An empty variable counts as unset."""
    settings = Settings.read()
    token = settings.telegram_token.get_secret_value() if settings.telegram_token else None
    return TelegramSettings(token, settings.telegram_chat, settings.telegram_url)


class Telegram(dg.ConfigurableResource[Any]):
    """The chat that receives alerts.

    The token and the chat are read from MILK_TELEGRAM_TOKEN and MILK_TELEGRAM_CHAT each time a message is sent, so that no definition,
    run configuration or user interface contains a secret.

    Attributes:
        base_url: address of the Bot API; by default that of MILK_TELEGRAM_URL, or else Telegram's own.
        name: the channel's name in the alert state.
    """

    base_url: str | None = None
    name: str = "telegram"

    @property
    def is_set_up(self) -> bool:
        """Whether a token and a chat are set."""
        settings = telegram_settings()
        return bool(settings.token and settings.chat)

    def attempt(self, text: str) -> Attempt:
        """Send a plain-text message once. Raises nothing."""
        settings = telegram_settings()
        if not settings.token or not settings.chat:
            return Attempt("silent")
        api_url = (self.base_url or settings.api_url or OFFICIAL_API).rstrip("/")
        body = {"chat_id": settings.chat, "text": escape(text), "parse_mode": "HTML", "disable_web_page_preview": True}
        return post(f"{api_url}/bot{settings.token}/sendMessage", body, settings.token)


def escape(text: str) -> str:
    """Plain text as HTML for the Bot API. It is shortened before escaping, so that no entity is cut in two."""
    shortened = text
    while (excess := len(html.escape(shortened, quote=False)) - LONGEST_TEXT) > 0:
        shortened = shortened[: len(shortened) - max(1, excess // 5)]  # an escaped character takes at most 5
    return html.escape(shortened, quote=False)
