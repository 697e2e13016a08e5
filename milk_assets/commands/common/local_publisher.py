"""A publisher on this machine, and the local environment that reads from it.

Belongs here: choosing what is published. The server is `milk_assets.sniim.samples.publisher`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from milk_assets.settings import Environment, SettingError
from milk_assets.sniim.calendar import newest_expected

if TYPE_CHECKING:
    from milk_assets.sniim.samples.publisher import Publisher


@contextmanager
def local_publisher(workbook: Path | None, until: date | None, today: date, port: int = 0) -> Iterator["Publisher"]:
    """A publisher whose `until` is the newest workbook it shows.

    Args:
        workbook: Workbook to publish, truncated at each of its dates; generated sample data without one.
        until: Newest publication to show; the newest there is without one.
        today: Today in Mexico City.
        port: Port on 127.0.0.1; 0 takes a free one.

    Raises:
        SettingError: The workbook cannot be read, or has no publication up to `until`.
    """
    from milk_assets.sniim.samples.publisher import GeneratedWorkbooks, Publisher, TruncatedWorkbooks, WorkbookCollection
    from milk_assets.sniim.workbook import WorkbookError

    workbooks: WorkbookCollection
    if workbook is None:
        workbooks, newest = GeneratedWorkbooks(), newest_expected(until or today)
    else:
        try:
            truncated = TruncatedWorkbooks(workbook)
        except (WorkbookError, OSError) as error:
            raise SettingError(str(error)) from error
        dates = [day for day in truncated.dates if until is None or day <= until]
        if not dates:
            raise SettingError(f"{workbook} has no publication up to {until}; its first is {truncated.next_after(date.min)}")
        workbooks, newest = truncated, dates[-1]
    with Publisher(workbooks, newest, port) as publisher:
        yield publisher


def environment_of(environment: Environment, workbook: Path | None, publisher: "Publisher") -> Environment:
    """The local environment that reads from a publisher. A given workbook has its own home, so it never meets sample data."""
    home = environment.home / workbook.stem if workbook else environment.home
    return Environment.from_env({**os.environ, "MILK_ENV": "local", "MILK_HOME": str(home), "MILK_SOURCE_URL": publisher.url})
