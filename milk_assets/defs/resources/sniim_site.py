"""The site: which workbook there is on a date, and its bytes.

Belongs here: HTTP, with everything that can go wrong in it. What a workbook says is read in `milk_assets.sniim`.
"""

from __future__ import annotations

import hashlib
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from threading import Timer
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import dagster as dg
from pydantic import Field

from milk_assets.sniim.names import file_name
from milk_assets.sniim.xlsx_archive import archive_fault as workbook_fault

if TYPE_CHECKING:
    import requests
    from requests.adapters import HTTPAdapter

Found = TypeVar("Found")

USER_AGENT = "milk-assets (forecasts of SNIIM milk prices; asks once an hour at most)"
LONGEST_WAIT = 60.0  # seconds between two attempts, whatever the site asks for: a run must not sit on a worker
_CHUNK = 65_536  # bytes
_ABSENT = frozenset({404, 410})
_BUSY = frozenset({429, 500, 502, 503, 504})  # worth another attempt
_NO_HEAD = frozenset({403, 405, 500, 501})  # what sites answer when they do not know HEAD: only GET tells


class SourceError(RuntimeError):
    """The site could not be read: the message says what was asked, what came, what to do. Never that there is no file."""


class NotPublished(Exception):  # noqa: N818 (an answer of the site, not a fault)
    """The site says that it has no file for the date."""


@dataclass(frozen=True)
class Listing:
    """A workbook that is there. bytes, last_modified: as the site states them, or None."""

    day: date
    url: str
    bytes: int | None
    last_modified: str | None


@dataclass(frozen=True)
class Download:
    """A workbook's content, whole: an .xlsx archive of the length the site stated. sha256 in hexadecimal."""

    day: date
    url: str
    content: bytes
    sha256: str
    last_modified: str | None


class SniimSource(dg.ConfigurableResource[Any]):
    """The folder of workbooks at `base_url`.

    timeout_seconds: to connect, and for each silence of the site. deadline_seconds: for one `find` or `fetch`, with its attempts
    and waits. back_off_seconds: before the second attempt; it doubles from there. max_bytes: the largest file that is taken.
    """

    base_url: str
    timeout_seconds: float = 20.0  # the site is slow at times
    deadline_seconds: float = 180.0
    attempts: int = Field(default=4, ge=1)
    back_off_seconds: float = 2.0
    max_bytes: int = 30_000_000  # a file is 0.8 MB and grows by 0.4 MB a year

    def url_for(self, day: date) -> str:
        """Where the workbook of a date is, without credentials or query."""
        return self._client().url_for(day)

    def find(self, day: date) -> Listing | None:
        """The workbook of a date, or None when the site says that there is none. Raises SourceError when the site cannot say."""
        return self._client().find(day)

    def fetch(self, day: date) -> Download:
        """The content of a date's workbook. Raises NotPublished when there is none, SourceError when it cannot be had whole."""
        return self._client().fetch(day)

    def _client(self) -> Client:
        return Client(
            base_url=self.base_url,
            timeout=self.timeout_seconds,
            deadline=self.deadline_seconds,
            attempts=self.attempts,
            back_off=self.back_off_seconds,
            max_bytes=self.max_bytes,
        )


@dataclass(frozen=True)
class Client:
    """The HTTP of `SniimSource`, free of Dagster; see there. Times in seconds; `sleep` waits between attempts."""

    base_url: str
    timeout: float
    deadline: float
    attempts: int
    back_off: float
    max_bytes: int
    sleep: Callable[[float], None] = time.sleep

    def url_for(self, day: date) -> str:
        return _shown(self._address(day))

    def find(self, day: date) -> Listing | None:
        return self._persist(day, self._look)

    def fetch(self, day: date) -> Download:
        download = self._persist(day, self._download)
        if download is None:
            raise NotPublished(f"{self.url_for(day)}: the site has no file of {day}; ask again after the next publication")
        return download

    def _address(self, day: date) -> str:
        parts = urlsplit(self.base_url)
        return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{file_name(day)}"))

    def _persist(self, day: date, ask: Callable[[date, float], Found]) -> Found:
        """Ask until there is an answer, the attempts are used up, or the time is."""
        until = time.monotonic() + self.deadline
        for attempt in range(1, self.attempts + 1):
            try:
                return ask(day, until)
            except _AttemptError as fault:
                reason = fault.reason
                jitter = random.uniform(0.5, 1.5)  # others may have failed at the same moment
                wait = min(max(self.back_off * 2 ** (attempt - 1) * jitter, fault.wait), LONGEST_WAIT)
                if not fault.passing or attempt == self.attempts or time.monotonic() + wait >= until:
                    break
            self.sleep(wait)
        tried = f"attempt {attempt} of {self.attempts}"
        raise SourceError(f"{self.url_for(day)}: {reason} ({tried}); this does not mean that there is no file: try again later")

    def _look(self, day: date, until: float) -> Listing | None:
        with self._request("HEAD", day, until) as response:
            if response.status_code in _ABSENT:
                return None
            if response.status_code == 200 and not _is_text(response):
                return self._listing(day, response)
            if response.status_code != 200 and response.status_code not in _NO_HEAD:
                raise _fault_of_status(response)
        with self._request("GET", day, until) as response:
            if response.status_code in _ABSENT:
                return None
            if response.status_code != 200:
                raise _fault_of_status(response)
            start = next(response.iter_content(512), b"")
            if not start.startswith(b"PK"):
                raise _AttemptError(workbook_fault(start) or "")
            return self._listing(day, response)

    def _listing(self, day: date, response: requests.Response) -> Listing:
        return Listing(day, self.url_for(day), _length(response), response.headers.get("Last-Modified"))

    def _download(self, day: date, until: float) -> Download | None:
        with self._request("GET", day, until) as response:
            if response.status_code in _ABSENT:
                return None
            if response.status_code != 200:
                raise _fault_of_status(response)
            content = self._body(response)
            if time.monotonic() >= until:  # the line was cut, which looks like an end when the site states no length
                raise _AttemptError(f"expected the file within {self.deadline:g} s, found {len(content):,} bytes by then")
            stated = _length(response)
            if stated is not None and stated != len(content):
                raise _AttemptError(f"expected {stated:,} bytes, as the site states, found {len(content):,}")
            fault = workbook_fault(content)
            if fault is not None:
                raise _AttemptError(fault)
            digest = hashlib.sha256(content).hexdigest()
            return Download(day, self.url_for(day), content, digest, response.headers.get("Last-Modified"))

    def _body(self, response: requests.Response) -> bytes:
        limit = f"expected at most {self.max_bytes:,} bytes"
        if (_length(response) or 0) > self.max_bytes:
            raise _AttemptError(f"{limit}, found {_length(response):,} announced", passing=False)
        content = bytearray()
        for chunk in response.iter_content(_CHUNK):
            content += chunk
            if len(content) > self.max_bytes:
                raise _AttemptError(f"{limit}, found more", passing=False)
        return bytes(content)

    @contextmanager
    def _request(self, method: str, day: date, until: float) -> Iterator[requests.Response]:
        """One request, its body still to be read; every way in which it can break is an `_AttemptError`."""
        import requests

        timers: list[Timer] = []
        session = requests.Session()
        session.max_redirects = 3
        for scheme in ("http://", "https://"):
            session.mount(scheme, _adapter(until, timers))
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}  # unpacked, so that the stated length can be held to
        try:
            with session.request(
                method, self._address(day), headers=headers, timeout=self.timeout, stream=True, allow_redirects=True
            ) as response:
                yield response
        except OSError as error:  # all of requests' errors are; their words hold the whole address, so they are not repeated
            raise self._fault_of(error, until) from None
        finally:
            for timer in timers:
                timer.cancel()
            session.close()

    def _fault_of(self, error: OSError, until: float) -> _AttemptError:
        from requests import exceptions

        if time.monotonic() >= until:
            return _AttemptError(f"expected an answer within {self.deadline:g} s, found none by then")
        if isinstance(error, exceptions.Timeout):
            return _AttemptError(f"expected an answer, found silence for {self.timeout:g} s")
        if isinstance(error, exceptions.SSLError):
            return _AttemptError(
                "expected a certificate that can be trusted, found none; check the address and the clock", passing=False
            )
        if isinstance(error, exceptions.ConnectionError | exceptions.ChunkedEncodingError | exceptions.ContentDecodingError):
            return _AttemptError("expected a whole answer, found the connection refused, reset, closed early or silent")
        return _AttemptError(
            f"expected an address that can be asked, found a {type(error).__name__}; check base_url", passing=False
        )


class _AttemptError(Exception):
    """One attempt that failed. passing: another may succeed. wait: seconds the site asks to be left alone."""

    def __init__(self, reason: str, passing: bool = True, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.reason, self.passing, self.wait = reason, passing, wait


def _fault_of_status(response: requests.Response) -> _AttemptError:
    status = response.status_code
    reason = f"expected 200 or 404, found status {status}"
    wait = _retry_after(response)
    if wait > LONGEST_WAIT:
        return _AttemptError(f"{reason} and the wish to be left alone for {wait:.0f} s; try again after that", passing=False)
    return _AttemptError(reason, status in _BUSY, wait)


def _retry_after(response: requests.Response) -> float:
    """Seconds until the site wants to be asked again, stated as a number or as a time; 0 when it does not say."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    with suppress(ValueError, TypeError):  # not a time, or one without a zone
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    return 0.0


def _length(response: requests.Response) -> int | None:
    text = response.headers.get("Content-Length", "")
    packed = response.headers.get("Content-Encoding", "identity") != "identity"
    return int(text) if text.isdecimal() and not packed else None


def _is_text(response: requests.Response) -> bool:
    return response.headers.get("Content-Type", "").strip().lower().startswith("text/")


def _shown(address: str) -> str:
    """An address as it may stand in messages and records: no user, no password, no query."""
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _adapter(until: float, timers: list[Timer]) -> HTTPAdapter:
    """An adapter whose connections are cut at a time (of `time.monotonic`).

    A timeout of requests bounds one silence. A site that sends a byte now and then breaks none, and would hold a worker on.
    """
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool

    def cut_off(kind: Any) -> Any:
        class CutOff(kind):  # type: ignore[misc]
            def connect(self) -> None:
                super().connect()
                timer = Timer(max(0.0, until - time.monotonic()), _hang_up, [self.sock])
                timer.daemon = True
                timer.start()
                timers.append(timer)

        return CutOff

    adapter = HTTPAdapter()
    adapter.poolmanager.pool_classes_by_scheme = {
        scheme: type(pool.__name__, (pool,), {"ConnectionCls": cut_off(pool.ConnectionCls)})
        for scheme, pool in (("http", HTTPConnectionPool), ("https", HTTPSConnectionPool))
    }
    return adapter


def _hang_up(line: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        line.shutdown(socket.SHUT_RDWR)
