"""HTML: the report as one page that needs nothing else.

Belongs here: what the template prints, value by value. Figures are the report's, charts are `charts`', looks the template's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from milk_assets.reporting.charts.fan_charts import cards, direction, panels
from milk_assets.reporting.charts.state_map import mapped
from milk_assets.reporting.charts.static_charts import errors, strips
from milk_assets.reporting.formats.page_data import data
from milk_assets.reporting.model.report import Column, Report, Section, Table
from milk_assets.reporting.text import ui_strings
from milk_assets.reporting.text.bilingual import Text, texts_of
from milk_assets.reporting.text.formatting import (
    CHANNEL,
    MILK,
    QUARTERS,
    SEGMENTS,
    as_number,
    long_date,
    plain_date,
    segment,
    written,
)

UNPRINTED = frozenset({"series", "advice"})
"""Columns for the files: the page says a series by its names, and the suggested price stands beside today's."""
JOINED = {("state", "city"): ("city", "state"), ("city", "state"): ("city", "state"), ("milk", "channel"): ("milk", "channel")}
"""Neighbours that the page prints as one column, the second in small: a phone has no room for four columns of names."""
FILES = {"XLSX": "report.xlsx", "CSV": "report.csv", "JSON": "report.json"}
"""The same report in other formats, beside the page."""
ARCHIVE = "../index.html"
"""The list of past reports, relative to the page."""
MOST_ROWS = 30
"""Rows of a table on the page: of longer ones, such as movers on the day of a new price list, both ends are printed."""
APART = frozenset({"header", "answers", "series"})
"""Tables that the page lays out in its own way."""


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
    """A table as the template prints it. Cells that a group's cell already covers are absent from their row. more: rows left out
    after the first `cut` ones, as the page has a size to keep; the files hold them."""

    key: str
    title: Text
    caption: Text
    empty: Text
    folded: bool
    heads: tuple[tuple[Text, str], ...]
    rows: list[list[Cell]]
    more: int = 0
    cut: int = 0


def to_html(report: Report, dashboard: str | None = None) -> str:
    """The page: one self-contained HTML document, UTF-8, nothing fetched. Every outside word is escaped.

    dashboard: address of the monitoring page, relative to this one; None where there is none.
    """
    tables = {one.key: _printed(one) for one in report.tables.values() if "page" in one.places}
    drawn = mapped(report)
    context: dict[str, object] = {
        "report": report,
        "dates": {
            "day": long_date(report.day).capitalize(),
            "publication": plain_date(report.publication),
            "next": long_date(report.next_publication),
        },
        "cards": cards(report),
        "panels": panels(report),
        "tables": tables,
        "sections": [(section, _plain(section, tables)) for section in report.sections],
        "map": drawn,
        "strips": strips(report),
        "errors": errors(report),
        "markets": {"/".join(pair): segment(*pair) for pair in SEGMENTS},
        "words": {name: getattr(ui_strings, name.upper()) for name in ("page", "legend", "explorer", "map", "script")},
        "choices": {"milk": MILK, "channel": CHANNEL},
        "quarters": QUARTERS,
        "notes": {"same_scale": ui_strings.SAME_SCALE, "strips": ui_strings.STRIPS, "errors": ui_strings.ERRORS},
        "links": {"files": FILES, "archive": ARCHIVE, "dashboard": dashboard},
    }
    printed = [(section.title, section.lead, section.lines) for section in report.sections]
    words = [value for name, value in context.items() if name not in ("report", "sections")]
    words += [printed, report.banners, report.headline, report.summary, report.provenance.coverage]
    context["data"] = data(report, drawn.views, texts_of(words))
    return _squeezed(template("report.html.j2").render(context))


@cache
def template(name: str) -> Template:
    """One of the package's page templates; `asset("x.css")` in it is that style sheet or script."""
    environment = Environment(
        loader=PackageLoader("milk_assets.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = lambda file: Markup(_asset(file))  # noqa: S704  our own style and script
    return environment.get_template(name)


@cache
def _asset(name: str) -> str:
    """A style sheet or a script of the page without its comments and indents, which only its writers read."""
    text = PackageLoader("milk_assets.reporting").get_source(Environment(autoescape=True), name)[0]
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S) if name.endswith(".css") else re.sub(r"^\s*//.*$", "", text, flags=re.M)
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _squeezed(page: str) -> str:
    """The page without blank lines."""
    return re.sub(r"\n\s*\n+", "\n", page)


def _plain(section: Section, tables: Mapping[str, Printed]) -> list[Printed]:
    """The section's tables that the page prints one after another."""
    return [tables[one.key] for one in section.tables if one.key in tables and one.key not in APART]


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
    more = 0 if one.key in APART else max(0, len(rows) - MOST_ROWS)
    cut = MOST_ROWS // 2
    rows = [*rows[:cut], *rows[cut + more :]] if more else rows
    return Printed(one.key, one.title, one.caption, one.empty, one.folded, heads, rows, more, cut if more else 0)


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
