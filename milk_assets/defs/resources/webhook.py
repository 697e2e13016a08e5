"""Webhook: sends alerts as Slack JSON (Slack, Mattermost, Rocket.Chat, Discord's /slack); does nothing without an address.

Belongs here: the address and the escaping. Not here: when to send which message (`defs.automation.alert_sensors`).
"""

from typing import Any
from urllib.parse import urlsplit

import dagster as dg

from milk_assets.defs.resources.http_post import post
from milk_assets.monitoring.alerts.outbox import Attempt
from milk_assets.settings import Settings

URL_VARIABLE = "MILK_WEBHOOK_URL"
LONGEST_TEXT = 4000  # characters; Slack cuts longer messages


def webhook_url() -> str | None:
    """Read the address from the environment. An empty variable counts as unset."""
    url = Settings.read().webhook_url
    return url.get_secret_value() if url else None


class Webhook(dg.ConfigurableResource[Any]):
    """The channel that receives alerts. Its address is a secret, so it is read from MILK_WEBHOOK_URL each time a message is sent.

    Attributes:
        name: the channel's name in the alert state.
    """

    name: str = "webhook"

    @property
    def is_set_up(self) -> bool:
        """Whether an address is set."""
        return webhook_url() is not None

    def attempt(self, text: str) -> Attempt:
        """Send a plain-text message once. Raises nothing."""
        url = webhook_url()
        if url is None:
            return Attempt("silent")
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"}:
            return Attempt("failed", reason=f"{URL_VARIABLE} is not an http(s) address")
        return post(url, {"text": escape(text)}, parts.path)


def escape(text: str) -> str:
    """Plain text for Slack: escapes the three characters that would start a link, a mention or an entity."""
    return text[:LONGEST_TEXT].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
