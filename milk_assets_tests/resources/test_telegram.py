"""Telegram, against a server on this machine that answers as told."""

import json
import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from milk_assets.resources import telegram
from milk_assets.resources.telegram import LONGEST_TEXT, Telegram, escape

SECRET = "123:very-secret"


class Chat:
    """A fake Bot API: answers with the queued statuses, then 200; remembers what it was sent."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, object]]] = []
        self.messages: list[dict[str, object]] = []
        self.paths: list[str] = []
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = chat.answers.pop(0) if chat.answers else (200, {"ok": True})
                chat.paths.append(self.path)
                if status == 200:
                    chat.messages.append(body)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    monkeypatch.setenv(telegram.TOKEN, SECRET)
    monkeypatch.setenv(telegram.CHAT, "42")
    monkeypatch.setattr(telegram.time, "sleep", lambda _: None)
    fake = Chat()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


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


def test_a_dead_server_fails_without_raising_and_without_showing_the_token(
    chat: Chat, caplog: pytest.LogCaptureFixture
) -> None:
    chat.server.shutdown()
    chat.server.server_close()
    caplog.set_level(logging.DEBUG)
    outcome = Telegram(base_url=chat.url).send("into the void")
    assert outcome == "failed: ConnectionError"
    assert SECRET not in caplog.text + outcome


def test_a_long_text_is_cut_without_cutting_an_entity() -> None:
    text = escape("&" * 3000)
    assert len(text) <= LONGEST_TEXT
    assert text == "&amp;" * (len(text) // 5)
