"""Spreadsheet: the report as an XLSX workbook, one sheet per section, tables side by side under one frozen header.

Belongs here: the layout of the workbook and its number formats. Not here: figures (`sections`) and native charts
(`charts.spreadsheet_charts`).
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

from milk_assets.reporting.charts.spreadsheet_charts import PlacedTable, add_charts
from milk_assets.reporting.model.columns import SERIES_KEY
from milk_assets.reporting.model.report import Column, Report, Section
from milk_assets.reporting.text.formatting import Kind, as_number, plain_date

NUMBER_FORMATS: dict[Kind, str] = {
    "date": "dd/mm/yyyy",
    "month": "mmm yyyy",
    "price": "#,##0.00",
    "change": "+#,##0.00;-#,##0.00;0.00",
    "percent": '+0.0" %";-0.0" %";0.0" %"',
    "share": "0%",
    "count": "#,##0",
    "ratio": "0.000",
}
FIGURE_WIDTH, LABELLED_FIGURE_WIDTH, TEXT_WIDTH, SENTENCE_WIDTH = 11, 16, 48, 90
"""Column widths in characters: a figure; a figure under a long label, which then wraps; a text; a sentence, which wraps."""
MOST_UNWRAPPED = 60
"""Characters of a text, or of a key, that stay on one line."""
SPACER_WIDTH = 3
"""Characters between two tables."""
SAMPLED_ROWS = 200
"""Rows whose texts decide the width of a column."""
NOTICE_ROW, TITLE_ROW, HEADER_ROW = 2, 3, 4
PAGE_WIDTH = 95
"""Characters across a landscape A4 at full scale."""
LINE_POINTS = 15
"""Height of a line of text in points."""
A4_PAPER = 9
"""Number of the paper size in the file format."""
INK, PAPER, WARNING, RULE, BLUE = "16211F", "E3ECF0", "7A2A08", "566360", "0B5A86"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time of a zip entry. It is fixed, so that one report always gives the same bytes."""


def to_xlsx(report: Report) -> bytes:
    """Write the report as an XLSX workbook: one sheet per section in the order of the page, with a filter on the longest table.

    Text is always written as text, so that a name beginning with = is not run as a formula. Equal reports give equal bytes.
    """
    book = Workbook(write_only=True)
    book.properties.title = f"Precios de la leche, {plain_date(report.publication)}"
    book.properties.creator = "milk-assets"
    for section in report.sections:
        sheet = book.create_sheet(sheet_name(section))
        placed_tables = _fill_sheet(sheet, report, section)
        last_chart_row = add_charts(sheet, placed_tables)
        if placed_tables:
            first, *others = placed_tables
            areas = [
                _print_area(first, max(first.last_row, last_chart_row)),
                *(_print_area(placed, placed.last_row) for placed in others),
            ]
            sheet.print_area = ",".join(areas)
    raw = BytesIO()
    book.save(raw)
    return _with_fixed_times(raw.getvalue(), datetime.combine(report.publication, datetime.min.time()))


def _print_area(placed: PlacedTable, last_row: int) -> str:
    """The cells of a table that are printed; each area begins a page."""
    first = get_column_letter(placed.first_column)
    last = get_column_letter(placed.first_column + _printed_columns(placed) - 1)
    return f"{first}1:{last}{max(last_row, HEADER_ROW + 1)}"


def sheet_name(section: Section) -> str:
    """Return the section's title without the characters that a sheet's name may not have."""
    return str(section.title).replace("?", "").replace("¿", "")


def _fill_sheet(sheet: Worksheet, report: Report, section: Section) -> list[PlacedTable]:
    """Write a section and return the position of each of its tables."""
    placed_tables = _place_tables(section)
    _set_columns(sheet, placed_tables)
    _set_page(sheet, placed_tables, section)
    sheet.append([_text(sheet, f"{section.title}. {section.lead}", size=13, bold=True)])
    sheet.append([_notice(sheet, report)])
    titles = [
        (placed.first_column, [_text(sheet, f"{placed.table.title}. {placed.table.caption}", bold=True)])
        for placed in placed_tables
    ]
    labels = [(placed.first_column, [_label(sheet, column) for column in placed.table.columns]) for placed in placed_tables]
    sheet.append(_row(titles))
    sheet.append(_row(labels))
    _write_records(sheet, placed_tables)
    for line in section.lines:
        sheet.append([_text(sheet, line, wrap=not placed_tables)])
    return placed_tables


def _place_tables(section: Section) -> list[PlacedTable]:
    """The section's tables side by side, with an empty column between them."""
    placed_tables, first_column = [], 1
    for table in section.tables:
        if "spreadsheet" in table.outputs:
            placed_tables.append(PlacedTable(table, first_column, HEADER_ROW + len(table.frame)))
            first_column += len(table.columns) + 1
    return placed_tables


def _write_records(sheet: Worksheet, placed_tables: list[PlacedTable]) -> None:
    blocks = []
    for placed in placed_tables:
        columns = [_cells(sheet, column, placed.table.frame[column.name]) for column in placed.table.columns]
        rows = [list(row) for row in zip(*columns, strict=True)] or [[_text(sheet, placed.table.empty)]]
        blocks.append((placed.first_column, rows))
    for index in range(max((len(rows) for _, rows in blocks), default=0)):
        row = _row([(first_column, rows[index]) for first_column, rows in blocks if index < len(rows)])
        lines = max((_lines_of(sheet, cell, column) for column, cell in enumerate(row, 1) if cell is not None), default=1)
        if lines > 1:
            sheet.row_dimensions[HEADER_ROW + 1 + index].height = LINE_POINTS * lines
        sheet.append(row)


def _set_columns(sheet: Worksheet, placed_tables: list[PlacedTable]) -> None:
    """Column widths, and the filter on the longest table."""
    for placed in placed_tables:
        for column in placed.table.columns:
            letter = get_column_letter(placed.column_number(column.name))
            sheet.column_dimensions[letter].width = _width(column, placed.table.frame[column.name])
        sheet.column_dimensions[get_column_letter(placed.first_column + len(placed.table.columns))].width = SPACER_WIDTH
    if not placed_tables:
        sheet.column_dimensions["A"].width = SENTENCE_WIDTH
    longest = max(placed_tables, key=lambda placed: len(placed.table.frame), default=None)
    if longest and len(longest.table.frame):
        first = get_column_letter(longest.first_column)
        last = get_column_letter(longest.first_column + len(longest.table.columns) - 1)
        sheet.auto_filter.ref = f"{first}{HEADER_ROW}:{last}{longest.last_row}"


def _set_page(sheet: Worksheet, placed_tables: list[PlacedTable], section: Section) -> None:
    """Frozen rows and paper: every table begins on a page of its own."""
    sheet.freeze_panes = f"A{HEADER_ROW + 1}" if placed_tables else f"A{TITLE_ROW}"
    sheet.page_setup.paperSize = A4_PAPER
    sheet.page_setup.orientation = "landscape"
    widest = max((_printed_width(sheet, placed) for placed in placed_tables), default=SENTENCE_WIDTH)
    sheet.page_setup.scale = int(min(80, max(40, 100 * PAGE_WIDTH / widest)))
    if placed_tables:
        sheet.row_dimensions[HEADER_ROW].height = 45  # three lines: a spreadsheet program does not adjust the row by itself
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=False)
    sheet.print_title_rows = f"1:{HEADER_ROW if placed_tables else NOTICE_ROW}"
    sheet.sheet_view.showGridLines = False
    sheet.sheet_properties.tabColor = BLUE if section.key in ("glance", "outlook") else RULE


def _printed_width(sheet: Worksheet, placed: PlacedTable) -> float:
    """The width of a table on paper, in characters."""
    letters = [get_column_letter(placed.first_column + index) for index in range(_printed_columns(placed))]
    return float(sum(sheet.column_dimensions[letter].width for letter in letters))


def _printed_columns(placed: PlacedTable) -> int:
    """Number of columns on paper: all but the key at the end, which is for programs."""
    columns = placed.table.columns
    return len(columns) - 1 if columns[-1] == SERIES_KEY else len(columns)


def _row(blocks: list[tuple[int, list[Cell]]]) -> list[Cell | None]:
    """One row of the sheet: the cells of each block, from its first column on."""
    row: list[Cell | None] = []
    for first_column, cells in blocks:
        row += [None] * (first_column - 1 - len(row)) + list(cells)
    return row


def _lines_of(sheet: Worksheet, cell: Cell, column: int) -> int:
    """Number of lines that a wrapped text needs in its column."""
    if not isinstance(cell.value, str) or len(cell.value) <= MOST_UNWRAPPED or not cell.alignment.wrap_text:
        return 1
    return math.ceil(1.1 * len(str(cell.value)) / sheet.column_dimensions[get_column_letter(column)].width)


def _notice(sheet: Worksheet, report: Report) -> Cell:
    """The warnings, which every sheet repeats, or the date of the prices when there are none."""
    if report.banners:
        return _text(sheet, "  ".join(report.banners), bold=True, color=WARNING)
    return _text(sheet, f"Precios publicados el {plain_date(report.publication)}, en pesos por litro.")


def _width(column: Column, values: pd.Series) -> float:
    if column.kind != "text":
        return LABELLED_FIGURE_WIDTH if len(column.label) > FIGURE_WIDTH else FIGURE_WIDTH
    longest = max([len(column.label), *(len(str(value)) for value in values.head(SAMPLED_ROWS))], default=FIGURE_WIDTH)
    if longest > MOST_UNWRAPPED + 10:
        return SENTENCE_WIDTH
    widest = MOST_UNWRAPPED if column.name in ("series", "value") else TEXT_WIDTH
    return min(max(longest + 2, FIGURE_WIDTH), widest)


def _cells(sheet: Worksheet, column: Column, values: pd.Series) -> list[Cell]:
    """The cells of one column; a missing figure is an empty cell."""
    if column.kind == "text":
        return [_text(sheet, "" if value is None or value != value else str(value), wrap=True) for value in values.tolist()]
    if column.kind in ("date", "month"):
        days = [None if pd.isna(value) else pd.Timestamp(value).to_pydatetime() for value in values]
        return [_figure(sheet, day, column.kind) for day in days]
    numbers = [as_number(value) for value in values.tolist()]
    return [_figure(sheet, None if np.isnan(number) else number, column.kind) for number in numbers]


def _text(sheet: Worksheet, value: str, *, bold: bool = False, color: str = INK, wrap: bool = False, size: int = 11) -> Cell:
    cell = WriteOnlyCell(sheet, str(value))
    cell.data_type = "s"  # openpyxl would write text with a leading = as a formula
    if bold or color != INK or size != 11:
        cell.font = Font(bold=bold, color=color, size=size)
    if wrap and len(value) > MOST_UNWRAPPED:
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
    cell.number_format = NUMBER_FORMATS[kind]
    return cell


def _with_fixed_times(content: bytes, moment: datetime) -> bytes:
    """Replace the times in a workbook, so that equal reports give equal bytes.

    Zip entries get ZIP_EPOCH; the dates of the document get the publication's.
    """
    stamp = f"{moment:%Y-%m-%dT%H:%M:%SZ}".encode()
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*", rb"\g<1>" + stamp, data)
            entry = zipfile.ZipInfo(name, ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, data)
    return out.getvalue()
