"""Page tables: the report's tables as cells of the HTML page.

Belongs here: which columns the page prints, joined columns, merged group cells, and cutting long tables. Not here: the page
(`formats.html`) and its templates.
"""

from dataclasses import dataclass, replace

from milk_assets.reporting.charts.fan_charts import direction
from milk_assets.reporting.model.report import Column, Table
from milk_assets.reporting.text.bilingual import BilingualText
from milk_assets.reporting.text.formatting import as_number, format_value

FILE_COLUMNS = frozenset({"series", "advice"})
"""Columns for the files only: the page names a series by its words, and prints the suggested price next to today's."""
JOINED_COLUMNS = {
    ("state", "city"): ("city", "state"),
    ("city", "state"): ("city", "state"),
    ("milk", "channel"): ("milk", "channel"),
}
"""Neighbours that the page prints as one column, the second in small letters: a phone has no space for four columns of names."""
MOST_ROWS = 30
"""Rows of a table on the page. Of a longer table, such as the movers on the day of a new price list, both ends are printed."""
CUSTOM_LAYOUT_TABLES = frozenset({"header", "answers", "series"})
"""Tables that have their own place and layout in the templates."""


@dataclass(frozen=True)
class PageCell:
    """One printed value.

    Attributes:
        text: Its text.
        small: Text printed next to it in small letters.
        css_class: "n" for a figure, with "up", "down" or "flat" for a movement.
        row_span: Number of rows that the cell of a group covers; 0 for a cell that names no group.
    """

    text: str
    small: str = ""
    css_class: str = ""
    row_span: int = 0


@dataclass(frozen=True)
class PageTable:
    """A table as the templates print it.

    Attributes:
        key, title, caption, empty, folded: As in `Table`.
        heads: Label and CSS class of each column.
        rows: Cells that a group's cell already covers are absent from their row.
        rows_left_out: Rows that only the files hold, because the page has a size limit.
        rows_before_cut: Rows printed before those left out.
    """

    key: str
    title: BilingualText
    caption: BilingualText
    empty: BilingualText
    folded: bool
    heads: tuple[tuple[BilingualText, str], ...]
    rows: list[list[PageCell]]
    rows_left_out: int = 0
    rows_before_cut: int = 0


def page_table(table: Table) -> PageTable:
    """Turn a table of the report into cells of the page."""
    column_pairs = _joined_columns([column for column in table.columns if column.name not in FILE_COLUMNS])
    columns = [_cells(table, main, small) for main, small in column_pairs]
    group_count = sum(main.name in table.group_by for main, _ in column_pairs)
    row_spans = _row_spans(columns[:group_count])
    rows = []
    for row, cells in enumerate(zip(*columns, strict=True)):
        group_cells = [
            replace(cell, row_span=spans[row]) for cell, spans in zip(cells[:group_count], row_spans, strict=True) if spans[row]
        ]
        rows.append([*group_cells, *cells[group_count:]])
    result = PageTable(
        key=table.key,
        title=table.title,
        caption=table.caption,
        empty=table.empty,
        folded=table.folded,
        heads=tuple((main.label, "" if main.kind == "text" else "n") for main, _ in column_pairs),
        rows=rows,
    )
    return result if table.key in CUSTOM_LAYOUT_TABLES else _cut(result)


def _cut(table: PageTable) -> PageTable:
    """Leave out the middle of a table that has more than MOST_ROWS rows."""
    left_out = len(table.rows) - MOST_ROWS
    if left_out <= 0:
        return table
    cut = MOST_ROWS // 2
    rows = [*table.rows[:cut], *table.rows[cut + left_out :]]
    return replace(table, rows=rows, rows_left_out=left_out, rows_before_cut=cut)


def _joined_columns(columns: list[Column]) -> list[tuple[Column, Column | None]]:
    """The page's columns: each with the one that is printed in small letters next to it, if any."""
    by_name = {column.name: column for column in columns}
    pairs: list[tuple[Column, Column | None]] = []
    index = 0
    while index < len(columns):
        neighbours = tuple(column.name for column in columns[index : index + 2])
        if neighbours in JOINED_COLUMNS:
            main, small = JOINED_COLUMNS[neighbours]
            pairs.append((by_name[main], by_name[small]))
            index += 2
        else:
            pairs.append((columns[index], None))
            index += 1
    return pairs


def _cells(table: Table, main: Column, small: Column | None) -> list[PageCell]:
    values = table.frame[main.name].tolist()
    small_texts = [""] * len(values)
    if small is not None:
        small_texts = [format_value(value, small.kind) for value in table.frame[small.name].tolist()]
    return [
        PageCell(format_value(value, main.kind), small_text, _css_class(main, value))
        for value, small_text in zip(values, small_texts, strict=True)
    ]


def _css_class(column: Column, value: object) -> str:
    if column.kind == "text":
        return ""
    if column.moves and column.kind in ("change", "percent"):
        return f"n {direction(as_number(value), 1 if column.kind == 'percent' else 2)}"
    return "n"


def _row_spans(group_columns: list[list[PageCell]]) -> list[list[int]]:
    """For each grouping column and row: how many rows its cell covers, 0 where the cell above covers the row. A group ends where
    any column to its left changes."""
    result = []
    keys: list[tuple[PageCell, ...]] = [()] * len(group_columns[0]) if group_columns else []
    for cells in group_columns:
        keys = [(*key, cell) for key, cell in zip(keys, cells, strict=True)]
        spans, start = [0] * len(keys), 0
        for row in range(1, len(keys) + 1):
            if row == len(keys) or keys[row] != keys[start]:
                spans[start] = row - start
                start = row
        result.append(spans)
    return result
