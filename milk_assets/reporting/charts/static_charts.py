"""Two small static charts: where every city stands in its market, and the errors publication by publication.

Belongs here: their geometry. Colours are the page's CSS classes; figures come from the report's tables.
"""

import math
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup, escape

from milk_assets.reporting.charts.svg import Scale, element
from milk_assets.reporting.model.report import Report, records
from milk_assets.reporting.text.bilingual import Text, say
from milk_assets.reporting.text.formatting import CHANNEL, MILK, SEGMENTS, segment, short_date

WIDTH, LEFT, RIGHT = 720, 12, 12
STRIP, TOP, BOTTOM = 78, 20, 24
"""Heights of one market's strip, of the room above the first and of the axis."""
DOT = 4.2
BARS_HEIGHT = 190


@dataclass(frozen=True)
class Plot:
    """A drawn chart and its words."""

    svg: Markup
    words: tuple[Text, ...]


def strips(report: Report) -> Plot | None:
    """A dot a city along a scale of pesos, a strip a market, its simple mean marked and its ends named; None without prices."""
    frame = report.tables["spread_cities"].frame
    if frame.empty:
        return None
    low, high = math.floor(frame["price"].min()), math.ceil(frame["price"].max())

    def x(price: float) -> float:
        return float(LEFT + (price - low) / max(high - low, 1) * (WIDTH - LEFT - RIGHT))

    height = TOP + STRIP * len(SEGMENTS) + BOTTOM
    foot = height - BOTTOM
    ticks = range(low, high + 1, 2)
    parts = [
        f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{TOP - 8}" y2="{foot}"/>'
        f'<text class="tick" x="{x(tick):.1f}" y="{foot + 15}" text-anchor="middle">{tick}</text>'
        for tick in ticks
    ]
    for place, (milk, channel) in enumerate(SEGMENTS):
        own = frame[(frame["milk"] == MILK[milk]) & (frame["channel"] == CHANNEL[channel])].sort_values("price")
        if len(own):
            parts.append(_strip(own, segment(milk, channel), TOP + STRIP * place, x))
    title = Text("Cada ciudad en su mercado", "Each city in its market")
    described = say(
        "Un punto por ciudad sobre la escala de pesos por litro, de {low} a {high}; la raya es el promedio nacional.",
        "A dot a city on the scale of pesos per litre, from {low} to {high}; the bar is the national mean.",
        low=low,
        high=high,
    )
    drawn = element("strips", title, described, WIDTH, height, "strips", "".join(parts))
    return Plot(drawn, (title, described, *(segment(*pair) for pair in SEGMENTS)))


def _strip(own: pd.DataFrame, name: Text, top: int, x: Scale) -> str:
    """One market: dots stacked where they would touch, its mean, the names of its ends."""
    line = top + STRIP - 26
    mean = float((own["price"] - own["gap"]).iloc[0])
    columns: dict[int, int] = {}
    dots = ""
    for price in own["price"]:
        column = round(x(price) / (2 * DOT))
        columns[column] = columns.get(column, 0) + 1
        dots += f"M{2 * DOT * column:.1f} {line - 4 - 6 * (columns[column] - 1)}h0"
    cheap, dear = own.iloc[0], own.iloc[-1]
    return (
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{line + 1}" y2="{line + 1}"/><path class="city" d="{dots}"/>'
        f'<line class="mean" x1="{x(mean):.1f}" x2="{x(mean):.1f}" y1="{top + 6}" y2="{line + 1}"/>'
        f'<text class="name" x="{LEFT}" y="{top + 6}">{escape(name)}</text>'
        f'<text class="ends" x="{x(cheap["price"]):.1f}" y="{line + 12}">{escape(cheap["city"])} {cheap["price"]:.2f}</text>'
        f'<text class="ends" x="{x(dear["price"]):.1f}" y="{line + 12}" text-anchor="end">{escape(dear["city"])} {dear["price"]:.2f}</text>'
    )


def errors(report: Report) -> Plot | None:
    """Two bars a publication, the forecast's mean error beside that of no change; None before there is a record."""
    table = report.tables.get("record_dates")
    if table is None or table.frame.empty:
        return None
    frame = table.frame
    most = max(float(frame[["mae", "mae_no_change"]].max().max()), 0.01)
    wide = (WIDTH - LEFT - RIGHT) / len(frame)
    foot = BARS_HEIGHT - BOTTOM
    parts = []
    for place, row in enumerate(records(frame)):
        left = LEFT + wide * place
        for name, value, shift in (("ours", row["mae"], 0.12), ("theirs", row["mae_no_change"], 0.5)):
            tall = (foot - TOP) * value / most
            parts.append(
                f'<rect class="{name}" x="{left + wide * shift:.1f}" y="{foot - tall:.1f}" width="{wide * 0.36:.1f}" height="{tall:.1f}"/>'
            )
        middle, above = left + wide / 2, foot - (foot - TOP) * max(row["mae"], row["mae_no_change"]) / most - 4
        parts.append(
            f'<text class="tick" x="{middle:.1f}" y="{above:.1f}" text-anchor="middle">{100 * row["mae"]:.1f}</text>'
            f'<text class="tick" x="{middle:.1f}" y="{foot + 15}" text-anchor="middle">{row["target"]:%d/%m}</text>'
        )
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{foot}" y2="{foot}"/>')
    title = Text("Error de cada publicación", "Error of each publication")
    described = say(
        "Error medio en centavos, del pronóstico y de «sin cambio», de {first} a {last}.",
        "Mean error in centavos, of the forecast and of “no change”, from {first} to {last}.",
        first=short_date(frame["target"].iloc[0].date()),
        last=short_date(frame["target"].iloc[-1].date()),
    )
    drawn = element("errors", title, described, WIDTH, BARS_HEIGHT, "errors", "".join(parts))
    return Plot(drawn, (title, described))
