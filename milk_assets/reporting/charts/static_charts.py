"""Static charts: every city in its market, and the errors of each publication.

Belongs here: the geometry and the words of these two charts. Not here: axes (`milk_assets.presentation.svg_axes`), figures
(`sections`) and colours, which are CSS classes of the page.
"""

import math
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup, escape

from milk_assets.presentation.svg_axes import PlotArea, Scale, svg_element, text_at, vertical_line
from milk_assets.reporting.model.report import Report, row_dicts
from milk_assets.reporting.text.bilingual import BilingualText, format_bilingual
from milk_assets.reporting.text.formatting import CHANNEL_TEXTS, MARKETS, MILK_TEXTS, market_label, short_date

STRIP_HEIGHT, STRIPS_TOP, AXIS_HEIGHT = 78, 20, 24
"""Pixels: one market's strip, the space above the first strip, the axis below the last."""
STRIPS_AREA = PlotArea(
    width=720,
    height=STRIPS_TOP + STRIP_HEIGHT * len(MARKETS) + AXIS_HEIGHT,
    left=12,
    right=12,
    top=STRIPS_TOP,
    bottom=AXIS_HEIGHT,
)
BARS_AREA = PlotArea(width=720, height=190, left=12, right=12, top=20, bottom=AXIS_HEIGHT)
PESOS_PER_TICK = 2
DOT_RADIUS = 4.2
BAR_WIDTH, FORECAST_SHIFT, NO_CHANGE_SHIFT = 0.36, 0.12, 0.5
"""Shares of the width of one publication: a bar, and where each of the two begins."""


@dataclass(frozen=True)
class StaticChart:
    """A drawn chart. `chart_texts` are its words, which the page translates."""

    svg: Markup
    chart_texts: tuple[BilingualText, ...]


def city_strips(report: Report) -> StaticChart | None:
    """Draw one strip per market with a dot per city, its simple mean and the names of its cheapest and dearest city.

    Returns:
        The chart, or None without prices.
    """
    frame = report.tables["spread_cities"].frame
    if frame.empty:
        return None
    low, high = math.floor(frame["price"].min()), math.ceil(frame["price"].max())
    x = STRIPS_AREA.x_scale(low, high)
    floor = STRIPS_AREA.floor
    content = [
        vertical_line("grid", x(tick), STRIPS_AREA.top - 8, floor) + text_at("tick", x(tick), floor + 15, tick)
        for tick in range(low, high + 1, PESOS_PER_TICK)
    ]
    for index, (milk, channel) in enumerate(MARKETS):
        cities = frame[(frame["milk"] == MILK_TEXTS[milk]) & (frame["channel"] == CHANNEL_TEXTS[channel])].sort_values("price")
        if len(cities):
            content.append(_strip(cities, market_label(milk, channel), STRIPS_AREA.top + STRIP_HEIGHT * index, x))
    title = BilingualText("Cada ciudad en su mercado", "Each city in its market")
    description = format_bilingual(
        "Un punto por ciudad sobre la escala de pesos por litro, de {low} a {high}; la raya es el promedio nacional.",
        "A dot a city on the scale of pesos per litre, from {low} to {high}; the bar is the national mean.",
        low=low,
        high=high,
    )
    svg = svg_element("strips", title, description, STRIPS_AREA.width, STRIPS_AREA.height, "strips", "".join(content))
    return StaticChart(svg, (title, description, *(market_label(*market) for market in MARKETS)))


def _strip(cities: pd.DataFrame, label: BilingualText, top: int, x: Scale) -> str:
    """One market: dots stacked where they would overlap, the mean, the names of both ends."""
    line = top + STRIP_HEIGHT - 26
    mean = float((cities["price"] - cities["gap"]).iloc[0])
    dots_in_column: dict[int, int] = {}
    dots = ""
    for price in cities["price"]:
        column = round(x(price) / (2 * DOT_RADIUS))
        dots_in_column[column] = dots_in_column.get(column, 0) + 1
        dots += f"M{2 * DOT_RADIUS * column:.1f} {line - 4 - 6 * (dots_in_column[column] - 1)}h0"
    cheapest, dearest = cities.iloc[0], cities.iloc[-1]
    return (
        f'{STRIPS_AREA.horizontal_line("axis", line + 1)}<path class="city" d="{dots}"/>'
        f"{vertical_line('mean', x(mean), top + 6, line + 1)}"
        f'<text class="name" x="{STRIPS_AREA.left}" y="{top + 6}">{escape(label)}</text>'
        f'<text class="ends" x="{x(cheapest["price"]):.1f}" y="{line + 12}">'
        f"{escape(cheapest['city'])} {cheapest['price']:.2f}</text>"
        f"{text_at('ends', x(dearest['price']), line + 12, '{} {:.2f}'.format(dearest['city'], dearest['price']), 'end')}"
    )


def error_bars(report: Report) -> StaticChart | None:
    """Draw two bars per publication: the mean error of the forecast and that of the no-change baseline.

    Returns:
        The chart, or None while the report has no error record.
    """
    table = report.tables.get("record_dates")
    if table is None or table.frame.empty:
        return None
    frame = table.frame
    largest = max(float(frame[["mae", "mae_no_change"]].max().max()), 0.01)
    width = (BARS_AREA.right_edge - BARS_AREA.left) / len(frame)
    content = [_bars_of_date(row, BARS_AREA.left + width * index, width, largest) for index, row in enumerate(row_dicts(frame))]
    content.append(BARS_AREA.horizontal_line("axis", BARS_AREA.floor))
    title = BilingualText("Error de cada publicación", "Error of each publication")
    description = format_bilingual(
        "Error medio en centavos, del pronóstico y de «sin cambio», de {first} a {last}.",
        "Mean error in centavos, of the forecast and of “no change”, from {first} to {last}.",
        first=short_date(frame["target"].iloc[0].date()),
        last=short_date(frame["target"].iloc[-1].date()),
    )
    svg = svg_element("errors", title, description, BARS_AREA.width, BARS_AREA.height, "errors", "".join(content))
    return StaticChart(svg, (title, description))


def _bars_of_date(row: dict[str, float], left: float, width: float, largest: float) -> str:
    """Both bars of one publication, the error of the forecast in centavos above them, the date below."""
    floor, full_height = BARS_AREA.floor, BARS_AREA.floor - BARS_AREA.top
    bars = ""
    for css_class, error, shift in (
        ("ours", row["mae"], FORECAST_SHIFT),
        ("theirs", row["mae_no_change"], NO_CHANGE_SHIFT),
    ):
        height = full_height * error / largest
        bars += (
            f'<rect class="{css_class}" x="{left + width * shift:.1f}" y="{floor - height:.1f}" '
            f'width="{width * BAR_WIDTH:.1f}" height="{height:.1f}"/>'
        )
    middle = left + width / 2
    above = floor - full_height * max(row["mae"], row["mae_no_change"]) / largest - 4
    date_label = f"{row['target']:%d/%m}"
    return bars + text_at("tick", middle, above, f"{100 * row['mae']:.1f}") + text_at("tick", middle, floor + 15, date_label)
