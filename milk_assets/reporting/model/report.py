"""Report: provenance, columns, tables, sections and the whole, as plain values.

Belongs here: the types that every format reads. Not here: figures (`sections`), shared columns (`model.columns`), output
(`formats`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import pandas as pd

from milk_assets.reporting.text.bilingual import BilingualText
from milk_assets.reporting.text.formatting import Kind

Output = Literal["page", "spreadsheet", "document"]
"""Where a table is printed: the HTML page, the XLSX workbook, the JSON document."""
ALL_OUTPUTS: frozenset[Output] = frozenset({"page", "spreadsheet", "document"})
FILES_ONLY: frozenset[Output] = frozenset({"spreadsheet", "document"})
DOCUMENT_ONLY: frozenset[Output] = frozenset({"document"})
EMPTY_TEXT = BilingualText("", "")
NO_DATA = BilingualText("Sin datos.", "No data.")


class ReportError(ValueError):
    """The inputs cannot give a correct report. The message says what was expected, what was found and what to do."""


@dataclass(frozen=True)
class Provenance:
    """Where the figures come from, as every format prints it.

    Attributes:
        workbook: File name of the source's workbook.
        sha256: Of the workbook, hexadecimal.
        sample: True when the prices are generated sample data, not official ones.
        model_version: Version of the served model.
        model_alias: Its alias in the model registry.
        is_baseline: True when the forecast is the no-change baseline.
        trained_through: Newest publication that the model was trained on; None for the baseline.
        covered: Number of series with a price in this publication.
        active: Number of series that ever had a price.
        stale_days: Days since the oldest publication that was expected and is missing; 0 when none is.
        source_note: The footer of the workbook.
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
    def coverage(self) -> BilingualText:
        """The coverage as readers see it: "185 de 185"."""
        return BilingualText(f"{self.covered} de {self.active}", f"{self.covered} of {self.active}")


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: Name in the frame and in the JSON document.
        label: Heading for readers.
        kind: How its values are measured.
        moves: True when a signed value is a movement in time, which the page colours. A gap between two prices of one day is not.
    """

    name: str
    label: BilingualText
    kind: Kind = "text"
    moves: bool = True


@dataclass(frozen=True)
class Table:
    """One table of the report.

    Attributes:
        key: English identifier, unique in the report.
        title: At most 31 characters in Spanish.
        columns: The columns of `frame`, in its order.
        frame: One row per record, with exactly those columns.
        caption: How to read the table, with units.
        empty: What to print when it has no row.
        outputs: Where it is printed.
        group_by: Leading columns whose repeated values the page prints once.
        folded: True when the page hides the table behind its title, because it is long.
    """

    key: str
    title: BilingualText
    columns: tuple[Column, ...]
    frame: pd.DataFrame
    caption: BilingualText = EMPTY_TEXT
    empty: BilingualText = NO_DATA
    outputs: frozenset[Output] = ALL_OUTPUTS
    group_by: tuple[str, ...] = ()
    folded: bool = False

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if list(self.frame.columns) != names:
            raise ReportError(
                f"Table {self.key}: expected a frame with the columns {names}, found {list(self.frame.columns)}; "
                "use make_table to select them."
            )


@dataclass(frozen=True)
class Section:
    """One numbered part of the report.

    Attributes:
        key: English identifier, unique in the report.
        title: At most 31 characters in Spanish, because it also names a sheet of the XLSX workbook.
        lead: One or two sentences that say what the section shows.
        tables: Its tables.
        lines: Lines of plain text.
    """

    key: str
    title: BilingualText
    lead: BilingualText
    tables: tuple[Table, ...] = ()
    lines: tuple[BilingualText, ...] = ()


@dataclass(frozen=True)
class Report:
    """Every figure and sentence of one report, computed once. Formats only lay it out.

    Attributes:
        day: The day that the report is for.
        publication: Date of the newest prices in it.
        next_publication: The next expected publication.
        provenance: Where the figures come from.
        banners: Warnings that every format prints first.
        headline: One sentence made from the figures.
        summary: Up to three sentences made from the figures.
        sections: In the order of the page.
    """

    day: date
    publication: date
    next_publication: date
    provenance: Provenance
    banners: tuple[BilingualText, ...]
    headline: BilingualText
    summary: tuple[BilingualText, ...]
    sections: tuple[Section, ...]

    @property
    def tables(self) -> Mapping[str, Table]:
        """Every table by its key."""
        return {table.key: table for section in self.sections for table in section.tables}

    def section(self, key: str) -> Section:
        """Return the section of a key.

        Raises:
            KeyError: When the report has no such section.
        """
        for section in self.sections:
            if section.key == key:
                return section
        raise KeyError(f"No section {key!r}; expected one of {[section.key for section in self.sections]}.")


def make_table(
    key: str,
    title: BilingualText,
    columns: tuple[Column, ...],
    frame: pd.DataFrame,
    *,
    caption: BilingualText = EMPTY_TEXT,
    empty: BilingualText = NO_DATA,
    outputs: frozenset[Output] = ALL_OUTPUTS,
    group_by: tuple[str, ...] = (),
    folded: bool = False,
) -> Table:
    """Make a table from a frame that may have more columns than the table.

    Args:
        key, title, columns, caption, empty, outputs, group_by, folded: As in `Table`.
        frame: Holds at least `columns`; the order of its rows is kept.
    """
    selected = frame[[column.name for column in columns]].reset_index(drop=True)
    return Table(key, title, columns, selected, caption, empty, outputs, group_by, folded)


def row_dicts(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as dictionaries from column name to value, from which sentences are made."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
