"""HTML: the report as one self-contained page.

Belongs here: what the page's template receives. Not here: figures (`sections`), drawings (`charts`), cells (`formats.page_tables`),
the script's data (`formats.page_data`) and the looks (`templates`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from milk_assets.presentation.jinja_pages import page_template
from milk_assets.reporting.charts.fan_charts import ChartPanel, MarketCard, chart_panels, market_cards
from milk_assets.reporting.charts.state_map import StateMap, draw_state_map
from milk_assets.reporting.charts.static_charts import StaticChart, city_strips, error_bars
from milk_assets.reporting.file_names import DOWNLOADS
from milk_assets.reporting.formats.page_data import page_data
from milk_assets.reporting.formats.page_tables import CUSTOM_LAYOUT_TABLES, PageTable, page_table
from milk_assets.reporting.model.report import Report, Section
from milk_assets.reporting.text import ui_strings
from milk_assets.reporting.text.bilingual import BilingualText, collect_texts
from milk_assets.reporting.text.formatting import (
    CHANNEL_TEXTS,
    MARKETS,
    MILK_TEXTS,
    QUARTER_LABELS,
    long_date,
    market_label,
    plain_date,
)

TEMPLATES_PACKAGE = "milk_assets.reporting"
"""The same report in other formats, in the folder of the page."""
ARCHIVE_PAGE = "../index.html"
"""The list of past reports, relative to the page."""


@dataclass(frozen=True)
class PageDates:
    """The dates at the top of the page: of the report, of its prices, of the next publication."""

    day: BilingualText
    publication: BilingualText
    next_publication: BilingualText


@dataclass(frozen=True)
class PageSection:
    """A section, and those of its tables that the page prints one after another."""

    section: Section
    plain_tables: list[PageTable]


@dataclass(frozen=True)
class ReportPage:
    """Everything that `report.html.j2` prints, except the data of the page's script.

    Attributes:
        report: The report.
        dates: Dates at the top.
        cards: One card per market.
        panels: One fan chart per market; empty without a forecast.
        tables: Every table of the page by its key.
        sections: In the order of the page.
        state_map: The map in its first view.
        strips: Every city in its market; None without prices.
        error_chart: Errors of each publication; None without a record.
        markets: Labels of the markets, by "milk/channel".
        dashboard: Address of the monitoring dashboard relative to the page, if any.
    """

    report: Report
    dates: PageDates
    cards: list[MarketCard]
    panels: list[ChartPanel]
    tables: dict[str, PageTable]
    sections: list[PageSection]
    state_map: StateMap
    strips: StaticChart | None
    error_chart: StaticChart | None
    markets: dict[str, BilingualText]
    dashboard: str | None

    def texts(self) -> Iterator[BilingualText]:
        """Yield every text on the page, for the dictionary with which its script switches to English.

        Figures of the report that the page does not print are left out.
        """
        yield from collect_texts(
            [self.dates, self.cards, self.panels, self.tables, self.state_map, self.strips, self.error_chart]
        )
        yield from collect_texts(self.markets)
        yield from collect_texts(
            [ui_strings.PAGE, ui_strings.LEGEND, ui_strings.EXPLORER, ui_strings.MAP, ui_strings.SCRIPT_STRINGS]
        )
        yield from collect_texts([MILK_TEXTS, CHANNEL_TEXTS, QUARTER_LABELS])
        yield from collect_texts([ui_strings.SAME_SCALE_NOTE, ui_strings.STRIPS_NOTE, ui_strings.ERRORS_NOTE])
        for section in self.report.sections:
            yield from collect_texts([section.title, section.lead, section.lines])
        yield from collect_texts([self.report.banners, self.report.headline, self.report.summary])
        yield self.report.provenance.coverage


def to_html(report: Report, dashboard: str | None = None) -> str:
    """Print the report as one HTML document. The page fetches nothing, and every outside word is escaped.

    Args:
        report: The report.
        dashboard: Address of the monitoring dashboard relative to the page; None for no link.
    """
    page = build_page(report, dashboard)
    html = page_template(TEMPLATES_PACKAGE, "report.html.j2").render(
        page=page,
        report=report,
        strings=ui_strings,
        milk_texts=MILK_TEXTS,
        channel_texts=CHANNEL_TEXTS,
        files=DOWNLOADS,
        archive_page=ARCHIVE_PAGE,
        data=_script_data(page),
    )
    return _without_blank_lines(html)


def build_page(report: Report, dashboard: str | None) -> ReportPage:
    """Collect what the page prints of a report."""
    tables = {table.key: page_table(table) for table in report.tables.values() if "page" in table.outputs}
    return ReportPage(
        report=report,
        dates=PageDates(
            day=long_date(report.day).capitalize(),
            publication=plain_date(report.publication),
            next_publication=long_date(report.next_publication),
        ),
        cards=market_cards(report),
        panels=chart_panels(report),
        tables=tables,
        sections=[PageSection(section, _plain_tables(section, tables)) for section in report.sections],
        state_map=draw_state_map(report),
        strips=city_strips(report),
        error_chart=error_bars(report),
        markets={"/".join(market): market_label(*market) for market in MARKETS},
        dashboard=dashboard,
    )


def _plain_tables(section: Section, tables: dict[str, PageTable]) -> list[PageTable]:
    return [tables[table.key] for table in section.tables if table.key in tables and table.key not in CUSTOM_LAYOUT_TABLES]


def _script_data(page: ReportPage) -> Markup:
    return page_data(page.report, page.state_map.views, page.texts())


def _without_blank_lines(html: str) -> str:
    return re.sub(r"\n\s*\n+", "\n", html)
