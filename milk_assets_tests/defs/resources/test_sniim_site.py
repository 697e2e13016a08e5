"""The SNIIM site: the client against a real server on loopback that misbehaves in every known way."""

import hashlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from milk_assets.defs.resources.sniim_site import LONGEST_WAIT, USER_AGENT, NotPublished, SniimClient, SniimSource, SourceError
from milk_assets.sniim.samples.generate import sample_workbook
from milk_assets.sniim.samples.publisher import GeneratedWorkbooks, Publisher
from milk_assets.sniim.workbook import read_workbook

DAY = date(2024, 1, 8)
NAME = "Leche08012024.xlsx"
GOOD = sample_workbook(DAY)
XLSX = {"Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
HTML = {"Content-Type": "text/html; charset=utf-8"}
PAGE = b"<!DOCTYPE html><html><body>Runtime Error</body></html>"

Responder = Callable[[BaseHTTPRequestHandler], None]


def respond(status: int = 200, body: bytes = b"", headers: dict[str, str] | None = None, stated: int | None = None) -> Responder:
    """Send a plain response. stated: the Content-Length that it claims, by default the true one; -1 sends none."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        length = len(body) if stated is None else stated
        for name, value in {**(headers or {}), **({} if length < 0 else {"Content-Length": str(length)})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command == "GET":
            handler.wfile.write(body)

    return send


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Reset the connection without a response."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


class Site:
    """A server that sends the scripted responses in turn, repeats the last one, and records the requests."""

    def __init__(self) -> None:
        self.script: list[Responder] = []
        self.requests: list[tuple[str, str]] = []
        self.agents: list[str] = []
        self.released = threading.Event()  # set at the end, so that no response outlives its test

        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.requests.append((self.command, self.path))
                site.agents.append(self.headers["User-Agent"])
                (site.script.pop(0) if len(site.script) > 1 else site.script[0])(self)

            def do_HEAD(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # in some tests the client hangs up

        self.server = Quiet(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/files"

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.requests]

    def drip(self, start: bytes) -> Responder:
        """Send the start of a response, then a byte every 20 ms without end."""

        def send(handler: BaseHTTPRequestHandler) -> None:
            handler.wfile.write(start)
            while not self.released.wait(0.02):
                handler.wfile.write(b"x")

        return send

    def silent(self, handler: BaseHTTPRequestHandler) -> None:
        self.released.wait(10)


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield site
    site.released.set()
    site.server.shutdown()
    site.server.server_close()
    thread.join()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(site: Site, waits: list[float]) -> SniimClient:
    """A client of three attempts, which records the waits between them in `waits` instead of sleeping."""
    return SniimClient(
        site.url, timeout=5, deadline_seconds=1000, attempts=3, back_off=2, max_bytes=1_000_000, sleep=waits.append
    )


@contextmanager
def takes_less_than(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


# the good case


def test_a_published_workbook_is_found_and_fetched_whole():
    with Publisher(GeneratedWorkbooks(), until=DAY) as site:
        source = SniimSource(base_url=site.url)
        listing, download = source.find(DAY), source.fetch(DAY)
    assert listing is not None
    assert (listing.url, listing.bytes) == (f"{site.url}/{NAME}", len(GOOD))
    assert listing.last_modified == download.last_modified == "Mon, 08 Jan 2024 18:00:00 GMT"
    assert (download.day, download.content, download.sha256) == (DAY, GOOD, hashlib.sha256(GOOD).hexdigest())
    assert read_workbook(download.content).newest == DAY


def test_a_date_without_a_file_has_no_listing_and_cannot_be_fetched():
    with Publisher(GeneratedWorkbooks(), until=date(2024, 1, 5)) as site:
        source = SniimSource(base_url=site.url)
        assert source.find(DAY) is None
        with pytest.raises(NotPublished, match=rf"{NAME}: the site has no file for 2024-01-08"):
            source.fetch(DAY)


def test_one_head_request_is_enough_to_find_a_file(site, client):
    site.script = [respond(body=GOOD, headers=XLSX)]
    assert client.find(DAY).bytes == len(GOOD)
    assert site.requests == [("HEAD", f"/files/{NAME}")]
    assert site.agents == [USER_AGENT]
    assert "milk-assets" in USER_AGENT


def test_a_missing_file_is_requested_once(site, client, waits):
    site.script = [respond(404, PAGE, HTML)]
    assert client.find(DAY) is None
    with pytest.raises(NotPublished):
        client.fetch(DAY)
    assert site.methods == ["HEAD", "GET"]
    assert waits == []


# a misleading HEAD


@pytest.mark.parametrize("misleading", [respond(405), respond(403), respond(501), respond(500), respond(200, PAGE, HTML)])
def test_get_decides_when_head_is_misleading(site, client, misleading):
    site.script = [misleading, respond(body=GOOD, headers=XLSX)]
    assert client.find(DAY).bytes == len(GOOD)
    site.script = [misleading, respond(404, PAGE, HTML)]
    assert client.find(DAY) is None
    assert site.methods == ["HEAD", "GET"] * 2


def test_a_web_page_under_status_200_is_an_error_and_not_a_missing_file(site, client, waits):
    site.script = [respond(200, PAGE, HTML)]
    with pytest.raises(SourceError, match=r"found a web page.*\(attempt 3 of 3\); the file may still exist"):
        client.find(DAY)
    assert site.methods == ["HEAD", "GET"] * 3
    with pytest.raises(SourceError, match="found a web page"):
        client.fetch(DAY)


# temporary failures


@pytest.mark.parametrize(
    "failure",
    [
        respond(503, PAGE, HTML),
        respond(500, PAGE, HTML),
        respond(429),
        reset,
        respond(200, GOOD[:5000], XLSX, stated=len(GOOD)),
        respond(200, GOOD[:5000], XLSX, stated=-1),
        respond(200, PAGE, HTML),
        respond(200, b"", XLSX),
    ],
    ids=["503", "500", "429", "reset", "cut short", "cut short, no length", "web page", "empty"],
)
def test_a_temporary_failure_costs_one_more_attempt(site, client, waits, failure):
    site.script = [failure, respond(body=GOOD, headers=XLSX)]
    assert client.fetch(DAY).content == GOOD
    assert site.methods == ["GET", "GET"]
    assert len(waits) == 1


def test_waits_double_with_jitter_until_the_attempts_are_used_up(site, client, waits):
    site.script = [respond(502)]
    with pytest.raises(SourceError, match=r"expected status 200 or 404, found 502 \(attempt 3 of 3\)"):
        client.fetch(DAY)
    assert len(site.requests) == 3
    assert 1 <= waits[0] <= 3
    assert 2 <= waits[1] <= 6


@pytest.mark.parametrize("status", [400, 401, 403, 451, 204])
def test_a_refusal_is_not_retried(site, client, waits, status):
    site.script = [respond(status)]
    with pytest.raises(SourceError, match=f"expected status 200 or 404, found {status}"):
        client.fetch(DAY)
    assert len(site.requests) == 1


def test_the_client_waits_as_long_as_retry_after_says(site, client, waits):
    in_20_seconds = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    site.script = [
        respond(429, headers={"Retry-After": "17"}),
        respond(503, headers={"Retry-After": in_20_seconds}),
        respond(body=GOOD),
    ]
    assert client.fetch(DAY).content == GOOD
    assert waits[0] == 17
    assert 15 <= waits[1] <= 20


def test_a_retry_after_longer_than_the_limit_is_not_retried(site, client, waits):
    site.script = [respond(429, headers={"Retry-After": str(int(LONGEST_WAIT) + 1)})]
    with pytest.raises(SourceError, match="found 429 with Retry-After: 61 s; try again after that"):
        client.find(DAY)
    assert (len(site.requests), waits) == (1, [])


# what could take too long


def test_a_silent_site_fails_after_the_timeout(site):
    site.script = [site.silent]
    client = SniimClient(site.url, timeout=0.1, deadline_seconds=1000, attempts=2, back_off=0, max_bytes=1000)
    with takes_less_than(5), pytest.raises(SourceError, match=r"found silence for 0\.1 s \(attempt 2 of 2\)"):
        client.find(DAY)


@pytest.mark.parametrize(
    "start",
    [b"HTTP/1.0 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\nPK", b"HTTP/1.0 200 OK\r\n\r\nPK"],
    ids=["headers", "body", "body without length"],
)
def test_a_download_that_drips_ends_at_the_deadline(site, start):
    site.script = [site.drip(start)]
    client = SniimClient(site.url, timeout=5, deadline_seconds=0.3, attempts=3, back_off=1, max_bytes=1_000_000)
    with takes_less_than(3), pytest.raises(SourceError, match=r"within 0\.3 s, found .* by then \(attempt 1 of 3\)"):
        client.fetch(DAY)


def test_a_look_up_whose_headers_drip_ends_at_the_deadline(site):
    site.script = [site.drip(b"HTTP/1.0 200 OK\r\nX-Slow: ")]
    client = SniimClient(site.url, timeout=5, deadline_seconds=0.3, attempts=3, back_off=1, max_bytes=1_000_000)
    with takes_less_than(3), pytest.raises(SourceError, match=r"within 0\.3 s, found none by then \(attempt 1 of 3\)"):
        client.find(DAY)


def test_a_body_that_stops_fails_after_the_timeout(site):
    def stall(handler: BaseHTTPRequestHandler) -> None:
        respond(200, GOOD[:5000], XLSX, stated=len(GOOD))(handler)
        site.silent(handler)

    site.script = [stall]
    client = SniimClient(site.url, timeout=0.1, deadline_seconds=1000, attempts=1, back_off=0, max_bytes=1_000_000)
    with takes_less_than(5), pytest.raises(SourceError, match="closed early or silent"):
        client.fetch(DAY)


def test_no_attempt_starts_after_the_deadline(site, waits):
    site.script = [respond(503)]
    client = SniimClient(site.url, timeout=5, deadline_seconds=30, attempts=3, back_off=100, max_bytes=1000, sleep=waits.append)
    with pytest.raises(SourceError, match="attempt 1 of 3"):
        client.fetch(DAY)
    assert waits == []


@pytest.mark.parametrize("stated", [None, -1], ids=["announced", "not announced"])
def test_a_file_that_is_too_large_is_rejected_without_a_retry(site, client, stated):
    site.script = [respond(200, b"PK" + bytes(1_100_000), XLSX, stated=stated)]
    with pytest.raises(SourceError, match="expected at most 1,000,000 bytes, found"):
        client.fetch(DAY)
    assert len(site.requests) == 1


def test_a_site_that_is_down_is_an_error_and_not_a_missing_file():
    client = SniimClient("http://127.0.0.1:9/files", timeout=1, deadline_seconds=10, attempts=2, back_off=0, max_bytes=1000)
    with pytest.raises(SourceError, match=r"found the connection refused, reset, closed early or silent \(attempt 2 of 2\)"):
        client.find(DAY)


def test_a_redirect_is_followed_but_not_a_circle(site, client):
    site.script = [respond(302, headers={"Location": "/elsewhere.xlsx"}), respond(body=GOOD, headers=XLSX)]
    assert client.fetch(DAY).content == GOOD
    site.script = [respond(302, headers={"Location": "/again"})]
    with pytest.raises(SourceError, match="TooManyRedirects"):
        client.fetch(DAY)


# secrets


def test_credentials_and_queries_are_sent_but_never_shown(site):
    address = site.url.replace("127.0.0.1", "reader:pa55@127.0.0.1") + "?sig=s3cret"
    source = SniimSource(base_url=address, attempts=1)
    site.script = [respond(body=GOOD, headers=XLSX)]
    download = source.fetch(DAY)
    assert site.requests == [("GET", f"/files/{NAME}?sig=s3cret")]
    assert download.url == source.url_for(DAY) == f"{site.url}/{NAME}"
    for failure in (respond(503), reset, respond(302, headers={"Location": "/again?sig=s3cret"})):
        site.script = [failure]
        with pytest.raises(SourceError) as caught:
            source.fetch(DAY)
        assert (caught.value.__cause__, caught.value.__context__) == (None, None), (
            "a chained error would reveal the whole address"
        )
        assert not any(secret in str(caught.value) for secret in ("pa55", "s3cret"))
        assert NAME in str(caught.value)


def test_a_base_url_that_is_not_an_address_is_rejected_with_a_remedy():
    with pytest.raises(SourceError, match=r"expected an http\(s\) address that answers, .*check base_url \(attempt 1 of 4\)"):
        SniimSource(base_url="sniim/files").find(DAY)
