"""HTML: the report as one page that needs nothing else.

Belongs here: what the template prints, value by value. Figures are the report's, charts are `charts`', looks the template's.
"""

from dataclasses import dataclass, replace
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from milk_assets.reporting.charts import cards, direction, panels
from milk_assets.reporting.report import Column, Report, Section, Table
from milk_assets.reporting.words import as_number, long_date, plain_date, short_date, written

UNPRINTED = frozenset({"series"})
"""Columns for machines: the key stands in the files, the page says the names."""
JOINED = {("state", "city"): ("city", "state"), ("city", "state"): ("city", "state"), ("milk", "channel"): ("milk", "channel")}
"""Neighbours that the page prints as one column, the second in small: a phone has no room for four columns of names."""


@dataclass(frozen=True)
class Cell:
    """One printed value: its text, what stands small beside it, its class (n a figure, up, down), and how many rows it spans when
    it names a group."""

    text: str
    small: str = ""
    look: str = ""
    rows: int = 0


@dataclass(frozen=True)
class Printed:
    """A table as the template prints it. Cells that a group's cell already covers are absent from their row."""

    key: str
    title: str
    caption: str
    empty: str
    folded: bool
    heads: tuple[tuple[str, str], ...]
    rows: list[list[Cell]]


def to_html(report: Report) -> str:
    """The page: one self-contained HTML document, UTF-8, no script and nothing fetched. Every outside word is escaped."""
    return _template().render(
        report=report,
        dates={
            "day": long_date(report.day),
            "publication": plain_date(report.publication),
            "next": long_date(report.next_publication),
            "short": short_date(report.publication),
        },
        cards=cards(report),
        panels=panels(report),
        sections=[(section, printed(section)) for section in report.sections],
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("milk_assets.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


def printed(section: Section) -> list[Printed]:
    """The section's tables that belong on the page."""
    return [_printed(one) for one in section.tables if "page" in one.places]


def _printed(one: Table) -> Printed:
    pairs = _joined([column for column in one.columns if column.name not in UNPRINTED])
    cells = [_cells(one, main, small) for main, small in pairs]
    grouped = sum(main.name in one.group_by for main, _ in pairs)
    spans = _spans(cells[:grouped])
    rows = []
    for row, values in enumerate(zip(*cells, strict=True)):
        groups = [replace(cell, rows=spans[place][row]) for place, cell in enumerate(values[:grouped]) if spans[place][row]]
        rows.append([*groups, *values[grouped:]])
    heads = tuple((main.label, "" if main.kind == "text" else "n") for main, _ in pairs)
    return Printed(one.key, one.title, one.caption, one.empty, one.folded, heads, rows)


def _joined(columns: list[Column]) -> list[tuple[Column, Column | None]]:
    """The page's columns: each with the one that is printed small beside it, if any."""
    named = {column.name: column for column in columns}
    pairs: list[tuple[Column, Column | None]] = []
    place = 0
    while place < len(columns):
        names = tuple(column.name for column in columns[place : place + 2])
        if names in JOINED:
            main, small = JOINED[names]
            pairs.append((named[main], named[small]))
        else:
            pairs.append((columns[place], None))
        place += 2 if names in JOINED else 1
    return pairs


def _cells(one: Table, main: Column, small: Column | None) -> list[Cell]:
    values = one.frame[main.name].tolist()
    beside = [""] * len(values) if small is None else [written(value, small.kind) for value in one.frame[small.name].tolist()]
    return [Cell(written(value, main.kind), word, _look(main, value)) for value, word in zip(values, beside, strict=True)]


def _look(column: Column, value: object) -> str:
    if column.kind == "text":
        return ""
    if column.moves and column.kind in ("change", "percent"):
        return f"n {direction(as_number(value), 1 if column.kind == 'percent' else 2)}"
    return "n"


def _spans(groups: list[list[Cell]]) -> list[list[int]]:
    """For each grouping column and row: over how many rows its cell goes, 0 where the cell above covers it. A group ends where
    any column before it changes."""
    spans = []
    keys: list[tuple[Cell, ...]] = [()] * len(groups[0]) if groups else []
    for cells in groups:
        keys = [(*key, cell) for key, cell in zip(keys, cells, strict=True)]
        own, start = [0] * len(keys), 0
        for row in range(1, len(keys) + 1):
            if row == len(keys) or keys[row] != keys[start]:
                own[start] = row - start
                start = row
        spans.append(own)
    return spans
