"""HTTP deadline: connections end in time in the TLS handshake, the headers and the body, direct or through a proxy."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from milk_assets.defs.resources import http_post
from milk_assets.defs.resources.http_deadline import Deadline

TLS_HANDSHAKE_START = b"\x16\x03\x03\x40\x00"  # a handshake record of 16,384 bytes, so that the client waits for all of them
HEADERS_START = b"HTTP/1.1 200 OK\r\nX-Slow: "
BODY_START = b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n"


@contextmanager
def dripping_server(start: bytes) -> Iterator[str]:
    """A server that answers every connection with some bytes, then one byte every 20 ms without end; gives its host and port."""
    closing = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def drip(connection: socket.socket) -> None:
        with connection:
            try:
                connection.sendall(start)
                while not closing.wait(0.02):
                    connection.sendall(b"x")
            except OSError:
                return  # the client has hung up

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # the listener is closed
            threading.Thread(target=drip, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        closing.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.mark.parametrize(
    ("scheme", "start"),
    [("https", TLS_HANDSHAKE_START), ("http", BODY_START)],
    ids=["TLS handshake", "body"],
)
def test_a_dripping_server_is_cut_off_at_the_deadline(scheme: str, start: bytes) -> None:
    started = time.monotonic()
    with dripping_server(start) as address, Deadline(0.3) as deadline, deadline.session() as session:
        with pytest.raises(requests.RequestException):
            session.get(f"{scheme}://{address}/", timeout=5)
        assert deadline.has_passed
    assert 0.3 <= time.monotonic() - started < 3


def test_headers_that_were_cut_off_look_complete_so_that_the_caller_must_check_the_deadline() -> None:
    with dripping_server(HEADERS_START) as address, Deadline(0.3) as deadline, deadline.session() as session:
        assert session.get(f"http://{address}/", timeout=5).status_code == 200
        assert deadline.has_passed


def test_a_connection_through_a_proxy_is_cut_off_too() -> None:
    with dripping_server(BODY_START) as proxy, Deadline(0.3) as deadline, deadline.session() as session:
        session.proxies = {"http": f"http://{proxy}"}
        with pytest.raises(requests.RequestException):
            session.get("http://example.invalid/", timeout=5)
        assert deadline.has_passed


def test_a_connection_opened_after_the_deadline_is_cut_off_at_once() -> None:
    with dripping_server(BODY_START) as address, Deadline(0) as deadline, deadline.session() as session:
        deadline._timer.join()
        with pytest.raises(requests.RequestException):
            session.get(f"http://{address}/", timeout=5)


def test_a_deadline_that_was_left_in_time_ends_nothing() -> None:
    first, second = socket.socketpair()
    with first, second:
        with Deadline(60) as deadline:
            deadline.watch(first)
            assert not deadline.has_passed
        deadline._timer.join(5)
        assert not deadline._timer.is_alive()
        first.sendall(b"still open")
        assert second.recv(10) == b"still open"


def test_a_message_to_a_dripping_chat_ends_at_the_deadline_and_is_unsure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_post, "POST_DEADLINE", 0.3)
    started = time.monotonic()
    with dripping_server(BODY_START) as address:
        assert http_post.post(f"http://{address}/secret", {"text": "hello"}, "secret").outcome == "unsure"
    assert time.monotonic() - started < 3
