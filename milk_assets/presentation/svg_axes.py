"""SVG axes: scales, grid lines, ticks and paths of charts drawn as inline SVG.

Belongs here: geometry that every chart shares. Not here: what a chart shows (`reporting.charts`, `monitoring.dashboard`) and its
colours, which are CSS classes of the page so that a chart follows light, dark and print. Charts are drawn here and not by a
plotting library, because a page must need no script and its style must reach every line.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from markupsafe import Markup, escape

Scale = Callable[[float], float]
"""From a value to its position in the picture."""


def linear_scale(first: float, last: float, start: float, end: float) -> Scale:
    """Return the scale that puts `first` at `start` and `last` at `end`. An empty domain puts everything at `start`."""
    span = last - first

    def position(value: float) -> float:
        return start + (value - first) / span * (end - start) if span else start

    return position


@dataclass(frozen=True)
class PlotArea:
    """The size of a picture and the margins around the area in which data is drawn, in pixels."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int

    @property
    def right_edge(self) -> int:
        """Position of the right end of the area."""
        return self.width - self.right

    @property
    def floor(self) -> int:
        """Position of the lower end of the area, where the horizontal axis is."""
        return self.height - self.bottom

    def x_scale(self, first: float, last: float) -> Scale:
        """Scale from left to right."""
        return linear_scale(first, last, self.left, self.right_edge)

    def y_scale(self, low: float, high: float) -> Scale:
        """Scale from bottom to top: `high` is at the top of the picture."""
        return linear_scale(high, low, self.top, self.floor)

    def horizontal_line(self, css_class: str, y: float) -> str:
        """Line across the area."""
        position = _number(y)
        return f'<line class="{css_class}" x1="{self.left}" x2="{self.right_edge}" y1="{position}" y2="{position}"/>'

    def price_grid(self, ticks: Iterable[float], y: Scale, digits: int, css_class: str = "tick") -> str:
        """Horizontal grid lines with their numbers at the left.

        Args:
            ticks: Values of the lines.
            y: Scale of the values.
            digits: Decimals of the numbers.
            css_class: Class of the numbers; empty for none.
        """
        named = f'class="{css_class}" ' if css_class else ""
        return "".join(
            f"{self.horizontal_line('grid', y(tick))}"
            f'<text {named}x="{self.left - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:.{digits}f}</text>'
            for tick in ticks
        )


def vertical_line(css_class: str, x: float, y_start: float, y_end: float) -> str:
    """Line from one height to another."""
    return f'<line class="{css_class}" x1="{x:.1f}" x2="{x:.1f}" y1="{y_start}" y2="{y_end}"/>'


def text_at(css_class: str, x: float, y: float, text: object, anchor: str = "middle") -> str:
    """Escaped text at a position; `anchor` says which end of it the position is."""
    named = f'class="{css_class}" ' if css_class else ""
    return f'<text {named}x="{x:.1f}" y="{_number(y)}" text-anchor="{anchor}">{escape(text)}</text>'


def path_data(points: Iterable[tuple[float, float]]) -> str:
    """Path through points, as in the attribute `d`."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def svg_element(key: str, title: str, description: str, width: int, height: int, css_class: str, content: str) -> Markup:
    """Return a chart as one <svg> element with a title and a description for screen readers.

    Args:
        key: Prefix of the ids, unique on the page.
        title, description: Any text; they are escaped here.
        width, height: Of the picture, in pixels.
        css_class: Class of the element.
        content: SVG inside the element. The caller has escaped it.
    """
    safe_key = escape(key)
    return Markup(  # noqa: S704  every outside word is escaped
        f'<svg class="{css_class}" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{safe_key}-t {safe_key}-d">'
        f'<title id="{safe_key}-t">{escape(title)}</title><desc id="{safe_key}-d">{escape(description)}</desc>{content}</svg>'
    )


def _number(value: float) -> str:
    """Floats with one decimal; whole numbers, which come from the layout, as they are."""
    return f"{value:.1f}" if isinstance(value, float) else str(value)
