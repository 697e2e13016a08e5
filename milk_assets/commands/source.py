"""The command line of the source: read a workbook into Parquet, publish samples, let the sample publisher show the next date.

Belongs here: arguments, what is printed, exit codes, and the clock that `publish` starts from.
"""

from __future__ import annotations

import argparse
import errno
import json
import signal
import sys
import time
import urllib.error
import urllib.request
from datetime import date, datetime
from pathlib import Path
from threading import Event
from zoneinfo import ZoneInfo

from milk_assets.settings import SAMPLE_PORT
from milk_assets.sniim.names import day_of_file
from milk_assets.sniim.samples.publisher import (
    ADVANCE_PATH,
    HOST,
    FolderWorkbooks,
    GeneratedWorkbooks,
    Publisher,
    TruncatedWorkbooks,
    WorkbookCollection,
)

PROGRAM = "python -m milk_assets.commands.source"
_ADVANCE_SECONDS = 10  # the publisher only moves a date; one that takes longer is not there


class CommandError(Exception):
    """A command that cannot be carried out; the message is all the user sees."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when it was carried out, 1 with a message on standard error when not."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except CommandError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def read(options: argparse.Namespace) -> None:
    """Read and prove a workbook, then write its prices: the Parquet file appears whole or not at all."""
    from milk_assets.sniim.validation import validate
    from milk_assets.sniim.workbook import WorkbookError, read_workbook

    began = time.perf_counter()
    try:
        book = read_workbook(options.file)
        proof = validate(book, day_of_file(options.file.name))
        proof.raise_if_blocking()
    except WorkbookError as error:
        raise CommandError(str(error)) from error
    partial = options.out.with_name(f".{options.out.name}.partial")
    try:
        book.prices.to_parquet(partial, index=False)
        partial.replace(options.out)
    except OSError as error:
        raise CommandError(f"{options.out}: could not be written ({error.strerror or error}); check the folder") from error
    finally:
        partial.unlink(missing_ok=True)
    seconds = time.perf_counter() - began
    last = book.prices[book.prices["publication"] == book.prices["publication"].max()]
    print(
        f"{book.name}: {len(book.dates)} publications, {book.dates[0]} to {book.newest}{', sample data' if book.sample else ''}"
    )
    print(f"series: {book.prices['series'].nunique()}, with a price on {book.newest}: {last['price'].notna().sum()}")
    for outcome in proof.results:
        message = outcome.message.removeprefix(book.name).lstrip(":, ")
        print(f"{'ok     ' if outcome.passed else 'warning'} {outcome.name}: {message}")
    print(f"{options.out}: {len(book.prices)} rows in {seconds:.2f} s")


def publish(options: argparse.Namespace) -> None:
    """Serve workbooks on loopback until interrupted or terminated."""
    until = options.until or datetime.now(ZoneInfo("America/Mexico_City")).date()
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        publisher = Publisher(_shelf(options), until, options.port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(f"port {options.port} is in use; stop what listens there or choose another with --port") from error
        raise CommandError(f"cannot publish: {error}") from error
    except ValueError as error:  # a workbook that cannot be read
        raise CommandError(str(error)) from error
    with publisher:
        print(f"{publisher.url}/LecheDDMMYYYY.xlsx")
        print(f"publications up to {until} are shown; the next one: {PROGRAM} advance --port {publisher.port}", flush=True)
        stop.wait()
    print("stopped")


def advance(options: argparse.Namespace) -> None:
    """Tell a running publisher to show the next publication, or all up to a date."""
    query = f"?to={options.to}" if options.to else ""
    request = urllib.request.Request(f"http://{HOST}:{options.port}{ADVANCE_PATH}{query}", method="POST")
    try:
        with urllib.request.urlopen(request, timeout=_ADVANCE_SECONDS) as response:  # noqa: S310 (loopback)
            print(f"publications up to {json.load(response)['until']} are shown")
    except urllib.error.HTTPError as error:
        with error:
            raise CommandError(json.load(error)["error"]) from error
    except OSError as error:
        todo = f"start it with: {PROGRAM} publish --port {options.port}"
        raise CommandError(f"expected a publisher on port {options.port}, found none ({error}); {todo}") from error


def _shelf(options: argparse.Namespace) -> WorkbookCollection:
    if options.folder:
        return FolderWorkbooks(options.folder)
    return TruncatedWorkbooks(options.workbook) if options.workbook else GeneratedWorkbooks()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="SNIIM's milk price workbooks")
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("read", help="read and prove a workbook, and write its prices to Parquet")
    command.add_argument("file", type=Path, help="a workbook, such as Leche31032025.xlsx")
    command.add_argument("--out", type=Path, required=True, help="the Parquet file to write")
    command.set_defaults(command=read)

    command = commands.add_parser("publish", help="serve generated workbooks as the source does, on this machine alone")
    given = command.add_mutually_exclusive_group()
    given.add_argument("--folder", type=Path, help="serve the workbooks of this folder instead, as they are")
    given.add_argument("--workbook", type=Path, help="serve this cumulative workbook instead, cut at each of its dates")
    command.add_argument("--until", type=date.fromisoformat, help="newest date to show, YYYY-MM-DD (today by default)")
    command.add_argument("--port", type=int, default=SAMPLE_PORT)
    command.set_defaults(command=publish)

    command = commands.add_parser("advance", help="let a running publisher show the next publication")
    command.add_argument("--to", type=date.fromisoformat, help="show every publication up to this date, YYYY-MM-DD")
    command.add_argument("--port", type=int, default=SAMPLE_PORT)
    command.set_defaults(command=advance)
    return parser


if __name__ == "__main__":
    sys.exit(main())
