"""The report as plain values: provenance, columns, tables, sections, and the whole.

Belongs here: the shapes every format reads. Figures are computed by `facts` and its section modules, printed by the formats.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import pandas as pd

from milk_assets.reporting.text.bilingual import Text

Kind = Literal["text", "date", "month", "price", "change", "percent", "share", "count", "ratio"]
"""How a value is measured, so that each format prints it alike: price and change in MXN per litre (change signed), percent in
per cent (signed), share between 0 and 1, count a whole number, ratio a plain number, date a day, month its first day."""

Place = Literal["page", "book", "data"]
"""Where a table is printed: the HTML page, the XLSX workbook, the JSON document."""
EVERYWHERE: frozenset[Place] = frozenset({"page", "book", "data"})
FILES_ONLY: frozenset[Place] = frozenset({"book", "data"})
DATA_ONLY: frozenset[Place] = frozenset({"data"})
NOTHING = Text("", "")
NO_DATA = Text("Sin datos.", "No data.")


class ReportError(ValueError):
    """The report cannot be true with what was given: the message says what was expected, what came and what to do."""


@dataclass(frozen=True)
class Provenance:
    """Where the figures come from: the workbook and the model, as every format states them.

    sha256: of the workbook, hexadecimal. sample: the prices were generated, they are not official. trained_through: newest
    publication the model has learned from, None for the no-change baseline. covered of active: series priced in this publication
    against the series that have ever had a price. stale_days: days since the oldest publication that was expected and is
    missing, 0 when none is. source_note: the workbook's own footer.
    """

    workbook: str
    sha256: str
    sample: bool
    model_version: str
    model_alias: str
    is_baseline: bool
    trained_through: date | None
    covered: int
    active: int
    stale_days: int
    source_note: str

    @property
    def coverage(self) -> Text:
        """ "185 de 185", as readers see it."""
        return Text(f"{self.covered} de {self.active}", f"{self.covered} of {self.active}")


@dataclass(frozen=True)
class Column:
    """One column of a table: its name in the frame, its Spanish label, how it is measured.

    moves: a signed value is a movement in time, which the page colours; a gap between two prices of one day is none.
    """

    name: str
    label: Text
    kind: Kind = "text"
    moves: bool = True


@dataclass(frozen=True)
class Table:
    """One tidy frame of the report. `frame` holds exactly the columns named, in that order.

    key: English identifier, unique in the report. title: at most 31 characters in Spanish.
    caption: how to read it, with units. empty: what to say when it has no row. group_by: leading columns whose repeated
    values the page prints once. folded: the page closes it behind its title, as it is long.
    """

    key: str
    title: Text
    columns: tuple[Column, ...]
    frame: pd.DataFrame
    caption: Text = NOTHING
    empty: Text = NO_DATA
    places: frozenset[Place] = EVERYWHERE
    group_by: tuple[str, ...] = ()
    folded: bool = False

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if list(self.frame.columns) != names:
            raise ReportError(f"Table {self.key}: expected the columns {names}, its frame has {list(self.frame.columns)}.")

    def rows(self) -> Iterator[tuple[object, ...]]:
        """The values of each row, in the order of `columns`."""
        return self.frame.itertuples(index=False, name=None)


@dataclass(frozen=True)
class Section:
    """One numbered part of the report: a title (at most 31 characters in Spanish, as it also names an XLSX sheet), a sentence that
    says what it shows, its tables, lines of plain text."""

    key: str
    title: Text
    lead: Text
    tables: tuple[Table, ...] = ()
    lines: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Report:
    """Every figure and sentence of one report, computed once. Formats only lay it out.

    day: the day it is for. publication: the newest block of prices in it. headline and summary: sentences made from the figures.
    banners: warnings that every format prints first.
    """

    day: date
    publication: date
    next_publication: date
    provenance: Provenance
    banners: tuple[Text, ...]
    headline: Text
    summary: tuple[Text, ...]
    sections: tuple[Section, ...]

    @property
    def tables(self) -> Mapping[str, Table]:
        """Every table by its key."""
        return {table.key: table for section in self.sections for table in section.tables}

    def section(self, key: str) -> Section:
        """The section of that key; KeyError names the keys there are."""
        for section in self.sections:
            if section.key == key:
                return section
        raise KeyError(f"No section {key!r}; there are {[section.key for section in self.sections]}.")


def table(
    key: str,
    title: Text,
    columns: tuple[Column, ...],
    frame: pd.DataFrame,
    *,
    caption: Text = NOTHING,
    empty: Text = NO_DATA,
    places: frozenset[Place] = EVERYWHERE,
    group_by: tuple[str, ...] = (),
    folded: bool = False,
) -> Table:
    """A table of `columns`, taken out of a frame that may hold more; the frame's own order of rows is kept."""
    taken = frame[[column.name for column in columns]].reset_index(drop=True)
    return Table(key, title, columns, taken, caption, empty, places, group_by, folded)


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as mappings from column to value, for sentences."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


STATE, CITY = Column("state", Text("Estado", "State")), Column("city", Text("Ciudad", "City"))
MILK_COLUMN, CHANNEL_COLUMN = Column("milk", Text("Leche", "Milk")), Column("channel", Text("Canal", "Channel"))
MARKET_NAMES = (MILK_COLUMN, CHANNEL_COLUMN)
SERIES_NAMES = (STATE, CITY, *MARKET_NAMES)
"""The four names of a series, which most tables begin with."""
KEY = Column("series", Text("Clave", "Key"))
"""The key of a series, for programs: the files hold it, the page does not print it."""
PRICE = Column("price", Text("Precio", "Price"), "price")
