"""Charts of the XLSX workbook, drawn by the reader's own spreadsheet from the cells beside them.

Belongs here: which cells a chart shows and where it lies. Cells are `spreadsheet`'s.
"""

import math
from dataclasses import dataclass

from openpyxl.chart import BarChart, LineChart, Reference, Series
from openpyxl.chart.legend import Legend
from openpyxl.chart.series import SeriesLabel
from openpyxl.worksheet.worksheet import Worksheet

from milk_assets.reporting.model.report import Table
from milk_assets.reporting.text.formatting import SEGMENTS, segment

FIRST = 5
"""The row of the first record."""
HEIGHT, WIDTH, ROWS = 8.5, 19, 18
"""Centimetres, and the rows that such a height covers."""
COLOURS = ("0B5A86", "A3390F", "12664F", "7A5C00")
"""Of the four markets, dark enough for paper."""


@dataclass(frozen=True)
class Placed:
    """Where a table stands on its sheet: its first column, and the row of its last record."""

    table: Table
    column: int
    last_row: int

    def at(self, name: str) -> int:
        """The sheet's column of a table's column."""
        return self.column + [column.name for column in self.table.columns].index(name)


def draw(sheet: Worksheet, placed: list[Placed]) -> int:
    """Lay the sheet's charts under its first table, short wherever there are charts, one below the other; the row below them."""
    tables = {one.table.key: one for one in placed if len(one.table.frame)}
    charts: list[LineChart | BarChart] = []
    if "history" in tables:
        names = [f"arithmetic/{milk}/{channel}" for milk, channel in SEGMENTS]
        charts.append(_lines(sheet, tables["history"], "Promedio aritmético, MXN/l", "publication", names, "mmm yy"))
    if "outlook_months_arithmetic" in tables:
        charts += _fans(sheet, tables["outlook_months_arithmetic"])
    if "regions" in tables:
        names = ["north", "centre_north", "centre", "south"]
        charts.append(_bars(sheet, tables["regions"], "Precio por región, MXN/l", "segment", names))
    if "spreads" in tables:
        charts.append(_bars(sheet, tables["spreads"], "Diferencia mediana, MXN/l", "within", ["now", "year"]))
    if "record_dates" in tables:
        names = ["mae", "mae_no_change"]
        charts.append(_bars(sheet, tables["record_dates"], "Error de cada publicación, MXN/l", "target", names))
    below = placed[0].last_row + 2 if placed else FIRST
    for place, chart in enumerate(charts):
        sheet.add_chart(chart, f"A{below + ROWS * place}")
    return below + ROWS * len(charts) if charts else 0


def _lines(
    sheet: Worksheet, one: Placed, title: str, across: str, names: list[str], form: str, rows: tuple[int, int] | None = None
) -> LineChart:
    chart = LineChart()
    chart.title, chart.height, chart.width = title, HEIGHT, WIDTH
    first, last = rows or (FIRST, one.last_row)
    labels = {column.name: column.label for column in one.table.columns}
    for name, colour in zip(names, COLOURS, strict=False):
        series = Series(Reference(sheet, min_col=one.at(name), min_row=first, max_row=last))
        series.tx = SeriesLabel(v=str(labels[name]))
        series.smooth = False
        series.graphicalProperties.line.solidFill = colour
        series.graphicalProperties.line.width = 19050
        chart.series.append(series)
    chart.set_categories(Reference(sheet, min_col=one.at(across), min_row=first, max_row=last))
    chart.x_axis.number_format, chart.y_axis.number_format = form, "0.00"
    shown = one.table.frame.iloc[first - FIRST : last - FIRST + 1][names]
    chart.y_axis.scaling.min, chart.y_axis.scaling.max = math.floor(shown.min().min()), math.ceil(shown.max().max())
    chart.x_axis.delete = chart.y_axis.delete = False  # the library hides them otherwise
    chart.x_axis.tickLblPos = "low"
    chart.legend = Legend(legendPos="b")
    return chart


def _fans(sheet: Worksheet, one: Placed) -> list[LineChart]:
    """A chart a market: forecast and the ends of its 80 % interval, month by month."""
    found = []
    segments = one.table.frame["segment"].astype(str).reset_index(drop=True)
    for pair in SEGMENTS:
        name = segment(*pair)
        places = segments.index[segments == str(name)]
        if len(places):
            rows = FIRST + int(places[0]), FIRST + int(places[-1])
            found.append(_lines(sheet, one, str(name), "target", ["forecast", "hi80", "lo80"], "mmm yy", rows))
    return found


def _bars(sheet: Worksheet, one: Placed, title: str, across: str, names: list[str]) -> BarChart:
    chart = BarChart()
    chart.title, chart.height, chart.width = title, HEIGHT, WIDTH
    labels = {column.name: column.label for column in one.table.columns}
    for name, colour in zip(names, COLOURS, strict=False):
        series = Series(Reference(sheet, min_col=one.at(name), min_row=FIRST, max_row=one.last_row))
        series.tx = SeriesLabel(v=str(labels[name]))
        series.graphicalProperties.solidFill = colour
        chart.series.append(series)
    chart.set_categories(Reference(sheet, min_col=one.at(across), min_row=FIRST, max_row=one.last_row))
    chart.y_axis.number_format = "0.00"
    chart.x_axis.number_format = "dd/mm"
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.x_axis.tickLblPos = "low"
    chart.legend = Legend(legendPos="b")
    return chart
