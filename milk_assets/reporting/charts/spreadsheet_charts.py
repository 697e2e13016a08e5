"""Spreadsheet charts: native charts of the XLSX workbook, drawn by the reader's spreadsheet program from its cells.

Belongs here: which cells a chart shows and where it is on the sheet. Not here: the cells (`formats.spreadsheet`).
"""

import math
from dataclasses import dataclass

from openpyxl.chart import BarChart, LineChart, Reference, Series
from openpyxl.chart.legend import Legend
from openpyxl.chart.series import SeriesLabel
from openpyxl.worksheet.worksheet import Worksheet

from milk_assets.reporting.model.report import Table
from milk_assets.reporting.text.formatting import MARKETS, market_label

FIRST_ROW = 5
"""The row of the first record."""
CHART_HEIGHT, CHART_WIDTH, CHART_ROWS = 8.5, 19, 18
"""Centimetres, and the rows that such a height covers."""
COLOURS = ("0B5A86", "A3390F", "12664F", "7A5C00")
"""One per series, dark enough for paper."""
LINE_WIDTH = 19050
"""English Metric Units: 1.5 points."""


@dataclass(frozen=True)
class PlacedTable:
    """A table and its position on its sheet: its first column and the row of its last record, both from 1."""

    table: Table
    first_column: int
    last_row: int

    def column_number(self, name: str) -> int:
        """Return the sheet's column of a table's column."""
        return self.first_column + [column.name for column in self.table.columns].index(name)

    def label(self, name: str) -> str:
        """Return the Spanish heading of a table's column."""
        return next(str(column.label) for column in self.table.columns if column.name == name)

    def values(self, sheet: Worksheet, name: str, rows: tuple[int, int]) -> Reference:
        """Return the cells of a table's column between two rows of the sheet, both included."""
        first, last = rows
        return Reference(sheet, min_col=self.column_number(name), min_row=first, max_row=last)


def add_charts(sheet: Worksheet, placed_tables: list[PlacedTable]) -> int:
    """Add the charts of a sheet below its first table, which is short wherever there are charts, one below the other.

    Returns:
        The row below the last chart; 0 without charts.
    """
    charts = _charts(sheet, {placed.table.key: placed for placed in placed_tables if len(placed.table.frame)})
    if not charts:
        return 0
    first_row = placed_tables[0].last_row + 2
    for index, chart in enumerate(charts):
        sheet.add_chart(chart, f"A{first_row + CHART_ROWS * index}")
    return first_row + CHART_ROWS * len(charts)


def _charts(sheet: Worksheet, tables: dict[str, PlacedTable]) -> list[LineChart | BarChart]:
    charts: list[LineChart | BarChart] = []
    if "history" in tables:
        history = tables["history"]
        names = [f"arithmetic/{milk}/{channel}" for milk, channel in MARKETS]
        rows = (FIRST_ROW, history.last_row)
        charts.append(_line_chart(sheet, history, "Promedio aritmético, MXN/l", "publication", names, rows))
    if "outlook_months_arithmetic" in tables:
        charts += _forecast_charts(sheet, tables["outlook_months_arithmetic"])
    if "regions" in tables:
        names = ["north", "centre_north", "centre", "south"]
        charts.append(_bar_chart(sheet, tables["regions"], "Precio por región, MXN/l", "segment", names))
    if "spreads" in tables:
        charts.append(_bar_chart(sheet, tables["spreads"], "Diferencia mediana, MXN/l", "within", ["now", "year"]))
    if "record_dates" in tables:
        names = ["mae", "mae_no_change"]
        charts.append(_bar_chart(sheet, tables["record_dates"], "Error de cada publicación, MXN/l", "target", names))
    return charts


def _forecast_charts(sheet: Worksheet, placed: PlacedTable) -> list[LineChart | BarChart]:
    """One chart per market: the forecast and both ends of its 80 % interval, month by month."""
    charts: list[LineChart | BarChart] = []
    market_of_row = placed.table.frame["segment"].astype(str).reset_index(drop=True)
    for market in MARKETS:
        label = str(market_label(*market))
        row_numbers = market_of_row.index[market_of_row == label]
        if len(row_numbers):
            rows = FIRST_ROW + int(row_numbers[0]), FIRST_ROW + int(row_numbers[-1])
            charts.append(_line_chart(sheet, placed, label, "target", ["forecast", "hi80", "lo80"], rows))
    return charts


def _line_chart(
    sheet: Worksheet, placed: PlacedTable, title: str, across: str, names: list[str], rows: tuple[int, int]
) -> LineChart:
    """Lines of the columns `names` over the dates of the column `across`."""
    chart = LineChart()
    for name, colour in zip(names, COLOURS, strict=False):
        series = Series(placed.values(sheet, name, rows))
        series.tx = SeriesLabel(v=placed.label(name))
        series.smooth = False
        series.graphicalProperties.line.solidFill = colour
        series.graphicalProperties.line.width = LINE_WIDTH
        chart.series.append(series)
    _set_layout(chart, title, "mmm yy")
    chart.set_categories(placed.values(sheet, across, rows))
    drawn = placed.table.frame.iloc[rows[0] - FIRST_ROW : rows[1] - FIRST_ROW + 1][names]
    chart.y_axis.scaling.min, chart.y_axis.scaling.max = math.floor(drawn.min().min()), math.ceil(drawn.max().max())
    return chart


def _bar_chart(sheet: Worksheet, placed: PlacedTable, title: str, across: str, names: list[str]) -> BarChart:
    """Bars of the columns `names` for each value of the column `across`."""
    chart = BarChart()
    rows = (FIRST_ROW, placed.last_row)
    for name, colour in zip(names, COLOURS, strict=False):
        series = Series(placed.values(sheet, name, rows))
        series.tx = SeriesLabel(v=placed.label(name))
        series.graphicalProperties.solidFill = colour
        chart.series.append(series)
    _set_layout(chart, title, "dd/mm")
    chart.set_categories(placed.values(sheet, across, rows))
    return chart


def _set_layout(chart: LineChart | BarChart, title: str, date_format: str) -> None:
    chart.title, chart.height, chart.width = title, CHART_HEIGHT, CHART_WIDTH
    chart.x_axis.number_format, chart.y_axis.number_format = date_format, "0.00"
    chart.x_axis.delete = chart.y_axis.delete = False  # openpyxl hides the axes otherwise
    chart.x_axis.tickLblPos = "low"
    chart.legend = Legend(legendPos="b")
