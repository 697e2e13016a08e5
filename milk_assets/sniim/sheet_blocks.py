"""Blocks: where the publications lie in a sheet, found by what its cells say.

Belongs here: opening workbook bytes, locating headers and dates, the columns of a block. Its rows are read in `workbook`.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from milk_assets.sniim.names import CHANNEL_LABELS, COLUMNS, MILK_LABELS, UnknownNameError, find_channel, find_milk
from milk_assets.sniim.spanish_dates import MONTHS, WEEKDAYS
from milk_model.series_names import slug

Cell = str | float | int | bool | date | datetime | time | timedelta
Row = list[Cell]

# The library lays out every cell up to the last one: a single figure in XFD1048576 would take all memory, and the process with it.
# The source uses A to F, and some 10,000 rows a year.
_FAR_CELL = re.compile(rb'<c r="((?:[B-Z][A-Z]|[A-Z]{3})\d+|[A-Z]{1,2}\d{6,})"')
MAX_UNPACKED_BYTES = 400_000_000  # a workbook of 184 publications unpacks to 2.6 MB; far above that is an archive bomb
_DATE = re.compile(r"(?:(?P<weekday>[a-z]+)-)?(?P<day>\d{1,2})o?-(?:de-)?(?P<month>[a-z]+)-(?:del?-)?(?P<year>\d{4})")
_ASK = "open the workbook there, and read it again once the source corrects it"


class WorkbookError(ValueError):
    """A workbook that cannot be read or proven: the message says what, where, what was expected, what came, what to do."""


@dataclass(frozen=True)
class Sheet:
    """The cells of one sheet: `rows` is rectangular, the first row is row 1, and blank cells are empty strings."""

    file: str
    name: str
    rows: Sequence[Row]

    def error(self, row: int, column: int, expected: str, todo: str = _ASK) -> WorkbookError:
        """The error of a cell (row and column count from 0) that does not hold what it should."""
        found = repr(self.rows[row][column]) if row < len(self.rows) else "the end of the sheet"
        return WorkbookError(
            f"{self.file}, sheet {self.name}, cell {_reference(row, column)}: expected {expected}, found {found}; {todo}"
        )


@dataclass(frozen=True)
class Block:
    """One publication in a sheet. Rows and columns count from 0.

    top: its first row, the title. start, end: the rows below its header, up to the next block.
    columns: the sheet's column of each of `names.COLUMNS`, in that order.
    unknown: headings above prices that are none of ours, and are left unread.
    weekday: a note when the written day of the week is not the date's.
    """

    sheet: Sheet
    day: date
    top: int
    start: int
    end: int
    state_column: int
    city_column: int
    columns: tuple[int, ...]
    unknown: tuple[str, ...]
    weekday: str | None


def find_blocks(content: bytes, file: str) -> list[Block]:
    """Every block of every sheet of a workbook, as they stand in it.

    file: the name for messages. Raises WorkbookError when the bytes are no readable workbook, no sheet has a block, or a block's
    date or header cannot be understood.
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
    fault = workbook_fault(content)
    if fault is not None:
        raise WorkbookError(f"{file}: {fault}; download it again")
    _require_no_far_cell(content, file)
    # calamine reads the cells of 184 publications in 0.1 s; openpyxl needs half a second at its fastest.
    from python_calamine import CalamineWorkbook

    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
            # Blank leading rows and columns are kept, so that cell references in messages are the sheet's own.
            return [Sheet(file, name, book.get_sheet_by_name(name).to_python(skip_empty_area=False)) for name in book.sheet_names]
    except Exception as error:
        raise WorkbookError(
            f"{file}: expected a readable workbook, found damage inside it ({error}); download it again"
        ) from error


def _require_no_far_cell(content: bytes, file: str) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if not name.startswith("xl/worksheets/") or not name.endswith(".xml"):
                continue
            try:
                far = _FAR_CELL.search(archive.read(name))
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
                raise WorkbookError(
                    f"{file}: expected a readable workbook, found {name} damaged ({error}); download it again"
                ) from error
            if far is not None:
                where = f"cell {far[1].decode()} of {name}"
                raise WorkbookError(f"{file}: expected cells within A1 to AZ99999, found {where}; {_ASK}")


def workbook_fault(content: bytes) -> str | None:
    """What is wrong with bytes that should be a whole .xlsx archive, as "expected ..., found ..."; None when nothing is.

    Looks at the archive's directory alone, not at its cells. The spreadsheet library's own words for all of these are the same.
    """
    size = f"{len(content):,} bytes"
    if not content:
        return "expected a workbook, found an empty file"
    if not content.startswith(b"PK"):
        start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if start.startswith(b"<"):
            kind = "a web page, as the site sends when something fails"
        elif start.startswith(b"\xd0\xcf\x11\xe0"):
            kind = "an old .xls or a password-protected file"
        else:
            kind = f"something else that begins with {content[:8]!r}"
        return f"expected an .xlsx workbook, found {kind} ({size})"
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        return f"expected a whole .xlsx archive, found one that is cut short or damaged ({size}: {error})"
    if "xl/workbook.xml" not in names:
        return f"expected an .xlsx workbook, found an archive without one ({size})"
    if unpacked > MAX_UNPACKED_BYTES:
        return f"expected at most {MAX_UNPACKED_BYTES:,} bytes unpacked, found {unpacked:,}"
    return None


def _blocks_of(sheet: Sheet) -> Iterator[Block]:
    headers = list(_header_rows(sheet))
    above = [-1, *headers]  # the header above each header
    dates = [_date_row(sheet, header, over) for header, over in zip(headers, above, strict=False)]
    tops = [_title_row(sheet, row, over) for (row, _, _), over in zip(dates, above, strict=False)]
    ends = [*tops, len(sheet.rows)][1:]
    for header, (_, day, weekday), top, end in zip(headers, dates, tops, ends, strict=True):
        words = [slug(cell) if isinstance(cell, str) else "" for cell in sheet.rows[header]]
        columns, unknown = _price_columns(sheet, header)
        yield Block(sheet, day, top, header + 2, end, words.index("estado"), words.index("ciudad"), columns, unknown, weekday)


def _header_rows(sheet: Sheet) -> Iterator[int]:
    """Rows with both Estado and Ciudad, each in a cell of its own."""
    texts = {cell for row in sheet.rows for cell in row if type(cell) is str}
    state_words = {text for text in texts if slug(text) == "estado"}
    city_words = {text for text in texts if slug(text) == "ciudad"}
    for index, row in enumerate(sheet.rows):
        if not state_words.isdisjoint(row) and not city_words.isdisjoint(row):
            yield index


def _date_row(sheet: Sheet, header: int, above: int) -> tuple[int, date, str | None]:
    """The row, the date and the weekday note of the nearest date above a header, down to the header of the block above it."""
    nearest: tuple[int, int] | None = None
    for row in range(header - 1, above, -1):
        for column, cell in enumerate(sheet.rows[row]):
            if isinstance(cell, datetime):
                return row, cell.date(), None
            if isinstance(cell, date):
                return row, cell, None
            if not isinstance(cell, str) or not cell.strip():
                continue
            words = slug(cell)
            match = _DATE.fullmatch(words)
            if match is not None and (day := _date_of(match)) is not None:
                return row, day, _weekday_note(match["weekday"], day, cell)
            if nearest is None:
                nearest = (header - 1, 0) if _is_title(words) else (row, column)
        if nearest is not None:
            break  # the title, or something else where the date belongs: what stands above it is no date of this block
    row, column = nearest or (max(header - 1, 0), 0)
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


def _title_row(sheet: Sheet, date_row: int, above: int) -> int:
    """The first row of a block: its title when it has one above its date, else its date."""
    for row in range(date_row, above, -1):
        if any(isinstance(cell, str) and _is_title(slug(cell)) for cell in sheet.rows[row]):
            return row
        if any(isinstance(cell, float) for cell in sheet.rows[row]):
            break
    return date_row


def _is_title(words: str) -> bool:
    return words.startswith("precio-promedio")


def _price_columns(sheet: Sheet, header: int) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The columns of `names.COLUMNS` by the two header rows: milk, filled over its merged cells, and below it the channel."""
    if header + 1 >= len(sheet.rows):
        raise sheet.error(header + 1, 0, "the row of channels (Tiendas, Autoservicios)")
    found: dict[tuple[str, str], int] = {}
    unknown: list[str] = []
    milk = ""
    for column, (upper, lower) in enumerate(zip(sheet.rows[header], sheet.rows[header + 1], strict=True)):
        milk = str(upper).strip() or milk
        channel = str(lower).strip()
        if not channel:
            continue
        try:
            name = find_milk(milk), find_channel(channel)
        except UnknownNameError:
            unknown.append(f"{milk}/{channel}")
            continue
        if name in found:
            raise sheet.error(
                header + 1, column, f"one column of {_label(name)}, already in column {column_letters(found[name])}"
            )
        found[name] = column
    missing = [_label(name) for name in COLUMNS if name not in found]
    if missing:
        also = f" (headings not understood: {', '.join(unknown)})" if unknown else ""
        raise sheet.error(header, 0, f"a header with a column of {' and of '.join(missing)} to its right{also}")
    return tuple(found[name] for name in COLUMNS), tuple(unknown)


def _label(name: tuple[str, str]) -> str:
    return f"{MILK_LABELS[name[0]]}/{CHANNEL_LABELS[name[1]]}"


def _reference(row: int, column: int) -> str:
    return f"{column_letters(column)}{row + 1}"


def column_letters(column: int) -> str:
    """The spreadsheet's letters of a column counted from 0: 2 is C, 26 is AA."""
    letters = ""
    column += 1
    while column:
        column, digit = divmod(column - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters
