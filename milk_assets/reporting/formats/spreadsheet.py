"""XLSX: one sheet a section, its tables side by side under one frozen header, with native charts.

Belongs here: the workbook's layout and number formats. Figures come from the report as they are; charts are `sheet_charts`'.
"""

import math
import re
import zipfile
from datetime import datetime
from io import BytesIO

import numpy as np
import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from milk_assets.reporting.charts.spreadsheet_charts import Placed, draw
from milk_assets.reporting.model.report import KEY, Column, Kind, Report, Section
from milk_assets.reporting.text.formatting import as_number, plain_date

FORMATS: dict[Kind, str] = {
    "date": "dd/mm/yyyy",
    "month": "mmm yyyy",
    "price": "#,##0.00",
    "change": "+#,##0.00;-#,##0.00;0.00",
    "percent": '+0.0" %";-0.0" %";0.0" %"',
    "share": "0%",
    "count": "#,##0",
    "ratio": "0.000",
}
NARROW, LABELLED, WIDE, SENTENCE, TEXT_LIMIT = 11, 16, 48, 90, 60
"""Column widths in characters: a figure; a figure under a long label, which then wraps; a text; a sentence, which wraps; a key."""
NOTICE_ROW, TITLE_ROW, HEADER_ROW = 2, 3, 4
PAGE_WIDTH = 95
"""Characters across a landscape A4 at full scale."""
LINE = 15
"""Points a line of text is high."""
A4 = 9
"""The paper size's number in the file format."""
INK, PAPER, WARNING, RULE, BLUE = "16211F", "E3ECF0", "7A2A08", "566360", "0B5A86"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip entry can carry. Fixed, so that one report always gives the same bytes."""


def to_xlsx(report: Report) -> bytes:
    """The report as an XLSX workbook: a sheet a section in the order of the page, header rows frozen, the first long table filtered.

    Text is always written as text, so that a name beginning with = is no formula. Equal reports give equal bytes.
    """
    book = Workbook(write_only=True)
    book.properties.title = f"Precios de la leche, {plain_date(report.publication)}"
    book.properties.creator = "milk-assets"
    for section in report.sections:
        sheet = book.create_sheet(sheet_name(section))
        placed = _sheet(sheet, report, section)
        charted = draw(sheet, placed)
        if placed:
            sheet.print_area = ",".join(
                _area(one, max(one.last_row, charted) if one is placed[0] else one.last_row) for one in placed
            )
    raw = BytesIO()
    book.save(raw)
    return _settled(raw.getvalue(), datetime.combine(report.publication, datetime.min.time()))


def _area(one: Placed, last_row: int) -> str:
    """The cells of a table that go on paper; each area begins a page."""
    return f"{get_column_letter(one.column)}1:{get_column_letter(one.column + _printed(one) - 1)}{max(last_row, HEADER_ROW + 1)}"


def sheet_name(section: Section) -> str:
    """The section's title without the signs that a sheet's name may not have."""
    return section.title.replace("?", "").replace("¿", "")


def _sheet(sheet: Worksheet, report: Report, section: Section) -> list[Placed]:
    """Write a section; where each of its tables stands, for the charts."""
    placed, start = [], 1
    for table in section.tables:
        if "book" in table.places:
            placed.append(Placed(table, start, HEADER_ROW + len(table.frame)))
            start += len(table.columns) + 1
    _columns(sheet, placed, section)
    sheet.append([_text(sheet, f"{section.title}. {section.lead}", size=13, bold=True)])
    sheet.append([_notice(sheet, report)])
    sheet.append(_row([(one.column, [_text(sheet, f"{one.table.title}. {one.table.caption}", bold=True)]) for one in placed]))
    sheet.append(_row([(one.column, [_label(sheet, column) for column in one.table.columns]) for one in placed]))
    blocks = []
    for one in placed:
        columns = [_cells(sheet, column, one.table.frame[column.name]) for column in one.table.columns]
        rows = [list(row) for row in zip(*columns, strict=True)] or [[_text(sheet, one.table.empty)]]
        blocks.append((one.column, rows))
    for place in range(max((len(rows) for _, rows in blocks), default=0)):
        row = _row([(start, rows[place]) for start, rows in blocks if place < len(rows)])
        lines = max((_lines_of(sheet, cell, column) for column, cell in enumerate(row, 1) if cell is not None), default=1)
        if lines > 1:
            sheet.row_dimensions[HEADER_ROW + 1 + place].height = LINE * lines
        sheet.append(row)
    for line in section.lines:
        sheet.append([_text(sheet, line, wrap=not placed)])
    return placed


def _columns(sheet: Worksheet, placed: list[Placed], section: Section) -> None:
    """Widths, frozen rows, the filter, and pages: every table begins on a page of its own."""
    for one in placed:
        for place, column in enumerate(one.table.columns):
            letter = get_column_letter(one.column + place)
            sheet.column_dimensions[letter].width = _width(column, one.table.frame[column.name])
        sheet.column_dimensions[get_column_letter(one.column + len(one.table.columns))].width = 3
    if not placed:
        sheet.column_dimensions["A"].width = SENTENCE
    longest = max(placed, key=lambda one: len(one.table.frame), default=None)
    if longest and len(longest.table.frame):
        ends = get_column_letter(longest.column), get_column_letter(longest.column + len(longest.table.columns) - 1)
        sheet.auto_filter.ref = f"{ends[0]}{HEADER_ROW}:{ends[1]}{longest.last_row}"
    sheet.freeze_panes = f"A{HEADER_ROW + 1}" if placed else f"A{TITLE_ROW}"
    sheet.page_setup.paperSize = A4
    sheet.page_setup.orientation = "landscape"
    widest = max((_widest(sheet, one) for one in placed), default=SENTENCE)
    sheet.page_setup.scale = int(min(80, max(40, 100 * PAGE_WIDTH / widest)))
    if placed:
        sheet.row_dimensions[HEADER_ROW].height = 45  # three lines: a spreadsheet does not fit rows by itself
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=False)
    sheet.print_title_rows = f"1:{HEADER_ROW if placed else NOTICE_ROW}"
    sheet.sheet_view.showGridLines = False
    sheet.sheet_properties.tabColor = BLUE if section.key in ("glance", "outlook") else RULE


def _widest(sheet: Worksheet, one: Placed) -> float:
    """A table's width in characters."""
    letters = [get_column_letter(one.column + place) for place in range(_printed(one))]
    return float(sum(sheet.column_dimensions[letter].width for letter in letters))


def _printed(one: Placed) -> int:
    """How many of a table's columns go on paper: all but the key at the end, which is for programs."""
    return len(one.table.columns) - (one.table.columns[-1] == KEY)


def _row(blocks: list[tuple[int, list[Cell]]]) -> list[Cell | None]:
    """One row of the sheet: cells of each block from its column on."""
    row: list[Cell | None] = []
    for start, cells in blocks:
        row += [None] * (start - 1 - len(row)) + list(cells)
    return row


def _lines_of(sheet: Worksheet, cell: Cell, column: int) -> int:
    """Lines that a wrapped text takes in its column."""
    if not isinstance(cell.value, str) or len(cell.value) <= TEXT_LIMIT or not cell.alignment.wrap_text:
        return 1
    return math.ceil(1.1 * len(str(cell.value)) / sheet.column_dimensions[get_column_letter(column)].width)


def _notice(sheet: Worksheet, report: Report) -> Cell:
    """The warnings, or the date of the prices when there are none: no sheet is without them."""
    if report.banners:
        return _text(sheet, "  ".join(report.banners), bold=True, color=WARNING)
    return _text(sheet, f"Precios publicados el {plain_date(report.publication)}, en pesos por litro.")


def _width(column: Column, values: pd.Series) -> float:
    if column.kind != "text":
        return LABELLED if len(column.label) > NARROW else NARROW
    longest = max([len(column.label), *(len(str(value)) for value in values.head(200))], default=NARROW)
    if longest > TEXT_LIMIT + 10:
        return SENTENCE
    return min(max(longest + 2, NARROW), TEXT_LIMIT if column.name in ("series", "value") else WIDE)


def _cells(sheet: Worksheet, column: Column, values: pd.Series) -> list[Cell]:
    """The cells of one column; a missing figure is an empty cell."""
    if column.kind == "text":
        return [_text(sheet, "" if value is None or value != value else str(value), wrap=True) for value in values.tolist()]
    if column.kind in ("date", "month"):
        days = [None if pd.isna(value) else pd.Timestamp(value).to_pydatetime() for value in values]
        return [_figure(sheet, day, column.kind) for day in days]
    return [_figure(sheet, None if np.isnan(number := as_number(value)) else number, column.kind) for value in values.tolist()]


def _text(sheet: Worksheet, value: str, *, bold: bool = False, color: str = INK, wrap: bool = False, size: int = 11) -> Cell:
    cell = WriteOnlyCell(sheet, str(value))
    cell.data_type = "s"  # openpyxl takes a leading = for a formula
    if bold or color != INK or size != 11:
        cell.font = Font(bold=bold, color=color, size=size)
    if wrap and len(value) > TEXT_LIMIT:
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def _label(sheet: Worksheet, column: Column) -> Cell:
    cell = _text(sheet, column.label, bold=True)
    cell.fill = PatternFill("solid", fgColor=PAPER)
    cell.border = Border(bottom=Side("thin", color=RULE))
    cell.alignment = Alignment(horizontal="left" if column.kind == "text" else "right", wrap_text=True, vertical="bottom")
    return cell


def _figure(sheet: Worksheet, value: float | datetime | None, kind: Kind) -> Cell:
    cell = WriteOnlyCell(sheet, value)
    cell.number_format = FORMATS[kind]
    return cell


def _settled(content: bytes, moment: datetime) -> bytes:
    """The same archive without the time it was written: entry times fixed, the document's dates those of the publication."""
    stamp = f"{moment:%Y-%m-%dT%H:%M:%SZ}".encode()
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*", rb"\g<1>" + stamp, data)
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, data)
    return out.getvalue()
