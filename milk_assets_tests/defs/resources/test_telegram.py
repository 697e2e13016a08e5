"""Telegram and the webhook: against a server on loopback that sends scripted answers."""

import logging
from collections.abc import Iterator

import pytest

from milk_assets.defs.resources import http_post, telegram, webhook
from milk_assets.defs.resources.telegram import LONGEST_TEXT, Telegram, escape
from milk_assets.defs.resources.webhook import Webhook
from milk_assets.monitoring.alerts.outbox import Attempt
from milk_assets_tests.support.chat_server import Chat

SECRET = "123:very-secret"


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    monkeypatch.setenv(telegram.TOKEN_VARIABLE, SECRET)
    monkeypatch.setenv(telegram.CHAT_VARIABLE, "42")
    with Chat() as fake:
        monkeypatch.setenv(telegram.URL_VARIABLE, fake.url)
        monkeypatch.setenv(webhook.URL_VARIABLE, f"{fake.url}/hook/very-secret")
        yield fake


def test_a_message_is_sent_once_and_escaped(chat: Chat) -> None:
    assert Telegram().attempt("ingest failed: 5 < 6 & <b>") == Attempt("sent")
    assert chat.texts == ["ingest failed: 5 &lt; 6 &amp; &lt;b&gt;"]
    assert chat.messages[0]["chat_id"] == "42"
    assert chat.paths == [f"/bot{SECRET}/sendMessage"]


def test_the_webhook_receives_slack_json_without_a_mention(chat: Chat) -> None:
    assert Webhook().attempt("<!channel> 5 & 6") == Attempt("sent")
    assert chat.messages == [{"text": "&lt;!channel&gt; 5 &amp; 6"}]
    assert chat.paths == ["/hook/very-secret"]


def test_without_a_token_or_an_address_nothing_is_sent(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(telegram.TOKEN_VARIABLE)
    monkeypatch.delenv(webhook.URL_VARIABLE)
    assert (Telegram().is_set_up, Webhook().is_set_up) == (False, False)
    assert (Telegram().attempt("anything"), Webhook().attempt("anything")) == (Attempt("silent"), Attempt("silent"))
    assert chat.paths == []


@pytest.mark.parametrize(
    ("status", "document", "expected"),
    [
        (429, {"parameters": {"retry_after": 17}}, Attempt("failed", 17.0, "HTTP 429")),
        (429, {}, Attempt("failed", 1.0, "HTTP 429")),
        (500, {}, Attempt("failed", reason="HTTP 500")),
        (401, {}, Attempt("failed", reason="HTTP 401")),
        (504, {}, Attempt("unsure", reason="HTTP 504")),
        (302, {}, Attempt("failed", reason="HTTP 302")),
    ],
)
def test_a_refusal_carries_its_reason_and_the_time_to_wait(
    chat: Chat, status: int, document: dict[str, object], expected: Attempt
) -> None:
    chat.answers = [(status, document)]
    assert Telegram().attempt("later") == expected


def test_no_answer_in_time_is_unsure_because_the_message_may_have_arrived(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_post, "POST_TIMEOUT", (1, 0.2))
    chat.answers = [(0, {})]
    assert Telegram().attempt("hello?") == Attempt("unsure", reason="ReadTimeout")
    assert chat.texts == ["hello?"]


def test_a_server_that_is_down_is_a_failure_and_raises_nothing(chat: Chat) -> None:
    chat.close()
    assert Telegram().attempt("into the void") == Attempt("failed", reason="ConnectionError")
    assert Webhook().attempt("into the void") == Attempt("failed", reason="ConnectionError")


def test_an_invalid_address_is_a_failure_that_does_not_show_it(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(webhook.URL_VARIABLE, "ftp://very-secret")
    assert Webhook().attempt("x") == Attempt("failed", reason="MILK_WEBHOOK_URL is not an http(s) address")
    assert Telegram(base_url="nonsense").attempt("x").outcome == "failed"


def test_no_log_record_at_any_level_contains_the_token_or_the_webhook(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    chat.answers = [(200, {}), (500, {}), (429, {})]
    reasons = [Telegram().attempt("x").reason for _ in range(3)] + [Webhook().attempt("x").reason]
    assert any("POST" in record.getMessage() for record in caplog.records), (
        "urllib3 logs the path, so this test would see a secret in it"
    )
    chat.close()
    reasons += [Telegram().attempt("x").reason, Webhook().attempt("x").reason]
    assert "very-secret" not in caplog.text + "".join(reasons)


def test_a_long_text_is_shortened_without_cutting_an_entity() -> None:
    text = escape("&" * 3000)
    assert len(text) <= LONGEST_TEXT
    assert text == "&amp;" * (len(text) // 5)
