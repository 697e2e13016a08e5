"""A line over time as inline SVG, with the limits that it must keep.

Belongs here: geometry. Colours are the page's CSS classes, so that a chart follows light and dark. Words are the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 460, 190
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 12, 26
GRID_LINES = 4
ROOM = 0.08  # of the values' span, above and below them


@dataclass(frozen=True)
class Line:
    """One chart. points: (label, value) in order, None where nothing is known. low, high: limits, drawn where there are any, and always
    inside the picture. digits: of the scale's numbers."""

    key: str
    title: str
    description: str
    points: Sequence[tuple[str, float | None]]
    low: float | None = None
    high: float | None = None
    digits: int = 2


def line_chart(line: Line) -> Markup:
    """The chart as one <svg> element, with its title and description for screen readers; nothing where fewer than two values are known."""
    known = [(place, value) for place, (_, value) in enumerate(line.points) if value is not None]
    if len(known) < 2:
        return Markup("")
    limits = [limit for limit in (line.low, line.high) if limit is not None]
    values = [value for _, value in known] + limits
    span = max(max(values) - min(values), 1e-6)
    bottom, top = min(values) - ROOM * span, max(values) + ROOM * span

    def x(place: int) -> float:
        return LEFT + place / (len(line.points) - 1) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return TOP + (top - value) / (top - bottom) * (HEIGHT - TOP - BOTTOM)

    parts = []
    for step in range(GRID_LINES + 1):
        value = bottom + (top - bottom) * step / GRID_LINES
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.{line.digits}f}</text>')
    for place, anchor in ((0, "start"), (len(line.points) - 1, "end")):
        label = escape(line.points[place][0])
        parts.append(f'<text x="{x(place):.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{label}</text>')
    parts += [
        f'<line class="limit" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(limit):.1f}" y2="{y(limit):.1f}"/>' for limit in limits
    ]
    path = "".join(
        f"{'L' if before is not None and place == before + 1 else 'M'}{x(place):.1f} {y(value):.1f}"
        for before, (place, value) in zip([None, *(place for place, _ in known)], known, strict=False)
    )
    place, value = known[-1]
    out = (line.low is not None and value < line.low) or (line.high is not None and value > line.high)
    parts.append(f'<path class="line" d="{path}"/>')
    parts.append(f'<circle class="{"last out" if out else "last"}" cx="{x(place):.1f}" cy="{y(value):.1f}" r="3.6"/>')
    head = f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{escape(line.key)}-t {escape(line.key)}-d">'
    said = f'<title id="{escape(line.key)}-t">{escape(line.title)}</title><desc id="{escape(line.key)}-d">{escape(line.description)}</desc>'
    return Markup(head + said + "".join(parts) + "</svg>")  # noqa: S704  every outside word above is escaped
