"""The sample publisher: a small web server that looks like the source, for demonstrations and tests.

Belongs here: shelves (what may be served) and the server on 127.0.0.1. What a sample holds is `sample`'s.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from functools import lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from milk_assets.sniim.calendar import expected_publications, is_publication_day
from milk_assets.sniim.names import SOURCE_FOLDER, day_of_file, file_name
from milk_assets.sniim.samples.generate import FIRST_PUBLICATION, SEED, sample_workbook
from milk_assets.sniim.samples.truncate import CumulativeWorkbook

HOST = "127.0.0.1"  # never another: what is served is a stand-in, not a publication
ADVANCE = "/advance"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PUBLISHED_AT = time(18, 0, tzinfo=UTC)  # noon in Mexico City, when the source publishes
_NOT_FOUND = """<!DOCTYPE html>
<html><head><title>The resource cannot be found.</title></head><body bgcolor="white">
<span><h1>Server Error in '/' Application.<hr width="100%" size="1" color="silver"></h1>
<h2><i>The resource cannot be found.</i></h2></span>
<b>Description:</b> HTTP 404. The resource you are looking for could have been removed, had its name changed, or is unavailable.
</body></html>
"""
_log = logging.getLogger(__name__)


class Shelf(Protocol):
    """What a publisher may serve."""

    def next_after(self, day: date) -> date | None:
        """The first date on the shelf after a day, or None when there is no more."""

    def read(self, day: date) -> tuple[bytes, datetime] | None:
        """The workbook of a date and when it was last changed (UTC), or None when there is none."""


class SampleShelf:
    """Generated workbooks: one for every expected publication date, without end."""

    def __init__(self, seed: int = SEED) -> None:
        self._seed = seed

    def next_after(self, day: date) -> date:
        return expected_publications(day, 1)[0] if day >= FIRST_PUBLICATION else FIRST_PUBLICATION

    def read(self, day: date) -> tuple[bytes, datetime] | None:
        if day < FIRST_PUBLICATION or not is_publication_day(day):
            return None
        return _generated(day, self._seed), datetime.combine(day, _PUBLISHED_AT)


class FolderShelf:
    """Workbooks given in a folder, under the source's file names, served as they are."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise FileNotFoundError(f"expected a folder of workbooks at {folder}, found none")
        self._folder = folder.resolve()

    def next_after(self, day: date) -> date | None:
        days = (day_of_file(path.name) for path in self._folder.iterdir())
        return min((found for found in days if found is not None and found > day), default=None)

    def read(self, day: date) -> tuple[bytes, datetime] | None:
        path = (self._folder / file_name(day)).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():  # a link may lead out of the folder
            return None
        return path.read_bytes(), datetime.fromtimestamp(int(path.stat().st_mtime), UTC)


class CutShelf:
    """One cumulative workbook, cut at each of its dates: what the source would have served on that day."""

    def __init__(self, workbook: Path) -> None:
        self._whole = CumulativeWorkbook(workbook.read_bytes(), workbook.name)
        self._cut = lru_cache(maxsize=32)(self._whole.cut)

    @property
    def dates(self) -> tuple[date, ...]:
        """The dates that it can be cut at, in ascending order."""
        return tuple(sorted(self._whole.dates))

    def next_after(self, day: date) -> date | None:
        return min((found for found in self._whole.dates if found > day), default=None)

    def read(self, day: date) -> tuple[bytes, datetime] | None:
        if day not in self._whole.dates:
            return None
        return self._cut(day), datetime.combine(day, _PUBLISHED_AT)


class Publisher:
    """The server: every workbook on a shelf up to `until`, which may be moved while it runs.

    with Publisher(SampleShelf(), until=day) as site: `site.url` is the folder of the files, `site.until` the newest date shown.
    Port 0 takes any free one. Raises OSError when the port is taken.
    """

    def __init__(self, shelf: Shelf, until: date, port: int = 0) -> None:
        self.shelf = shelf
        self.until = until
        self._server = ThreadingHTTPServer((HOST, port), _handler_of(self))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """Scheme, host and port."""
        return f"http://{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """The folder of the files, with the path that the real site has."""
        return f"{self.address}/{SOURCE_FOLDER}"

    def advance(self, to: date | None = None) -> date:
        """Show the next date on the shelf, or all up to `to`; gives the new `until`. Raises ValueError: no more, or backwards."""
        following = to or self.shelf.next_after(self.until)
        if following is None:
            raise ValueError(f"expected a workbook after {self.until} on the shelf, found no more")
        if following < self.until:
            raise ValueError(f"expected a date from {self.until} on, found {following}: what was published stays")
        self.until = following
        return following

    def read(self, day: date) -> tuple[bytes, datetime] | None:
        """The workbook of a date, when it is published by now."""
        return self.shelf.read(day) if day <= self.until else None

    def __enter__(self) -> Publisher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler_of(publisher: Publisher) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version = "SamplePublisher"
        sys_version = ""
        protocol_version = "HTTP/1.1"
        timeout = 30  # seconds; an idle connection must not keep a thread for ever

        def do_GET(self) -> None:
            folder, _, name = urlsplit(self.path).path.rpartition("/")
            # The name is only ever read as a date: no path that a client sends reaches the file system.
            day = day_of_file(name) if folder == f"/{SOURCE_FOLDER}" else None
            found = publisher.read(day) if day is not None else None
            if found is None:
                self._answer(HTTPStatus.NOT_FOUND, "text/html; charset=utf-8", _NOT_FOUND.encode())
            else:
                content, changed = found
                self._answer(HTTPStatus.OK, XLSX, content, {"Last-Modified": format_datetime(changed, usegmt=True)})

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            if parts.path != ADVANCE:
                self._answer(HTTPStatus.NOT_FOUND, "text/html; charset=utf-8", _NOT_FOUND.encode())
                return
            try:
                to = [date.fromisoformat(text) for text in parse_qs(parts.query).get("to", [])]
                answer = {"until": publisher.advance(*to[:1]).isoformat()}
                self._answer(HTTPStatus.OK, "application/json", json.dumps(answer).encode())
            except ValueError as error:
                self._answer(HTTPStatus.CONFLICT, "application/json", json.dumps({"error": str(error)}).encode())

        def _answer(self, status: HTTPStatus, kind: str, content: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})}.items():
                self.send_header(name, value)
            if self.command == "POST":  # a body that was sent is not read, so the connection is of no further use
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            _log.debug(format, *args)

    return Handler


@lru_cache(maxsize=32)
def _generated(day: date, seed: int) -> bytes:
    return sample_workbook(day, seed=seed)
