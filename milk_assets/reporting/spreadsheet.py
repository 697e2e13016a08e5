"""XLSX: one sheet a table, ready to filter.

Belongs here: the workbook's layout and number formats. Figures come from the report as they are.
"""

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

from milk_assets.reporting.report import Column, Kind, Report, Table
from milk_assets.reporting.words import as_number, plain_date

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
NARROW, LABELLED, WIDE, TEXT_LIMIT = 11, 18, 34, 60
"""Column widths in characters: a figure; a figure under a long label, which then wraps; a text; a key or a hash."""
HEADER_ROW = 3
A4 = 9
"""The paper size's number in the file format."""
INK, PAPER, WARNING, RULE = "1C2321", "E9EFF1", "8A2C0D", "9AA5A8"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip entry can carry. Fixed, so that one report always gives the same bytes."""


def to_xlsx(report: Report) -> bytes:
    """The report as an XLSX workbook: one sheet a table, in the order of the page, header row frozen and filtered.

    Text is always written as text, so that a name beginning with = is no formula. Equal reports give equal bytes.
    """
    book = Workbook(write_only=True)
    book.properties.title = f"Precios de la leche, {plain_date(report.publication)}"
    book.properties.creator = "milk-assets"
    for section in report.sections:
        for one in section.tables:
            if "book" in one.places:
                _sheet(book, report, one)
        if section.lines:
            _lines(book, report, section.title, section.lines)
    raw = BytesIO()
    book.save(raw)
    return _settled(raw.getvalue(), datetime.combine(report.publication, datetime.min.time()))


def _sheet(book: Workbook, report: Report, one: Table) -> None:
    sheet = book.create_sheet(one.title)
    for place, column in enumerate(one.columns, 1):
        sheet.column_dimensions[get_column_letter(place)].width = _width(column, one.frame[column.name])
    sheet.freeze_panes = f"A{HEADER_ROW + 1}"
    _page_setup(sheet, len(one.columns))
    sheet.append([_text(sheet, f"{one.title}. {one.caption}".strip(" "), bold=True)])
    sheet.append([_notice(sheet, report)])
    sheet.append([_label(sheet, column) for column in one.columns])
    columns = [_cells(sheet, column, one.frame[column.name]) for column in one.columns]
    for row in zip(*columns, strict=True):
        sheet.append(row)
    if one.frame.empty:
        sheet.append([_text(sheet, one.empty)])
    else:
        last = get_column_letter(len(one.columns))
        sheet.auto_filter.ref = f"A{HEADER_ROW}:{last}{HEADER_ROW + len(one.frame)}"


def _lines(book: Workbook, report: Report, title: str, lines: tuple[str, ...]) -> None:
    """A sheet of plain sentences."""
    sheet = book.create_sheet(title)
    sheet.column_dimensions["A"].width = 120
    sheet.freeze_panes = f"A{HEADER_ROW}"
    _page_setup(sheet, 1)
    sheet.append([_text(sheet, title, bold=True)])
    sheet.append([_notice(sheet, report)])
    for line in lines:
        sheet.append([_text(sheet, line, wrap=True)])


def _notice(sheet: Worksheet, report: Report) -> Cell:
    """The warnings, or the date of the prices when there are none: no sheet is without them."""
    if report.banners:
        return _text(sheet, "  ".join(report.banners), bold=True, color=WARNING)
    return _text(sheet, f"Precios publicados el {plain_date(report.publication)}, en pesos por litro.")


def _page_setup(sheet: Worksheet, columns: int) -> None:
    """Prints on A4, as wide as the page, header on each sheet of paper."""
    sheet.page_setup.paperSize = A4
    sheet.page_setup.orientation = "landscape" if columns > 8 else "portrait"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = f"{HEADER_ROW}:{HEADER_ROW}"


def _width(column: Column, values: pd.Series) -> float:
    if column.kind != "text":
        return min(max(NARROW, len(column.label) + 3), LABELLED)
    longest = max([len(column.label) + 3, *(len(str(value)) + 2 for value in values)])
    return min(longest, TEXT_LIMIT if column.name in ("series", "value") else WIDE)


def _cells(sheet: Worksheet, column: Column, values: pd.Series) -> list[object]:
    """One column's cells; a missing value is an empty cell."""
    if column.kind == "text":
        return [None if value is None or value != value else _text(sheet, str(value)) for value in values]
    if column.kind in ("date", "month"):
        return [None if pd.isna(value) else _figure(sheet, pd.Timestamp(value).to_pydatetime(), column.kind) for value in values]
    numbers = values.to_numpy(dtype=float)
    return [_figure(sheet, as_number(value), column.kind) if np.isfinite(value) else None for value in numbers]


def _text(sheet: Worksheet, value: str, *, bold: bool = False, color: str = INK, wrap: bool = False) -> Cell:
    cell = WriteOnlyCell(sheet, value)
    cell.data_type = "s"  # openpyxl takes a leading = for a formula
    if bold or color != INK:
        cell.font = Font(bold=bold, color=color)
    if wrap:
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def _label(sheet: Worksheet, column: Column) -> Cell:
    cell = _text(sheet, column.label, bold=True)
    cell.fill = PatternFill("solid", fgColor=PAPER)
    cell.border = Border(bottom=Side("thin", color=RULE))
    cell.alignment = Alignment(horizontal="left" if column.kind == "text" else "right", wrap_text=True, vertical="bottom")
    return cell


def _figure(sheet: Worksheet, value: float | datetime, kind: Kind) -> Cell:
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
