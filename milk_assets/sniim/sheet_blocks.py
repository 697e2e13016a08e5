"""Sheet blocks: where each publication is in a sheet, located by the content of the cells.

Belongs here: opening a workbook, locating headers and dates, the columns of a block. Not here: reading the rows of a block
(`sniim.workbook`), the file format (`sniim.xlsx_archive`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from milk_assets.sniim.names import CHANNEL_LABELS, MILK_LABELS, PRICE_COLUMNS, UnknownNameError, find_channel, find_milk
from milk_assets.sniim.spanish_dates import MONTHS, WEEKDAYS
from milk_assets.sniim.xlsx_archive import archive_fault, sheet_fault
from milk_model.series_names import slug

Cell = str | float | int | bool | date | datetime | time | timedelta
Row = list[Cell]

_DATE = re.compile(r"(?:(?P<weekday>[a-z]+)-)?(?P<day>\d{1,2})o?-(?:de-)?(?P<month>[a-z]+)-(?:del?-)?(?P<year>\d{4})")
_CHECK_CELL = "check the cell in the workbook, and read the file again once the source has corrected it"


class WorkbookError(ValueError):
    """A workbook that cannot be read or fails validation. The message says where, what was expected, what was found, what to do."""


@dataclass(frozen=True)
class Sheet:
    """The cells of one sheet.

    Attributes:
        file: the workbook's name, for messages.
        name: the sheet's name.
        rows: the cells, all rows equally long; blank cells are empty strings. Index 0 is row 1 of the sheet.
    """

    file: str
    name: str
    rows: Sequence[Row]

    def error(self, row: int, column: int, expected: str, remedy: str = _CHECK_CELL) -> WorkbookError:
        """The error of a cell with unexpected content; row and column count from 0."""
        found = repr(self.rows[row][column]) if row < len(self.rows) else "the end of the sheet"
        return WorkbookError(
            f"{self.file}, sheet {self.name}, cell {_reference(row, column)}: expected {expected}, found {found}; {remedy}"
        )


@dataclass(frozen=True)
class Block:
    """One publication in a sheet. Rows and columns count from 0.

    Attributes:
        sheet: the sheet it is in.
        day: the publication date.
        top: its first row, the title.
        start: the first row below its header.
        end: the row after its last, where the next block or the end of the sheet is.
        state_column: the column of the states.
        city_column: the column of the cities.
        columns: the column of each of PRICE_COLUMNS, in that order.
        unknown_headings: price headings that are not in the table of names; their columns are not read.
        weekday_note: a note when the written day of the week does not match the date, else None.
    """

    sheet: Sheet
    day: date
    top: int
    start: int
    end: int
    state_column: int
    city_column: int
    columns: tuple[int, ...]
    unknown_headings: tuple[str, ...]
    weekday_note: str | None


def find_blocks(content: bytes, file: str) -> list[Block]:
    """Locate every block of every sheet of a workbook.

    Args:
        content: the bytes of the file.
        file: the file's name, for messages.

    Returns:
        The blocks, in the order of the sheets.

    Raises:
        WorkbookError: the bytes are not a readable workbook, no sheet has a block, or a block's date or header cannot be understood.
    """
    sheets = _open(content, file)
    blocks = [block for sheet in sheets for block in _blocks_of(sheet)]
    if not blocks:
        names = ", ".join(f"{sheet.name} ({len(sheet.rows)} rows)" for sheet in sheets) or "none"
        raise WorkbookError(
            f"{file}: expected blocks headed by a row with Estado and Ciudad, found none in its sheets: {names}; "
            "check that it is SNIIM's milk price workbook"
        )
    return blocks


def _open(content: bytes, file: str) -> list[Sheet]:
    fault = archive_fault(content) or sheet_fault(content)
    if fault is not None:
        raise WorkbookError(f"{file}: {fault}; download it again, and open it by hand if the error remains")
    # calamine reads the cells of 184 publications in 0.1 s; openpyxl takes at least 0.5 s.
    from python_calamine import CalamineWorkbook

    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
            # Blank leading rows and columns are kept, so that cell references in messages match the sheet.
            return [Sheet(file, name, book.get_sheet_by_name(name).to_python(skip_empty_area=False)) for name in book.sheet_names]
    except Exception as error:
        raise WorkbookError(
            f"{file}: expected a readable workbook, found damage inside it ({error}); download it again"
        ) from error


def _blocks_of(sheet: Sheet) -> Iterator[Block]:
    headers = list(_header_rows(sheet))
    previous_headers = [-1, *headers]
    dates = [_find_date(sheet, header, previous) for header, previous in zip(headers, previous_headers, strict=False)]
    tops = [_title_row(sheet, found.row, previous) for found, previous in zip(dates, previous_headers, strict=False)]
    ends = [*tops, len(sheet.rows)][1:]
    for header, found, top, end in zip(headers, dates, tops, ends, strict=True):
        labels = [slug(cell) if isinstance(cell, str) else "" for cell in sheet.rows[header]]
        columns, unknown_headings = _price_columns(sheet, header)
        yield Block(
            sheet=sheet,
            day=found.day,
            top=top,
            start=header + 2,
            end=end,
            state_column=labels.index("estado"),
            city_column=labels.index("ciudad"),
            columns=columns,
            unknown_headings=unknown_headings,
            weekday_note=found.weekday_note,
        )


def _header_rows(sheet: Sheet) -> Iterator[int]:
    """The rows that have both Estado and Ciudad, each in a cell of its own."""
    texts = {cell for row in sheet.rows for cell in row if type(cell) is str}
    state_words = {text for text in texts if slug(text) == "estado"}
    city_words = {text for text in texts if slug(text) == "ciudad"}
    for index, row in enumerate(sheet.rows):
        if not state_words.isdisjoint(row) and not city_words.isdisjoint(row):
            yield index


class _BlockDate(NamedTuple):
    """The date of a block and the row it is in."""

    row: int
    day: date
    weekday_note: str | None


def _find_date(sheet: Sheet, header: int, previous_header: int) -> _BlockDate:
    """The nearest date above a header and below the header of the block above it. Raises WorkbookError without one."""
    unread_cell: tuple[int, int] | None = None  # the text nearest to the header, where the date should be
    for row in range(header - 1, previous_header, -1):
        for column, cell in enumerate(sheet.rows[row]):
            if isinstance(cell, datetime):
                return _BlockDate(row, cell.date(), None)
            if isinstance(cell, date):
                return _BlockDate(row, cell, None)
            if not isinstance(cell, str) or not cell.strip():
                continue
            text = slug(cell)
            match = _DATE.fullmatch(text)
            if match is not None and (day := _date_of(match)) is not None:
                return _BlockDate(row, day, _weekday_note(match["weekday"], day, cell))
            if unread_cell is None:
                unread_cell = (header - 1, 0) if _is_title(text) else (row, column)
        if unread_cell is not None:
            break  # this is the title, or a text that is not a date: a date further up would not be this block's
    row, column = unread_cell or (max(header - 1, 0), 0)
    raise sheet.error(row, column, "the block's date, such as 'Lunes, 31 de marzo de 2025' or a date cell")


def _date_of(match: re.Match[str]) -> date | None:
    try:
        return date(int(match["year"]), MONTHS.index(match["month"]) + 1, int(match["day"]))
    except ValueError:
        return None


def _weekday_note(written: str | None, day: date, cell: str) -> str | None:
    if written is None or written == slug(WEEKDAYS[day.weekday()]):
        return None
    return f"{cell.strip()!r} is a {WEEKDAYS[day.weekday()]}"


def _title_row(sheet: Sheet, date_row: int, previous_header: int) -> int:
    """The first row of a block: its title where there is one above its date, else its date."""
    for row in range(date_row, previous_header, -1):
        if any(isinstance(cell, str) and _is_title(slug(cell)) for cell in sheet.rows[row]):
            return row
        if any(isinstance(cell, float) for cell in sheet.rows[row]):
            break
    return date_row


def _is_title(text: str) -> bool:
    return text.startswith("precio-promedio")


def _price_columns(sheet: Sheet, header: int) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The column of each of PRICE_COLUMNS, and the headings that are not understood.

    The upper header row names the milk, in merged cells; the row below it names the channel.
    """
    if header + 1 >= len(sheet.rows):
        raise sheet.error(header + 1, 0, "the row of channels (Tiendas, Autoservicios)")
    column_of: dict[tuple[str, str], int] = {}
    unknown: list[str] = []
    milk = ""
    for column, (upper, lower) in enumerate(zip(sheet.rows[header], sheet.rows[header + 1], strict=True)):
        milk = str(upper).strip() or milk  # only the first cell of merged cells has the text
        channel = str(lower).strip()
        if not channel:
            continue
        try:
            name = find_milk(milk), find_channel(channel)
        except UnknownNameError:
            unknown.append(f"{milk}/{channel}")
            continue
        if name in column_of:
            raise sheet.error(
                header + 1, column, f"one column of {_label(name)}, already in column {column_letters(column_of[name])}"
            )
        column_of[name] = column
    missing = [_label(name) for name in PRICE_COLUMNS if name not in column_of]
    if missing:
        also = f" (headings not understood: {', '.join(unknown)})" if unknown else ""
        raise sheet.error(header, 0, f"a header with a column of {' and of '.join(missing)} to its right{also}")
    return tuple(column_of[name] for name in PRICE_COLUMNS), tuple(unknown)


def _label(name: tuple[str, str]) -> str:
    return f"{MILK_LABELS[name[0]]}/{CHANNEL_LABELS[name[1]]}"


def _reference(row: int, column: int) -> str:
    return f"{column_letters(column)}{row + 1}"


def column_letters(column: int) -> str:
    """The letters of a column that counts from 0: 2 is C, 26 is AA."""
    letters = ""
    column += 1
    while column:
        column, digit = divmod(column - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters
