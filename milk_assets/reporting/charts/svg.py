"""SVG: a sparkline and a fan chart of prices.

Belongs here: the geometry of these two charts. Not here: axes (`milk_assets.presentation.svg_axes`), which figures they show
(`charts.fan_charts`) and their colours, which are CSS classes of the page.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from milk_assets.presentation.svg_axes import PlotArea, Scale, linear_scale, path_data, svg_element, text_at, vertical_line
from milk_assets.reporting.text.formatting import QUARTER_LABELS, format_pesos

GRID_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""MXN. Distances between grid lines that are easy to read."""
MOST_GRID_INTERVALS = 7
FAN_AREA = PlotArea(width=480, height=290, left=34, right=62, top=14, bottom=30)
"""Margins hold the numbers of the scale, the end label, half a line of text, two lines of months."""
LABEL_HEIGHT = 15
"""Pixels. Labels nearer than this would overlap."""
SPARK_WIDTH, SPARK_HEIGHT, SPARK_MARGIN = 220, 46, 4


@dataclass(frozen=True)
class AheadMonth:
    """The forecast of one month: its position on the time axis, the forecast and both intervals, MXN per litre."""

    position: float
    forecast: float
    lo95: float
    lo80: float
    hi80: float
    hi95: float


@dataclass(frozen=True)
class FanChart:
    """What one fan chart shows. Positions on the time axis are months since year 0 (year x 12 + month - 1), with fractions.

    Attributes:
        key: Prefix of ids, unique on the page.
        title: Title for screen readers.
        description: Description for screen readers.
        history: (position, price) of each publication.
        months: (position, mean) of each complete month.
        ahead: The months forecast.
        previous: (position, forecast) of those months in the previous forecast.
        now: Position of the newest publication.
        span: Height of the price axis in MXN. Charts printed side by side share it, so that their slopes can be compared.
    """

    key: str
    title: str
    description: str
    history: Sequence[tuple[float, float]]
    months: Sequence[tuple[float, float]]
    ahead: Sequence[AheadMonth]
    previous: Sequence[tuple[float, float]]
    now: float
    span: float


def prices_in(chart: FanChart) -> list[float]:
    """Return every price that the chart must show."""
    bounds = [bound for month in chart.ahead for bound in (month.lo95, month.hi95)]
    return [price for _, price in (*chart.history, *chart.months)] + bounds


def draw_fan_chart(chart: FanChart) -> Markup:
    """Draw the chart as one <svg> element; an empty string without history."""
    if not chart.history:
        return Markup("")
    prices = prices_in(chart)
    middle = (min(prices) + max(prices)) / 2
    low, high = middle - chart.span / 2, middle + chart.span / 2
    first = min(position for position, _ in chart.history)
    last = max([chart.now, *(month.position for month in chart.ahead)])
    x, y = FAN_AREA.x_scale(first, last), FAN_AREA.y_scale(low, high)

    content = [
        _price_axis(low, high, y),
        _month_axis(first, last, x),
        vertical_line("now", x(chart.now), FAN_AREA.top, FAN_AREA.floor),
        *_bands(chart, x, y),
        _line("history", chart.history, x, y),
        *(f'<circle class="mean" cx="{x(position):.1f}" cy="{y(price):.1f}" r="2.6"/>' for position, price in chart.months),
    ]
    if len(chart.previous) > 1:
        content.append(_line("before", chart.previous, x, y))
    if chart.ahead:
        content.append(_line("forecast", [(month.position, month.forecast) for month in chart.ahead], x, y))
        content += [
            f'<circle class="ahead" cx="{x(month.position):.1f}" cy="{y(month.forecast):.1f}" r="2.6"/>' for month in chart.ahead
        ]
        content.append(_end_labels(chart.ahead[-1], x, y))
    return svg_element(chart.key, chart.title, chart.description, FAN_AREA.width, FAN_AREA.height, "fan", "".join(content))


def _line(css_class: str, points: Sequence[tuple[float, float]], x: Scale, y: Scale) -> str:
    return f'<path class="{css_class}" d="{path_data((x(position), y(price)) for position, price in points)}"/>'


def _bands(chart: FanChart, x: Scale, y: Scale) -> list[str]:
    """The 95 % and 80 % intervals as closed shapes, the wider one below."""
    if not chart.ahead:
        return []
    shapes = []
    for css_class, bounds in (
        ("band95", [(month.position, month.lo95, month.hi95) for month in chart.ahead]),
        ("band80", [(month.position, month.lo80, month.hi80) for month in chart.ahead]),
    ):
        upper = [(x(position), y(high)) for position, _, high in bounds]
        lower = [(x(position), y(low)) for position, low, _ in bounds]
        shapes.append(f'<path class="{css_class}" d="{path_data(upper + lower[::-1])}Z"/>')
    return shapes


def _price_axis(low: float, high: float, y: Scale) -> str:
    step = next((step for step in GRID_STEPS if (high - low) / step <= MOST_GRID_INTERVALS), GRID_STEPS[-1])
    ticks = [index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return FAN_AREA.price_grid(ticks, y, digits=2 if step < 1 else 0)


def _month_axis(first: float, last: float, x: Scale) -> str:
    """A tick at each quarter, with the year once, under its first tick."""
    floor = FAN_AREA.floor
    content = [FAN_AREA.horizontal_line("axis", floor)]
    labelled_years = set()
    for position in range(math.ceil(first), math.floor(last) + 1):
        year, month = divmod(position, 12)
        if month % 3:
            continue
        content.append(vertical_line("tickmark", x(position), floor, floor + 4))
        content.append(text_at("tick", x(position), floor + 15, QUARTER_LABELS[month // 3]))
        if year not in labelled_years:
            labelled_years.add(year)
            content.append(text_at("year", x(position), floor + 28, year))
    return "".join(content)


def _end_labels(month: AheadMonth, x: Scale, y: Scale) -> str:
    """The price of the last forecast, and the ends of its 80 % interval where they do not overlap it."""
    label_x, forecast_y = x(month.position) + 7, y(month.forecast)
    labels = [f'<text class="end" x="{label_x:.1f}" y="{forecast_y + 4.5:.1f}">{format_pesos(month.forecast)}</text>']
    labels += [
        f'<text class="edge" x="{label_x:.1f}" y="{y(bound) + 4:.1f}">{bound:.2f}</text>'
        for bound in (month.hi80, month.lo80)
        if abs(y(bound) - forecast_y) >= LABEL_HEIGHT
    ]
    return "".join(labels)


def draw_sparkline(key: str, title: str, description: str, prices: Sequence[float]) -> Markup:
    """Draw a small line of prices with its last point marked.

    Args:
        key: Prefix of ids, unique on the page.
        title, description: For screen readers.
        prices: In order, NaN where missing.

    Returns:
        One <svg> element; an empty string for fewer than two prices.
    """
    known_points = [(index, price) for index, price in enumerate(prices) if price == price]
    if len(known_points) < 2:
        return Markup("")
    low, high = min(price for _, price in known_points), max(price for _, price in known_points)
    if low == high:  # a flat line is drawn in the middle
        low, high = low - 1, high + 1
    x = linear_scale(0, len(prices) - 1, SPARK_MARGIN, SPARK_WIDTH - SPARK_MARGIN)
    y = linear_scale(high, low, SPARK_MARGIN, SPARK_HEIGHT - SPARK_MARGIN)
    points = [(x(index), y(price)) for index, price in known_points]
    last_x, last_y = points[-1]
    area = [(points[0][0], SPARK_HEIGHT), *points, (last_x, SPARK_HEIGHT)]
    content = (
        f'<path class="area" d="{path_data(area)}Z"/><path class="history" d="{path_data(points)}"/>'
        f'<circle class="last" cx="{last_x:.1f}" cy="{last_y:.1f}" r="3.2"/>'
    )
    return svg_element(key, title, description, SPARK_WIDTH, SPARK_HEIGHT, "spark", content)
