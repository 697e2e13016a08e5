"""`milk read`, `milk publish` and `milk advance`: SNIIM workbooks, read to Parquet or published on this machine.

Belongs here: options, files and what is printed. Reading is `milk_assets.sniim`, the server `milk_assets.sniim.samples.publisher`.
"""

import errno
import json
import signal
import time
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from milk_assets.commands.common.options import DAY_FORMATS, Until, as_date, today
from milk_assets.resource_names import SAMPLE_PORT

if TYPE_CHECKING:
    from milk_assets.sniim.samples.publisher import WorkbookCollection

ADVANCE_SECONDS = 10  # the publisher only moves a date; one that takes longer is not there
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1.")]


class CommandError(RuntimeError):
    """A command that cannot be carried out; the message is all that the user sees."""


def read_command(
    file: Annotated[Path, typer.Argument(help="A workbook, such as Leche31032025.xlsx.")],
    out: Annotated[Path, typer.Option(help="The Parquet file to write.")],
) -> None:
    """Read and validate a workbook, and write its prices to Parquet. The file appears completely or not at all."""
    from milk_assets.sniim.names import day_of_file
    from milk_assets.sniim.validation import validate
    from milk_assets.sniim.workbook import read_workbook

    started = time.perf_counter()
    book = read_workbook(file)
    validation = validate(book, day_of_file(file.name))
    validation.raise_if_blocking()
    partial = out.with_name(f".{out.name}.partial")
    try:
        book.prices.to_parquet(partial, index=False)
        partial.replace(out)
    except OSError as error:
        raise CommandError(f"{out} could not be written ({error.strerror or error}): check the folder") from error
    finally:
        partial.unlink(missing_ok=True)
    seconds = time.perf_counter() - started
    newest = book.prices[book.prices["publication"] == book.prices["publication"].max()]
    sample = ", sample data" if book.sample else ""
    print(f"{book.name}: {len(book.dates)} publications, {book.dates[0]} to {book.newest}{sample}")
    print(f"series: {book.prices['series'].nunique()}, with a price on {book.newest}: {newest['price'].notna().sum()}")
    for result in validation.results:
        message = result.message.removeprefix(book.name).lstrip(":, ")
        print(f"{'ok     ' if result.passed else 'warning'} {result.name}: {message}")
    print(f"{out}: {len(book.prices)} rows in {seconds:.2f} s")


def publish_command(
    until: Until = None,
    folder: Annotated[Path | None, typer.Option(help="Serve the workbooks of this folder unchanged.", show_default=False)] = None,
    workbook: Annotated[
        Path | None, typer.Option(help="Serve this cumulative workbook, truncated at each of its dates.", show_default=False)
    ] = None,
    port: Port = SAMPLE_PORT,
) -> None:
    """Serve workbooks as the source does, on 127.0.0.1, until interrupted; generated sample data by default."""
    from milk_assets.sniim.samples.publisher import Publisher

    if folder is not None and workbook is not None:
        raise typer.BadParameter("use either --folder or --workbook")
    newest = as_date(until) or today()
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        publisher = Publisher(_workbooks(folder, workbook), newest, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(f"port {port} is in use: stop the program that listens there, or choose another --port") from error
        raise CommandError(f"cannot publish: {error}") from error
    with publisher:
        print(f"{publisher.url}/LecheDDMMYYYY.xlsx")
        print(f"publications up to {newest} are shown; the next one: milk advance --port {publisher.port}", flush=True)
        stop.wait()
    print("stopped")


def advance_command(
    to: Annotated[
        datetime | None, typer.Option(formats=DAY_FORMATS, help="Show all publications up to this date.", show_default=False)
    ] = None,
    port: Port = SAMPLE_PORT,
) -> None:
    """Let a running publisher show the next publication, or all up to a date."""
    from milk_assets.sniim.samples.publisher import ADVANCE_PATH, HOST

    query = f"?to={to.date()}" if to else ""
    request = urllib.request.Request(f"http://{HOST}:{port}{ADVANCE_PATH}{query}", method="POST")
    try:
        with urllib.request.urlopen(request, timeout=ADVANCE_SECONDS) as response:  # noqa: S310  # loopback
            print(f"publications up to {json.load(response)['until']} are shown")
    except urllib.error.HTTPError as error:
        with error:
            raise CommandError(json.load(error)["error"]) from error
    except OSError as error:
        remedy = f"start it with: milk publish --port {port}"
        raise CommandError(f"expected a publisher on port {port}, found none ({error}): {remedy}") from error


def _workbooks(folder: Path | None, workbook: Path | None) -> "WorkbookCollection":
    from milk_assets.sniim.samples.publisher import FolderWorkbooks, GeneratedWorkbooks, TruncatedWorkbooks

    if folder is not None:
        return FolderWorkbooks(folder)
    return TruncatedWorkbooks(workbook) if workbook is not None else GeneratedWorkbooks()
