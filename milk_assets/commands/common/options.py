"""Options that several subcommands share, and today's date.

Belongs here: types of options. What they mean is said where they are used.
"""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from milk_assets.resource_names import TIMEZONE

DAY_FORMATS = ["%Y-%m-%d"]

Publication = Annotated[
    datetime | None, typer.Option(formats=DAY_FORMATS, help="This publication instead of the newest.", show_default=False)
]
Until = Annotated[datetime | None, typer.Option(formats=DAY_FORMATS, help="Newest publication to show.", show_default=False)]
PublishedWorkbook = Annotated[
    Path | None, typer.Option(help="A SNIIM workbook to publish instead of sample data.", show_default=False)
]
Reason = Annotated[str, typer.Option(help="Why; it is kept in the ledger.")]


def as_date(moment: datetime | None) -> date | None:
    """The date of an option; None where it was not given."""
    return None if moment is None else moment.date()


def today() -> date:
    """Today in Mexico City."""
    return datetime.now(ZoneInfo(TIMEZONE)).date()
