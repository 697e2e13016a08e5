"""The SNIIM site: which workbook it has for a date, and the workbook's bytes.

Belongs here: HTTP and everything that can go wrong in it. Not here: what a workbook contains (`milk_assets.sniim`), and the time limit
of a connection (`http_deadline`).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import dagster as dg
from pydantic import Field

from milk_assets.defs.resources.retry_after import retry_after_seconds
from milk_assets.sniim.names import file_name
from milk_assets.sniim.xlsx_archive import START_BYTES, archive_fault, file_type_fault

if TYPE_CHECKING:
    import requests
    from tenacity import RetryCallState

    from milk_assets.defs.resources.http_deadline import Deadline

Result = TypeVar("Result")

USER_AGENT = "milk-assets (forecasts of SNIIM milk prices; asks once an hour at most)"
LONGEST_WAIT = 60.0  # seconds between two attempts, whatever the site asks for: a run must not occupy a worker
_CHUNK_BYTES = 65_536
_MISSING_STATUSES = frozenset({404, 410})
_RETRYABLE_STATUSES = frozenset({429, 500, 502, 503, 504})
_HEAD_UNSUPPORTED_STATUSES = frozenset({403, 405, 500, 501})  # sites that do not implement HEAD answer so; GET decides


class SourceError(RuntimeError):
    """The site could not be read. The message says what was requested, what was expected and found, and what to do.

    It never means that a file does not exist; that is `NotPublished`.
    """


class NotPublished(Exception):  # noqa: N818 (an answer of the site, not a fault)
    """The site says that it has no file for the date."""


@dataclass(frozen=True)
class Listing:
    """A workbook that the site has.

    Attributes:
        day: the publication date.
        url: its address, without credentials or query.
        bytes: its length, or None when the site does not state it.
        last_modified: the header of that name, or None.
    """

    day: date
    url: str
    bytes: int | None
    last_modified: str | None


@dataclass(frozen=True)
class Download:
    """A workbook's complete content: a whole .xlsx archive, as long as the site stated.

    Attributes:
        day: the publication date.
        url: its address, without credentials or query.
        content: the bytes.
        sha256: their digest, in hexadecimal.
        last_modified: the header of that name, or None.
    """

    day: date
    url: str
    content: bytes
    sha256: str
    last_modified: str | None


class SniimSource(dg.ConfigurableResource[Any]):
    """The folder of workbooks at `base_url`.

    Attributes:
        base_url: the folder's address; it may contain credentials and a query.
        timeout_seconds: limit to connect, and for each silence of the site.
        deadline_seconds: limit for one `find` or `fetch`, with all attempts and the waits between them.
        attempts: the largest number of attempts.
        back_off_seconds: the wait before the second attempt; it doubles after each attempt.
        max_bytes: the largest file that is accepted.
    """

    base_url: str
    timeout_seconds: float = 20.0  # the site is slow at times
    deadline_seconds: float = 180.0
    attempts: int = Field(default=4, ge=1)
    back_off_seconds: float = 2.0
    max_bytes: int = 30_000_000  # a file has 0.8 MB and grows by 0.4 MB a year

    def url_for(self, day: date) -> str:
        """The address of a date's workbook, without credentials or query."""
        return self._client().url_for(day)

    def find(self, day: date) -> Listing | None:
        """Look a date's workbook up.

        Returns:
            The workbook's listing, or None when the site says that it has none.

        Raises:
            SourceError: the site did not answer, or did not answer clearly.
        """
        return self._client().find(day)

    def fetch(self, day: date) -> Download:
        """Download a date's workbook.

        Raises:
            NotPublished: the site says that it has none.
            SourceError: the complete file could not be downloaded.
        """
        return self._client().fetch(day)

    def _client(self) -> SniimClient:
        return SniimClient(
            base_url=self.base_url,
            timeout=self.timeout_seconds,
            deadline_seconds=self.deadline_seconds,
            attempts=self.attempts,
            back_off=self.back_off_seconds,
            max_bytes=self.max_bytes,
        )


@dataclass(frozen=True)
class SniimClient:
    """The HTTP client of `SniimSource`, without Dagster. Times are in seconds; `sleep` waits between attempts."""

    base_url: str
    timeout: float
    deadline_seconds: float
    attempts: int
    back_off: float
    max_bytes: int
    sleep: Callable[[float], None] = time.sleep

    def url_for(self, day: date) -> str:
        """See `SniimSource.url_for`."""
        return _without_secrets(self._address(day))

    def find(self, day: date) -> Listing | None:
        """See `SniimSource.find`."""
        return self._with_retries(day, self._try_to_find)

    def fetch(self, day: date) -> Download:
        """See `SniimSource.fetch`."""
        download = self._with_retries(day, self._try_to_download)
        if download is None:
            raise NotPublished(f"{self.url_for(day)}: the site has no file for {day}; ask again after the next publication")
        return download

    def _address(self, day: date) -> str:
        parts = urlsplit(self.base_url)
        return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{file_name(day)}"))

    def _with_retries(self, day: date, attempt: Callable[[date, Deadline], Result]) -> Result:
        """Repeat an attempt until it succeeds, cannot succeed, or the attempts or the time are used up.

        Uses tenacity: urllib3's `Retry` acts before the body is read, so it cannot repeat a download that was cut short or a web page
        under status 200, and it has no limit for the total time.
        """
        from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_before_delay

        from milk_assets.defs.resources.http_deadline import Deadline

        retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, _AttemptError) and error.is_retryable),
            stop=stop_after_attempt(self.attempts) | stop_before_delay(self.deadline_seconds),
            wait=self._wait_before_next,
            sleep=self.sleep,
            reraise=True,
        )
        try:
            with Deadline(self.deadline_seconds) as deadline:
                return retrying(attempt, day, deadline)
        except _AttemptError as error:
            reason = error.reason
        # Raised outside the handler: a chained error of requests would reveal the whole address.
        count = f"attempt {retrying.statistics['attempt_number']} of {self.attempts}"
        raise SourceError(f"{self.url_for(day)}: {reason} ({count}); the file may still exist, try again later")

    def _wait_before_next(self, state: RetryCallState) -> float:
        """Seconds to wait: exponential with jitter, or as long as the site asks, but never more than LONGEST_WAIT."""
        from tenacity import wait_exponential, wait_random

        back_off = wait_exponential(multiplier=self.back_off, max=LONGEST_WAIT) + wait_random(0, self.back_off / 2)
        error = state.outcome.exception() if state.outcome else None
        site_wait = error.retry_after if isinstance(error, _AttemptError) else 0.0
        return min(max(back_off(state), site_wait), LONGEST_WAIT)

    def _try_to_find(self, day: date, deadline: Deadline) -> Listing | None:
        with self._request("HEAD", day, deadline) as response:
            if response.status_code in _MISSING_STATUSES:
                return None
            if response.status_code == 200 and not _is_text(response):
                return self._listing(day, response)
            if response.status_code != 200 and response.status_code not in _HEAD_UNSUPPORTED_STATUSES:
                raise _status_error(response)
        with self._request("GET", day, deadline) as response:
            if response.status_code in _MISSING_STATUSES:
                return None
            if response.status_code != 200:
                raise _status_error(response)
            fault = file_type_fault(next(response.iter_content(START_BYTES), b""))
            if fault is not None:
                raise _AttemptError(fault)
            return self._listing(day, response)

    def _listing(self, day: date, response: requests.Response) -> Listing:
        return Listing(day, self.url_for(day), _stated_length(response), response.headers.get("Last-Modified"))

    def _try_to_download(self, day: date, deadline: Deadline) -> Download | None:
        with self._request("GET", day, deadline) as response:
            if response.status_code in _MISSING_STATUSES:
                return None
            if response.status_code != 200:
                raise _status_error(response)
            content = self._read_body(response)
            if deadline.has_passed:  # without a stated length, the end of the connection looks like the end of the file
                raise _AttemptError(f"expected the file within {self.deadline_seconds:g} s, found {len(content):,} bytes by then")
            stated = _stated_length(response)
            if stated is not None and stated != len(content):
                raise _AttemptError(f"expected {stated:,} bytes, as the site states, found {len(content):,}")
            fault = archive_fault(content)
            if fault is not None:
                raise _AttemptError(fault)
            digest = hashlib.sha256(content).hexdigest()
            return Download(day, self.url_for(day), content, digest, response.headers.get("Last-Modified"))

    def _read_body(self, response: requests.Response) -> bytes:
        limit = f"expected at most {self.max_bytes:,} bytes"
        stated = _stated_length(response) or 0
        if stated > self.max_bytes:
            raise _AttemptError(f"{limit}, found {stated:,} announced", is_retryable=False)
        content = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            content += chunk
            if len(content) > self.max_bytes:
                raise _AttemptError(f"{limit}, found more", is_retryable=False)
        return bytes(content)

    @contextmanager
    def _request(self, method: str, day: date, deadline: Deadline) -> Iterator[requests.Response]:
        """Send one request and yield the response, its body not yet read. Every failure becomes an `_AttemptError`."""
        headers = {
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
        }  # not compressed, so that the stated length is the file's
        try:
            with deadline.session() as session:
                session.max_redirects = 3
                with session.request(
                    method, self._address(day), headers=headers, timeout=self.timeout, stream=True, allow_redirects=True
                ) as response:
                    if deadline.has_passed:  # headers that were cut off look like complete ones
                        raise self._no_answer_in_time()
                    yield response
        except OSError as error:  # every error of requests is one; its text contains the whole address, so it is not repeated
            raise self._request_error(error, deadline) from None

    def _request_error(self, error: OSError, deadline: Deadline) -> _AttemptError:
        from requests import exceptions

        if deadline.has_passed:
            return self._no_answer_in_time()
        if isinstance(error, exceptions.Timeout):
            return _AttemptError(f"expected an answer, found silence for {self.timeout:g} s")
        if isinstance(error, exceptions.SSLError):
            reason = "expected a trusted certificate, found none; check the address and this machine's clock"
            return _AttemptError(reason, is_retryable=False)
        if isinstance(error, exceptions.ConnectionError | exceptions.ChunkedEncodingError | exceptions.ContentDecodingError):
            return _AttemptError("expected a complete answer, found the connection refused, reset, closed early or silent")
        reason = f"expected an http(s) address that answers, found a {type(error).__name__}; check base_url"
        return _AttemptError(reason, is_retryable=False)

    def _no_answer_in_time(self) -> _AttemptError:
        return _AttemptError(f"expected an answer within {self.deadline_seconds:g} s, found none by then")


class _AttemptError(Exception):
    """One failed attempt. is_retryable: whether another may succeed. retry_after: seconds that the site asks to wait."""

    def __init__(self, reason: str, is_retryable: bool = True, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.reason, self.is_retryable, self.retry_after = reason, is_retryable, retry_after


def _status_error(response: requests.Response) -> _AttemptError:
    status = response.status_code
    reason = f"expected status 200 or 404, found {status}"
    retry_after = retry_after_seconds(response.headers.get("Retry-After")) or 0.0
    if retry_after > LONGEST_WAIT:
        return _AttemptError(f"{reason} with Retry-After: {retry_after:.0f} s; try again after that", is_retryable=False)
    return _AttemptError(reason, status in _RETRYABLE_STATUSES, retry_after)


def _stated_length(response: requests.Response) -> int | None:
    """The file's length as the site states it, or None when it does not, or states that of a compressed body."""
    text = response.headers.get("Content-Length", "")
    is_compressed = response.headers.get("Content-Encoding", "identity") != "identity"
    return int(text) if text.isdecimal() and not is_compressed else None


def _is_text(response: requests.Response) -> bool:
    return response.headers.get("Content-Type", "").strip().lower().startswith("text/")


def _without_secrets(address: str) -> str:
    """An address for messages and records: without user, password or query."""
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
