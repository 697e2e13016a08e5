"""Messages on their way: stored, claimed, sent, settled; against a chat that fails in every way, and over restarts."""

from typing import Any

import pytest

from milk_assets.defs.automation import alert_sensors
from milk_assets.defs.resources import http_post, telegram, webhook
from milk_assets.defs.resources.telegram import Telegram
from milk_assets.defs.resources.webhook import Webhook
from milk_assets.monitoring.alerts.incidents import Fact, open_incidents
from milk_assets.monitoring.alerts.outbox import REPEATED, waiting
from milk_assets.stores.lake import Lake
from milk_assets_tests.defs.automation.conftest import Clock
from milk_assets_tests.support.chat_server import Chat

CHANNELS = (Telegram(), Webhook())
FROZEN = Fact("feed_frozen", "2025-03-31", "nothing <moves>")


def test_a_message_goes_out_once_escaped_and_with_its_section(lake: Lake, chat: Chat) -> None:
    alert_sensors.observe(lake, [FROZEN], CHANNELS)
    assert alert_sensors.deliver(lake, CHANNELS) == "telegram sent"
    assert alert_sensors.deliver(lake, CHANNELS) == "nothing to send"
    (text,) = chat.texts
    assert "nothing &lt;moves&gt;" in text
    assert "docs/runbook.md#feed-frozen" in text


def test_both_channels_hear_of_it(lake: Lake, chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(webhook.URL_VARIABLE, f"{chat.url}/hook")
    alert_sensors.observe(lake, [FROZEN], CHANNELS)
    assert alert_sensors.deliver(lake, CHANNELS) == "telegram sent, webhook sent"
    assert [path.rsplit("/", 1)[-1] for path in chat.paths] == ["sendMessage", "hook"]


def test_without_a_channel_incidents_are_kept_and_nothing_waits(
    lake: Lake, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in (telegram.TOKEN_VARIABLE, webhook.URL_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    alert_sensors.observe(lake, [FROZEN], CHANNELS)
    state = alert_sensors.read_state(lake)
    assert (len(open_incidents(state)), waiting(state)) == (1, 0)


@pytest.mark.parametrize(
    ("answer", "told", "wait"), [((429, {"parameters": {"retry_after": 40}}), "HTTP 429", 40), ((500, {}), "HTTP 500", 30)]
)
def test_a_busy_or_broken_chat_gets_the_message_later_and_once(
    lake: Lake, chat: Chat, clock: Clock, answer: tuple[int, dict[str, Any]], told: str, wait: int
) -> None:
    chat.answers = [answer]
    alert_sensors.observe(lake, [FROZEN], CHANNELS)
    assert alert_sensors.deliver(lake, CHANNELS) == f"telegram failed ({told})"
    clock.forward(seconds=wait - 1)
    assert alert_sensors.deliver(lake, CHANNELS) == "nothing to send"
    clock.forward(seconds=1)
    assert alert_sensors.deliver(lake, CHANNELS) == "telegram sent"
    assert len(chat.texts) == 1
    assert REPEATED not in chat.texts[0]


def test_a_chat_that_takes_a_message_and_never_says_so_gets_it_again_with_a_mark(
    lake: Lake, chat: Chat, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_post, "POST_TIMEOUT", (1, 0.2))
    chat.answers = [(0, {})]
    alert_sensors.observe(lake, [FROZEN], CHANNELS)
    assert alert_sensors.deliver(lake, CHANNELS) == "telegram unsure (ReadTimeout)"
    clock.forward(seconds=30)
    alert_sensors.deliver(lake, CHANNELS)
    first, second = chat.texts
    assert second == f"{first}\n{REPEATED}"


def test_a_dead_chat_loses_nothing_and_a_restart_doubles_nothing(
    lake: Lake, chat: Chat, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(telegram.URL_VARIABLE, "http://127.0.0.1:9")
    alert_sensors.observe(lake, [FROZEN], CHANNELS)
    alert_sensors.observe(lake, [Fact("feed_frozen", "2025-04-02", breached=False)], CHANNELS)
    assert alert_sensors.deliver(lake, CHANNELS) == "telegram failed (ConnectionError)"
    monkeypatch.setenv(telegram.URL_VARIABLE, chat.url)
    restarted = Lake(root=lake.root)  # everything that outlives a process is in the lake
    clock.forward(minutes=2)
    alert_sensors.deliver(restarted, CHANNELS)
    assert chat.heads == ["milk OPEN: The feed is frozen", "milk RESOLVED: The feed is frozen"]
    alert_sensors.observe(restarted, [FROZEN, Fact("feed_frozen", "2025-04-02", breached=False)], CHANNELS)
    assert len(chat.texts) == 2


class Killed(BaseException):
    """The process ends here, whatever was under way."""


@pytest.mark.parametrize(("dies", "texts"), [("before sending", 1), ("after sending", 2)])
def test_a_sender_that_is_killed_loses_nothing_and_doubles_only_what_it_had_sent(
    lake: Lake, chat: Chat, clock: Clock, monkeypatch: pytest.MonkeyPatch, dies: str, texts: int
) -> None:
    alert_sensors.observe(lake, [FROZEN], CHANNELS)
    attempt = Telegram.attempt

    def killed(self: Telegram, text: str) -> Any:
        if dies == "after sending":
            attempt(self, text)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Telegram, "attempt", killed)
        with pytest.raises(Killed):
            alert_sensors.deliver(lake, CHANNELS)
    assert alert_sensors.deliver(lake, CHANNELS) == "nothing to send", "its claim still stands: it may be alive"
    clock.forward(minutes=3)
    assert alert_sensors.deliver(lake, CHANNELS) == "telegram sent"
    assert len(chat.texts) == texts
    assert REPEATED in chat.texts[-1]


def test_two_senders_at_once_send_one_message(lake: Lake, chat: Chat) -> None:
    alert_sensors.observe(lake, [FROZEN], CHANNELS)
    attempt = Telegram.attempt
    told: list[str] = []

    class Slow(Telegram):
        def attempt(self, text: str) -> Any:
            told.append(alert_sensors.deliver(lake, (Telegram(),)))  # the other one looks while this one sends
            return attempt(self, text)

    assert alert_sensors.deliver(lake, (Slow(),)) == "telegram sent"
    assert told == ["nothing to send"]
    assert len(chat.texts) == 1


def test_a_change_that_came_between_is_not_lost(lake: Lake, chat: Chat) -> None:
    def change(state: dict[str, Any]) -> dict[str, Any]:
        if not state["told"]:
            alert_sensors.keep(lake, lambda other: other | {"told": ["by another"]})
        return state | {"digest": "2025-03-31"}

    alert_sensors.keep(lake, change)
    state = alert_sensors.read_state(lake)
    assert (state["digest"], state["told"]) == ("2025-03-31", ["by another"])
