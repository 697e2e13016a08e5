"""Message delivery: stored, claimed, sent, settled; against a chat server that fails in every way, and across restarts."""

from typing import Any

import pytest

from milk_assets.defs.resources import http_post, telegram, webhook
from milk_assets.defs.resources.telegram import Telegram
from milk_assets.defs.resources.webhook import Webhook
from milk_assets.monitoring.alerts.incidents import Observation, open_incidents
from milk_assets.monitoring.alerts.outbox import REPETITION_NOTE, count_waiting
from milk_assets.monitoring.alerts.state_documents import AlertState
from milk_assets.stores.alert_state import deliver_messages, read_alert_state, record_observations, update_alert_state
from milk_assets.stores.lake import ConcurrentChangeError, Lake
from milk_assets_tests.defs.automation.conftest import Clock
from milk_assets_tests.support.chat_server import Chat

CHANNELS = (Telegram(), Webhook())
FROZEN = Observation("feed_frozen", "2025-03-31", "nothing <moves>")
MOVING = Observation("feed_frozen", "2025-04-02", is_breach=False)


def test_a_message_is_sent_once_escaped_and_with_its_runbook_section(lake: Lake, chat: Chat) -> None:
    record_observations(lake, [FROZEN], CHANNELS)
    assert deliver_messages(lake, CHANNELS) == "telegram sent"
    assert deliver_messages(lake, CHANNELS) == "nothing to send"
    (text,) = chat.texts
    assert "nothing &lt;moves&gt;" in text
    assert "docs/runbook.md#feed-frozen" in text


def test_both_channels_receive_the_message(lake: Lake, chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(webhook.URL_VARIABLE, f"{chat.url}/hook")
    record_observations(lake, [FROZEN], CHANNELS)
    assert deliver_messages(lake, CHANNELS) == "telegram sent, webhook sent"
    assert [path.rsplit("/", 1)[-1] for path in chat.paths] == ["sendMessage", "hook"]


def test_without_a_channel_incidents_are_stored_and_no_message_waits(
    lake: Lake, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in (telegram.TOKEN_VARIABLE, webhook.URL_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    record_observations(lake, [FROZEN], CHANNELS)
    state = read_alert_state(lake)
    assert (len(open_incidents(state)), count_waiting(state)) == (1, 0)


@pytest.mark.parametrize(
    ("answer", "reason", "wait"), [((429, {"parameters": {"retry_after": 40}}), "HTTP 429", 40), ((500, {}), "HTTP 500", 30)]
)
def test_a_busy_or_broken_chat_receives_the_message_later_and_once(
    lake: Lake, chat: Chat, clock: Clock, answer: tuple[int, dict[str, Any]], reason: str, wait: int
) -> None:
    chat.answers = [answer]
    record_observations(lake, [FROZEN], CHANNELS)
    assert deliver_messages(lake, CHANNELS) == f"telegram failed ({reason})"
    clock.forward(seconds=wait - 1)
    assert deliver_messages(lake, CHANNELS) == "nothing to send"
    clock.forward(seconds=1)
    assert deliver_messages(lake, CHANNELS) == "telegram sent"
    assert len(chat.texts) == 1
    assert REPETITION_NOTE not in chat.texts[0]


def test_a_chat_that_accepts_a_message_without_an_answer_receives_it_again_with_a_note(
    lake: Lake, chat: Chat, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_post, "POST_TIMEOUT", (1, 0.2))
    chat.answers = [(0, {})]
    record_observations(lake, [FROZEN], CHANNELS)
    assert deliver_messages(lake, CHANNELS) == "telegram unsure (ReadTimeout)"
    clock.forward(seconds=30)
    deliver_messages(lake, CHANNELS)
    first, second = chat.texts
    assert second == f"{first}\n{REPETITION_NOTE}"


def test_a_dead_chat_loses_no_message_and_a_restart_repeats_none(
    lake: Lake, chat: Chat, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(telegram.URL_VARIABLE, "http://127.0.0.1:9")
    record_observations(lake, [FROZEN], CHANNELS)
    record_observations(lake, [MOVING], CHANNELS)
    assert deliver_messages(lake, CHANNELS) == "telegram failed (ConnectionError)"
    monkeypatch.setenv(telegram.URL_VARIABLE, chat.url)
    restarted = Lake(root=lake.root)  # everything that survives a process is in the lake
    clock.forward(minutes=2)
    deliver_messages(restarted, CHANNELS)
    assert chat.heads == ["milk OPEN: The feed is frozen", "milk RESOLVED: The feed is frozen"]
    record_observations(restarted, [FROZEN, MOVING], CHANNELS)
    assert len(chat.texts) == 2


class Killed(BaseException):
    """The process is killed here."""


@pytest.mark.parametrize(("killed_at", "texts"), [("before sending", 1), ("after sending", 2)])
def test_a_killed_sender_loses_no_message_and_repeats_only_what_it_had_sent(
    lake: Lake, chat: Chat, clock: Clock, monkeypatch: pytest.MonkeyPatch, killed_at: str, texts: int
) -> None:
    record_observations(lake, [FROZEN], CHANNELS)
    attempt = Telegram.attempt

    def killed_attempt(self: Telegram, text: str) -> Any:
        if killed_at == "after sending":
            attempt(self, text)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Telegram, "attempt", killed_attempt)
        with pytest.raises(Killed):
            deliver_messages(lake, CHANNELS)
    assert deliver_messages(lake, CHANNELS) == "nothing to send", "its claim is still valid: the sender may be alive"
    clock.forward(minutes=3)
    assert deliver_messages(lake, CHANNELS) == "telegram sent"
    assert len(chat.texts) == texts
    assert REPETITION_NOTE in chat.texts[-1]


def test_two_senders_at_once_send_one_message(lake: Lake, chat: Chat) -> None:
    record_observations(lake, [FROZEN], CHANNELS)
    attempt = Telegram.attempt
    outcomes: list[str] = []

    class Slow(Telegram):
        def attempt(self, text: str) -> Any:
            outcomes.append(deliver_messages(lake, (Telegram(),)))  # the other sender runs while this one sends
            return attempt(self, text)

    assert deliver_messages(lake, (Slow(),)) == "telegram sent"
    assert outcomes == ["nothing to send"]
    assert len(chat.texts) == 1


def test_a_concurrent_change_is_not_lost(lake: Lake, chat: Chat) -> None:
    def change(state: AlertState) -> AlertState:
        if not state.announced_events:
            update_alert_state(lake, lambda other: other.model_copy(update={"announced_events": ("by another",)}))
        return state.model_copy(update={"digest_day": "2025-03-31"})

    update_alert_state(lake, change)
    state = read_alert_state(lake)
    assert (state.digest_day, state.announced_events) == ("2025-03-31", ("by another",))


def test_a_state_that_changes_at_every_attempt_raises_an_error(lake: Lake, chat: Chat) -> None:
    def change(state: AlertState) -> AlertState:
        event = f"event {len(state.announced_events)}"
        update_alert_state(lake, lambda other: other.model_copy(update={"announced_events": (*other.announced_events, event)}))
        return state.model_copy(update={"digest_day": "2025-03-31"})

    with pytest.raises(ConcurrentChangeError, match="alerts.json was changed by others"):
        update_alert_state(lake, change)
