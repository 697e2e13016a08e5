"""HTML: the report as one page that needs nothing else.

Belongs here: what the template prints, value by value. Figures come from the report, charts from `charts`, looks from the template.
"""

from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from milk_assets.reporting.charts import cards, direction, panels
from milk_assets.reporting.report import Column, Report, Section, Table
from milk_assets.reporting.words import as_number, long_date, plain_date, short_date, written

UNPRINTED = frozenset({"series"})
"""Columns for machines: the key stands in the files, the page says the names."""


@dataclass(frozen=True)
class Cell:
    """One printed value: its text, its class (n a figure, up, down), and how many rows it spans when it names a group."""

    text: str
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
        loader=PackageLoader("milk_assets.reporting"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("report.html.j2")


def printed(section: Section) -> list[Printed]:
    """The section's tables that belong on the page."""
    return [_printed(one) for one in section.tables if "page" in one.places]


def _printed(one: Table) -> Printed:
    columns = [column for column in one.columns if column.name not in UNPRINTED]
    values = [one.frame[column.name].tolist() for column in columns]
    texts = [[written(value, column.kind) for value in own] for column, own in zip(columns, values, strict=True)]
    looks = [[_look(column, value) for value in own] for column, own in zip(columns, values, strict=True)]
    spans = _spans(columns, texts, one.group_by)
    rows = [
        [
            Cell(texts[place][row], looks[place][row], spans[place][row])
            for place in range(len(columns))
            if spans[place][row] >= 0
        ]
        for row in range(len(one.frame))
    ]
    heads = tuple((column.label, "" if column.kind == "text" else "n") for column in columns)
    return Printed(one.key, one.title, one.caption, one.empty, one.folded, heads, rows)


def _look(column: Column, value: object) -> str:
    if column.kind == "text":
        return ""
    if column.kind in ("change", "percent"):
        return f"n {direction(as_number(value))}"
    return "n"


def _spans(columns: list[Column], texts: list[list[str]], group_by: tuple[str, ...]) -> list[list[int]]:
    """For each column and row: 0 an ordinary cell, n > 0 a group's cell over n rows, -1 covered by the group's cell above."""
    count = len(texts[0])
    spans = [[0] * count for _ in columns]
    keys = [""] * count
    for place in range(len(group_by)):
        keys = [f"{key}\n{text}" for key, text in zip(keys, texts[place], strict=True)]
        start = 0
        for row in range(1, count + 1):
            if row == count or keys[row] != keys[start]:
                spans[place][start:row] = [row - start, *[-1] * (row - start - 1)]
                start = row
    return spans
