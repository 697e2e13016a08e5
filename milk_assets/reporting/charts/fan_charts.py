"""What the page's charts show: the report's tables turned into lines and bands.

Belongs here: choice of figures and the words that describe a chart. Drawing is in `svg`.
"""

from dataclasses import dataclass, replace

import pandas as pd
from markupsafe import Markup

from milk_assets.reporting.charts.svg import Fan, fan_chart, sparkline, values_of
from milk_assets.reporting.model.report import Report
from milk_assets.reporting.text.bilingual import Text, say
from milk_assets.reporting.text.formatting import (
    CHANNEL,
    MILK,
    SEGMENTS,
    as_number,
    money,
    segment,
    short_date,
    short_month,
    signed,
    written,
)

HISTORY_MONTHS = 15
"""Months of history in a fan chart: the same season a year ago and what led to it."""
SPARK_PUBLICATIONS = 78
"""Publications in a sparkline: half a year."""
LEAST_SPAN = 2.0
"""MXN. A chart's axis is never shorter than this, so that centavos do not look like mountains."""
ROOM = 1.08
"""The axis is this much longer than the figures, so that none lies on its edge."""


@dataclass(frozen=True)
class Card:
    """One market at a glance: its mean, its changes as (label, change, per cent, direction), its sparkline."""

    milk: Text
    channel: Text
    price: str
    weighted: str
    changes: tuple[tuple[Text, str, str, str], ...]
    spark: Markup
    words: tuple[Text, ...]


@dataclass(frozen=True)
class Panel:
    """One market's fan chart with its title and what it says in a line."""

    title: Text
    line: Text
    chart: Markup
    words: tuple[Text, ...]


def cards(report: Report) -> list[Card]:
    """The four markets, in the source's order."""
    frame = report.tables["glance"].frame
    simple, weighted = frame.iloc[: len(SEGMENTS)], frame.iloc[len(SEGMENTS) :]
    found = []
    for (milk, channel), row, heavy in zip(SEGMENTS, simple.itertuples(), weighted.itertuples(), strict=True):
        history = report.tables["history"].frame
        values = history[f"arithmetic/{milk}/{channel}"].tail(SPARK_PUBLICATIONS).tolist()
        since = short_date(history["publication"].iloc[-len(values)].date())
        described = say(
            "Promedio aritmético desde el {since}: entre {low:.2f} y {high:.2f}, hoy {now:.2f} pesos.",
            "Simple mean since {since}: between {low:.2f} and {high:.2f}, today {now:.2f} pesos.",
            since=since,
            low=min(values),
            high=max(values),
            now=values[-1],
        )
        changes = tuple(
            (label, written(change, "change"), written(percent, "percent"), direction(as_number(change)))
            for label, change, percent in (
                (Text("publicación", "publication"), row.change_publication, row.percent_publication),
                (Text("mes", "month"), row.change_month, row.percent_month),
                (Text("año", "year"), row.change_year, row.percent_year),
            )
        )
        name = segment(milk, channel)
        spark = sparkline(f"spark-{milk}-{channel}", name, described, values)
        prices = written(row.price, "price"), written(heavy.price, "price")
        found.append(Card(MILK[milk], CHANNEL[channel], *prices, changes, spark, (name, described)))
    return found


def direction(change: float, digits: int = 2) -> str:
    """up, down or flat, as a reader sees it: what is printed as zero is flat."""
    rounded = 0.0 if change != change else round(change, digits)
    return "up" if rounded > 0 else "down" if rounded < 0 else "flat"


def panels(report: Report) -> list[Panel]:
    """A fan chart a market, all on one scale of pesos; none when there is no monthly forecast."""
    months = report.tables["outlook_months_arithmetic"].frame
    if months.empty:
        return []
    fans = [_fan(report, months, milk, channel) for milk, channel in SEGMENTS]
    span = max(LEAST_SPAN, *(ROOM * (max(values_of(fan)) - min(values_of(fan))) for fan in fans))
    lines = [_line(months, segment(*pair)) for pair in SEGMENTS]
    return [
        Panel(segment(*pair), line, fan_chart(replace(fan, span=span)), (_described(line),))
        for pair, fan, line in zip(SEGMENTS, fans, lines, strict=True)
    ]


def _described(line: Text) -> Text:
    return say(
        "Promedio nacional por publicación y por mes, y pronóstico mensual. {line}",
        "National mean by publication and by month, and monthly forecast. {line}",
        line=line,
    )


def _fan(report: Report, months: pd.DataFrame, milk: str, channel: str) -> Fan:
    history = report.tables["history"].frame.set_index("publication")[f"arithmetic/{milk}/{channel}"].dropna()
    history = history[history.index >= history.index[-1].to_period("M").to_timestamp() - pd.DateOffset(months=HISTORY_MONTHS - 1)]
    means = history.groupby(history.index.to_period("M")).mean()
    running = history.index[-1].to_period("M")
    title = segment(milk, channel)
    own = months[months["segment"] == title]
    figures = [own[name].astype(float).tolist() for name in ("forecast", "lo95", "lo80", "hi80", "hi95")]
    ahead = list(zip([_middle(moment) for moment in own["target"]], *figures, strict=True))
    return Fan(
        key=f"fan-{milk}-{channel}",
        title=title,
        description=_described(_line(months, title)),
        history=[(_place(moment), float(price)) for moment, price in history.items()],
        months=[(_middle(period.to_timestamp()), float(mean)) for period, mean in means.items() if period != running],
        ahead=ahead,
        before=[
            (_middle(moment), float(forecast - revision))
            for moment, forecast, revision in zip(own["target"], own["forecast"], own["revision"], strict=True)
            if revision == revision
        ],
        now=_place(history.index[-1]),
        span=LEAST_SPAN,
    )


def _line(months: pd.DataFrame, title: Text) -> Text:
    row = months[months["segment"] == title].iloc[-1]
    return say(
        "{month}: {price} ({moved}), 80 % entre {low:.2f} y {high:.2f}",
        "{month}: {price} ({moved}), 80 % between {low:.2f} and {high:.2f}",
        month=short_month(row["target"].date()),
        price=money(row["forecast"]),
        moved=signed(row["moved"]),
        low=row["lo80"],
        high=row["hi80"],
    )


def _place(moment: pd.Timestamp) -> float:
    """Months since year 0, with the day as a fraction of its month."""
    return 12 * moment.year + moment.month - 1 + (moment.day - 0.5) / moment.days_in_month


def _middle(month: pd.Timestamp) -> float:
    """The middle of a month, where its mean is drawn."""
    return 12 * month.year + month.month - 1 + 0.5
