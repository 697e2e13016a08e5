"""A webhook that takes Slack's JSON: Slack, Mattermost, Rocket.Chat, Discord's /slack; silent without an address.

Belongs here: its address and its escaping. When to send what is the sensors' business.
"""

import os
from typing import Any
from urllib.parse import urlsplit

import dagster as dg

from milk_assets.defs.resources.http_post import post
from milk_assets.monitoring.alerts.outbox import Attempt

URL = "MILK_WEBHOOK_URL"
LONGEST_TEXT = 4000  # characters: Slack cuts longer ones by itself


class Webhook(dg.ConfigurableResource[Any]):
    """The channel that hears of incidents. Its address is a secret, and comes from MILK_WEBHOOK_URL when a message is sent."""

    name: str = "webhook"

    @property
    def is_set_up(self) -> bool:
        """Whether there is a channel to tell."""
        return bool(os.environ.get(URL))

    def attempt(self, text: str) -> Attempt:
        """Send a message of plain text, once; raises nothing."""
        url = os.environ.get(URL)
        if not url:
            return Attempt("silent")
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"}:
            return Attempt("failed", reason=f"{URL} is no http(s) address")
        return post(url, {"text": escape(text)}, parts.path)


def escape(text: str) -> str:
    """Plain text as Slack takes it: the three characters that would begin a link, a mention or an entity."""
    return text[:LONGEST_TEXT].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
