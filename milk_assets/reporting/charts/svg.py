"""Charts as inline SVG: a sparkline and a fan chart, drawn by hand.

Belongs here: geometry. Colours are the page's CSS classes, so that a chart follows light, dark and print. Words are the caller's.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from milk_assets.reporting.text.formatting import QUARTERS, money

STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Distances between grid lines that read well in pesos."""
GRID_LINES = 7
WIDTH, HEIGHT = 480, 290
LEFT, RIGHT, TOP, BOTTOM = 34, 62, 14, 30
"""Margins of the fan chart: the scale's numbers, the end label, half a line, two lines of months."""
LINE = 15
"""Height of a label: nearer ones would touch."""
SPARK_WIDTH, SPARK_HEIGHT, SPARK_EDGE = 220, 46, 4


Scale = Callable[[float], float]
"""From a month or a price to its place in the picture."""


@dataclass(frozen=True)
class Fan:
    """What one fan chart shows. Places on the x axis are months counted from year 0 (year x 12 + month - 1), with fractions.

    history: (place, price) of each publication. months: (place, mean) of each complete month. ahead: (place, forecast, lo95,
    lo80, hi80, hi95) of each month forecast. before: (place, forecast) of those months as the previous forecast had them. now:
    place of the newest publication. span: height of the price axis in MXN, one for charts that stand side by side, so that their
    slopes can be compared.
    """

    key: str
    title: str
    description: str
    history: Sequence[tuple[float, float]]
    months: Sequence[tuple[float, float]]
    ahead: Sequence[tuple[float, float, float, float, float, float]]
    before: Sequence[tuple[float, float]]
    now: float
    span: float


def values_of(fan: Fan) -> list[float]:
    """Every price that the chart must hold."""
    wide = [value for _, _, lo95, _, _, hi95 in fan.ahead for value in (lo95, hi95)]
    return [price for _, price in (*fan.history, *fan.months)] + wide


def fan_chart(fan: Fan) -> Markup:
    """The chart as one <svg> element, with its title and description for screen readers."""
    if not fan.history:
        return Markup("")
    values = values_of(fan)
    middle = (min(values) + max(values)) / 2
    low, high = middle - fan.span / 2, middle + fan.span / 2
    first = min(place for place, _ in fan.history)
    last = max([fan.now, *(place for place, *_ in fan.ahead)])

    def x(place: float) -> float:
        return LEFT + (place - first) / max(last - first, 1e-9) * (WIDTH - LEFT - RIGHT)

    def y(price: float) -> float:
        return TOP + (high - price) / max(high - low, 1e-9) * (HEIGHT - TOP - BOTTOM)

    parts = [_price_axis(low, high, y), _month_axis(first, last, x)]
    parts.append(f'<line class="now" x1="{x(fan.now):.1f}" x2="{x(fan.now):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
    if fan.ahead:
        places = [x(place) for place, *_ in fan.ahead]
        for name, lo, hi in (("band95", 2, 5), ("band80", 3, 4)):
            upper = [(place, y(row[hi])) for place, row in zip(places, fan.ahead, strict=True)]
            lower = [(place, y(row[lo])) for place, row in zip(places, fan.ahead, strict=True)]
            parts.append(f'<path class="{name}" d="{_path(upper + lower[::-1])}Z"/>')
    parts.append(f'<path class="history" d="{_path([(x(place), y(price)) for place, price in fan.history])}"/>')
    parts += [f'<circle class="mean" cx="{x(place):.1f}" cy="{y(price):.1f}" r="2.6"/>' for place, price in fan.months]
    if len(fan.before) > 1:
        parts.append(f'<path class="before" d="{_path([(x(place), y(price)) for place, price in fan.before])}"/>')
    if fan.ahead:
        line = [(x(row[0]), y(row[1])) for row in fan.ahead]
        parts.append(f'<path class="forecast" d="{_path(line)}"/>')
        parts += [f'<circle class="ahead" cx="{px:.1f}" cy="{py:.1f}" r="2.6"/>' for px, py in line]
        parts.append(_end_labels(fan, line[-1], y))
    return element(fan.key, fan.title, fan.description, WIDTH, HEIGHT, "fan", "".join(parts))


def _price_axis(low: float, high: float, y: Scale) -> str:
    step = next((step for step in STEPS if (high - low) / step <= GRID_LINES), STEPS[-1])
    digits = 2 if step < 1 else 0
    ticks = [index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return "".join(
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.{digits}f}</text>'
        for tick in ticks
    )


def _month_axis(first: float, last: float, x: Scale) -> str:
    """A tick each quarter, the year once under its first tick."""
    parts, seen = [], set()
    for place in range(math.ceil(first), math.floor(last) + 1):
        year, month = divmod(place, 12)
        if month % 3:
            continue
        at = x(place)
        parts.append(f'<line class="tickmark" x1="{at:.1f}" x2="{at:.1f}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM + 4}"/>')
        parts.append(
            f'<text class="tick" x="{at:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{QUARTERS[month // 3]}</text>'
        )
        if year not in seen:
            seen.add(year)
            parts.append(f'<text class="year" x="{at:.1f}" y="{HEIGHT - BOTTOM + 28}" text-anchor="middle">{year}</text>')
    return f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM}"/>' + "".join(parts)


def _end_labels(fan: Fan, end: tuple[float, float], y: Scale) -> str:
    """The last forecast's price, and the ends of its 80 % interval where they do not touch it."""
    _, price, _, lo80, hi80, _ = fan.ahead[-1]
    at = end[0] + 7
    parts = [f'<text class="end" x="{at:.1f}" y="{end[1] + 4.5:.1f}">{money(price)}</text>']
    apart = [edge for edge in (hi80, lo80) if abs(y(edge) - end[1]) >= LINE]
    parts += [f'<text class="edge" x="{at:.1f}" y="{y(edge) + 4:.1f}">{edge:.2f}</text>' for edge in apart]
    return "".join(parts)


def sparkline(key: str, title: str, description: str, values: Sequence[float]) -> Markup:
    """A small line of the newest prices, its last point marked. Fewer than two values draw nothing."""
    known = [(place, value) for place, value in enumerate(values) if value == value]
    if len(known) < 2:
        return Markup("")
    low, high = min(value for _, value in known), max(value for _, value in known)
    wide, tall = SPARK_WIDTH - 2 * SPARK_EDGE, SPARK_HEIGHT - 2 * SPARK_EDGE

    def point(place: int, value: float) -> tuple[float, float]:
        up = (high - value) / (high - low) if high > low else 0.5
        return SPARK_EDGE + place / (len(values) - 1) * wide, SPARK_EDGE + up * tall

    points = [point(place, value) for place, value in known]
    base = SPARK_HEIGHT
    area = [(points[0][0], base), *points, (points[-1][0], base)]
    inside = (
        f'<path class="area" d="{_path(area)}Z"/><path class="history" d="{_path(points)}"/>'
        f'<circle class="last" cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}" r="3.2"/>'
    )
    return element(key, title, description, SPARK_WIDTH, SPARK_HEIGHT, "spark", inside)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in points)


def element(key: str, title: str, description: str, width: int, height: int, name: str, inside: str) -> Markup:
    """Everything in `inside` is numbers and words of this module; title and description may hold anything."""
    head = f'<svg class="{name}" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{escape(key)}-t {escape(key)}-d">'
    said = f'<title id="{escape(key)}-t">{escape(title)}</title><desc id="{escape(key)}-d">{escape(description)}</desc>'
    return Markup(head + said + inside + "</svg>")  # noqa: S704  every outside word above is escaped
