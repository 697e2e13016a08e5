"""The sample publisher: a small web server that imitates the SNIIM site, for demonstrations and tests.

Belongs here: the collections of workbooks that can be served, and the server on 127.0.0.1. Not here: the content of a generated
workbook (`samples.generate`), truncating a real one (`samples.truncate`).
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

HOST = "127.0.0.1"  # loopback only: the files imitate a publication and must not be taken for one
ADVANCE_PATH = "/advance"  # POST to it shows the next publication
XLSX_CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PUBLISHED_AT = time(18, 0, tzinfo=UTC)  # noon in Mexico City, when the source publishes
_NOT_FOUND = """<!DOCTYPE html>
<html><head><title>The resource cannot be found.</title></head><body bgcolor="white">
<span><h1>Server Error in '/' Application.<hr width="100%" size="1" color="silver"></h1>
<h2><i>The resource cannot be found.</i></h2></span>
<b>Description:</b> HTTP 404. The resource you are looking for could have been removed, had its name changed, or is unavailable.
</body></html>
"""
_log = logging.getLogger(__name__)


class WorkbookCollection(Protocol):
    """The workbooks that a publisher can serve."""

    def next_after(self, day: date) -> date | None:
        """The first date with a workbook after a day, or None when there are no more."""

    def read(self, day: date) -> tuple[bytes, datetime] | None:
        """The workbook of a date and the time of its last change (UTC), or None without a workbook."""


class GeneratedWorkbooks:
    """A generated workbook for every expected publication date, without an end."""

    def __init__(self, seed: int = SEED) -> None:
        self._seed = seed

    def next_after(self, day: date) -> date:
        return expected_publications(day, 1)[0] if day >= FIRST_PUBLICATION else FIRST_PUBLICATION

    def read(self, day: date) -> tuple[bytes, datetime] | None:
        if day < FIRST_PUBLICATION or not is_publication_day(day):
            return None
        return _generated(day, self._seed), datetime.combine(day, _PUBLISHED_AT)


class FolderWorkbooks:
    """The workbooks in a folder, under the source's file names, served unchanged. Raises FileNotFoundError without a folder."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise FileNotFoundError(f"expected a folder of workbooks at {folder}, found none; check the path")
        self._folder = folder.resolve()

    def next_after(self, day: date) -> date | None:
        days = (day_of_file(path.name) for path in self._folder.iterdir())
        return min((later for later in days if later is not None and later > day), default=None)

    def read(self, day: date) -> tuple[bytes, datetime] | None:
        path = (self._folder / file_name(day)).resolve()
        if not path.is_relative_to(self._folder) or not path.is_file():  # a symbolic link may point outside the folder
            return None
        return path.read_bytes(), datetime.fromtimestamp(int(path.stat().st_mtime), UTC)


class TruncatedWorkbooks:
    """One cumulative workbook, truncated at each of its dates: the file that the source served on that day."""

    def __init__(self, workbook: Path) -> None:
        self._cumulative = CumulativeWorkbook(workbook.read_bytes(), workbook.name)
        self._truncated_at = lru_cache(maxsize=32)(self._cumulative.truncated_at)

    @property
    def dates(self) -> tuple[date, ...]:
        """The dates with a workbook, ascending."""
        return self._cumulative.dates

    def next_after(self, day: date) -> date | None:
        return min((later for later in self.dates if later > day), default=None)

    def read(self, day: date) -> tuple[bytes, datetime] | None:
        if day not in self.dates:
            return None
        return self._truncated_at(day), datetime.combine(day, _PUBLISHED_AT)


class Publisher:
    """The server. It shows the workbooks of a collection up to a date, which can be advanced while it runs.

    Use it as a context manager:

        with Publisher(GeneratedWorkbooks(), until=day) as site:
            site.url  # the folder of the files

    Args:
        workbooks: the collection to serve.
        until: the newest date shown.
        port: the port to listen on; 0 takes any free one.

    Raises:
        OSError: the port is in use.
    """

    def __init__(self, workbooks: WorkbookCollection, until: date, port: int = 0) -> None:
        self.workbooks = workbooks
        self.until = until
        self._server = ThreadingHTTPServer((HOST, port), _handler_of(self))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """Scheme, host and port."""
        return f"http://{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """The address of the folder of the files, with the same path as on the real site."""
        return f"{self.address}/{SOURCE_FOLDER}"

    def advance(self, to: date | None = None) -> date:
        """Show more publications.

        Args:
            to: the new newest date; by default the next date with a workbook.

        Returns:
            The new newest date.

        Raises:
            ValueError: there are no more workbooks, or the date is before the current one.
        """
        new_until = to or self.workbooks.next_after(self.until)
        if new_until is None:
            raise ValueError(f"expected a workbook after {self.until}, found no more")
        if new_until < self.until:
            raise ValueError(f"expected a date from {self.until} on, found {new_until}; a publication cannot be taken back")
        self.until = new_until
        return new_until

    def read(self, day: date) -> tuple[bytes, datetime] | None:
        """The workbook of a date and the time of its last change, or None when it is not published."""
        return self.workbooks.read(day) if day <= self.until else None

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
        timeout = 30  # seconds; an idle connection must not occupy a thread without end

        def do_GET(self) -> None:
            folder, _, name = urlsplit(self.path).path.rpartition("/")
            # The name is only parsed as a date, so no path from a client reaches the file system.
            day = day_of_file(name) if folder == f"/{SOURCE_FOLDER}" else None
            workbook = publisher.read(day) if day is not None else None
            if workbook is None:
                self._respond(HTTPStatus.NOT_FOUND, "text/html; charset=utf-8", _NOT_FOUND.encode())
            else:
                content, last_modified = workbook
                headers = {"Last-Modified": format_datetime(last_modified, usegmt=True)}
                self._respond(HTTPStatus.OK, XLSX_CONTENT_TYPE, content, headers)

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            if parts.path != ADVANCE_PATH:
                self._respond(HTTPStatus.NOT_FOUND, "text/html; charset=utf-8", _NOT_FOUND.encode())
                return
            try:
                to = [date.fromisoformat(text) for text in parse_qs(parts.query).get("to", [])]
                document = {"until": publisher.advance(*to[:1]).isoformat()}
                self._respond(HTTPStatus.OK, "application/json", json.dumps(document).encode())
            except ValueError as error:
                self._respond(HTTPStatus.CONFLICT, "application/json", json.dumps({"error": str(error)}).encode())

        def _respond(self, status: HTTPStatus, content_type: str, content: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": content_type, "Content-Length": str(len(content)), **(headers or {})}.items():
                self.send_header(name, value)
            if self.command == "POST":  # the request's body is not read, so the connection cannot be reused
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
