"""Telegram, against a server on this machine that answers as told."""

import logging
from collections.abc import Iterator

import pytest

from milk_assets.resources import telegram
from milk_assets.resources.telegram import LONGEST_TEXT, Telegram, escape
from milk_assets_tests.chat import Chat

SECRET = "123:very-secret"


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    monkeypatch.setenv(telegram.TOKEN, SECRET)
    monkeypatch.setenv(telegram.CHAT, "42")
    monkeypatch.setattr(telegram.time, "sleep", lambda _: None)
    with Chat() as fake:
        yield fake


def test_a_message_is_sent_once_and_escaped(chat: Chat) -> None:
    assert Telegram(base_url=chat.url).send("ingest failed: 5 < 6 & <b>") == "sent"
    assert [message["text"] for message in chat.messages] == ["ingest failed: 5 &lt; 6 &amp; &lt;b&gt;"]
    assert chat.paths == [f"/bot{SECRET}/sendMessage"]


def test_without_a_token_it_is_silent(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(telegram.TOKEN)
    assert Telegram(base_url=chat.url).send("anything") == "silent"
    assert chat.paths == []


def test_a_busy_server_is_asked_again_and_a_refusal_is_not(chat: Chat) -> None:
    chat.answers = [(429, {"parameters": {"retry_after": 1}}), (500, {})]
    assert Telegram(base_url=chat.url).send("later") == "sent"
    assert len(chat.paths) == 3
    chat.answers = [(401, {})]
    assert Telegram(base_url=chat.url).send("wrong token") == "failed: HTTP 401"
    assert len(chat.paths) == 4


def test_a_dead_server_fails_without_raising_and_without_showing_the_token(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    chat.close()
    caplog.set_level(logging.DEBUG)
    outcome = Telegram(base_url=chat.url).send("into the void")
    assert outcome == "failed: ConnectionError"
    assert SECRET not in caplog.text + outcome


def test_a_long_text_is_cut_without_cutting_an_entity() -> None:
    text = escape("&" * 3000)
    assert len(text) <= LONGEST_TEXT
    assert text == "&amp;" * (len(text) // 5)
