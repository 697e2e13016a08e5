"""Line chart: a measure over time as inline SVG, with the limits that it must keep.

Belongs here: the geometry of that chart. Not here: axes that the report's charts share (`milk_assets.presentation.svg_axes`) and the
words of a chart (`monitoring.dashboard.page`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from milk_assets.presentation.svg_axes import PlotArea, Scale, svg_element, text_at

AREA = PlotArea(width=460, height=190, left=46, right=14, top=12, bottom=26)
GRID_INTERVALS = 4
VERTICAL_PADDING = 0.08  # of the values' span, above and below them


@dataclass(frozen=True)
class Line:
    """One line chart.

    Attributes:
        key: Prefix of ids, unique on the page.
        title: Title for screen readers.
        description: Description for screen readers.
        points: (label, value) in order; None where the value is unknown.
        low, high: Limits, drawn where given and always inside the picture.
        digits: Decimals of the numbers on the scale.
    """

    key: str
    title: str
    description: str
    points: Sequence[tuple[str, float | None]]
    low: float | None = None
    high: float | None = None
    digits: int = 2


def line_chart(line: Line) -> Markup:
    """Draw the chart as one <svg> element; an empty string when fewer than two values are known."""
    known_points = [(index, value) for index, (_, value) in enumerate(line.points) if value is not None]
    if len(known_points) < 2:
        return Markup("")
    limits = [limit for limit in (line.low, line.high) if limit is not None]
    values = [value for _, value in known_points] + limits
    span = max(max(values) - min(values), 1e-6)
    bottom, top = min(values) - VERTICAL_PADDING * span, max(values) + VERTICAL_PADDING * span
    last_index = len(line.points) - 1
    x, y = AREA.x_scale(0, last_index), AREA.y_scale(bottom, top)

    ticks = [bottom + (top - bottom) * step / GRID_INTERVALS for step in range(GRID_INTERVALS + 1)]
    index, value = known_points[-1]
    is_outside = (line.low is not None and value < line.low) or (line.high is not None and value > line.high)
    content = [
        AREA.price_grid(ticks, y, line.digits, css_class=""),
        text_at("", x(0), AREA.height - 8, line.points[0][0], "start"),
        text_at("", x(last_index), AREA.height - 8, line.points[-1][0], "end"),
        *(AREA.horizontal_line("limit", y(limit)) for limit in limits),
        f'<path class="line" d="{_path_with_gaps(known_points, x, y)}"/>',
        f'<circle class="{"last out" if is_outside else "last"}" cx="{x(index):.1f}" cy="{y(value):.1f}" r="3.6"/>',
    ]
    return svg_element(line.key, line.title, line.description, AREA.width, AREA.height, "chart", "".join(content))


def _path_with_gaps(known: Sequence[tuple[int, float]], x: Scale, y: Scale) -> str:
    """Path through the known values, broken where a value between them is unknown."""
    path = ""
    previous_index = None
    for index, value in known:
        command = "L" if previous_index is not None and index == previous_index + 1 else "M"
        path += f"{command}{x(index):.1f} {y(value):.1f}"
        previous_index = index
    return path
