"""Fan charts and market cards: the report's tables turned into what the page draws at the top of its sections.

Belongs here: the choice of figures and the words that describe a chart. Not here: drawing (`charts.svg`).
"""

from dataclasses import dataclass, replace

import pandas as pd
from markupsafe import Markup

from milk_assets.reporting.charts.svg import AheadMonth, FanChart, draw_fan_chart, draw_sparkline, prices_in
from milk_assets.reporting.model.report import Report, row_dicts
from milk_assets.reporting.text.bilingual import BilingualText, format_bilingual
from milk_assets.reporting.text.formatting import (
    CHANNEL_TEXTS,
    MARKETS,
    MILK_TEXTS,
    format_pesos,
    format_signed,
    format_value,
    market_label,
    short_date,
    short_month,
)

HISTORY_MONTHS = 15
"""Months of history in a fan chart: the same season a year ago and what led to it."""
SPARK_PUBLICATIONS = 78
"""Publications in a sparkline: half a year."""
LEAST_SPAN = 2.0
"""MXN. The price axis is never shorter than this, so that changes of centavos do not look large."""
AXIS_MARGIN = 1.08
"""The axis is this much longer than the range of the figures, so that none lies on its edge."""
COMPARISONS = (
    ("publication", BilingualText("publicación", "publication")),
    ("month", BilingualText("mes", "month")),
    ("year", BilingualText("año", "year")),
)
"""Suffixes of the columns of change in the table `glance`, with their labels."""


@dataclass(frozen=True)
class CardChange:
    """One change on a card; direction is up, down or flat."""

    label: BilingualText
    change: str
    percent: str
    direction: str


@dataclass(frozen=True)
class MarketCard:
    """One market on its card: both means, changes of the simple one, a sparkline.

    `chart_texts` are the words of the sparkline, which the page translates.
    """

    milk: BilingualText
    channel: BilingualText
    price: str
    weighted: str
    changes: tuple[CardChange, ...]
    spark: Markup
    chart_texts: tuple[BilingualText, ...]


@dataclass(frozen=True)
class ChartPanel:
    """One market's fan chart with its title and a one-line summary. `chart_texts` are the words of the chart."""

    title: BilingualText
    summary: BilingualText
    chart: Markup
    chart_texts: tuple[BilingualText, ...]


def market_cards(report: Report) -> list[MarketCard]:
    """Make the cards of the four markets, in the source's order."""
    rows = row_dicts(report.tables["glance"].frame)
    simple_means, weighted_means = rows[: len(MARKETS)], rows[len(MARKETS) :]
    history = report.tables["history"].frame
    return [
        _card(milk, channel, simple, weighted["price"], history)
        for (milk, channel), simple, weighted in zip(MARKETS, simple_means, weighted_means, strict=True)
    ]


def _card(milk: str, channel: str, row: dict[str, float], weighted_price: float, history: pd.DataFrame) -> MarketCard:
    prices = history[f"arithmetic/{milk}/{channel}"].tail(SPARK_PUBLICATIONS).tolist()
    description = format_bilingual(
        "Promedio aritmético desde el {since}: entre {low:.2f} y {high:.2f}, hoy {now:.2f} pesos.",
        "Simple mean since {since}: between {low:.2f} and {high:.2f}, today {now:.2f} pesos.",
        since=short_date(history["publication"].iloc[-len(prices)].date()),
        low=min(prices),
        high=max(prices),
        now=prices[-1],
    )
    changes = tuple(
        CardChange(
            label,
            format_value(row[f"change_{name}"], "change"),
            format_value(row[f"percent_{name}"], "percent"),
            direction(row[f"change_{name}"]),
        )
        for name, label in COMPARISONS
    )
    label = market_label(milk, channel)
    return MarketCard(
        milk=MILK_TEXTS[milk],
        channel=CHANNEL_TEXTS[channel],
        price=format_value(row["price"], "price"),
        weighted=format_value(weighted_price, "price"),
        changes=changes,
        spark=draw_sparkline(f"spark-{milk}-{channel}", label, description, prices),
        chart_texts=(label, description),
    )


def direction(change: float, digits: int = 2) -> str:
    """Return up, down or flat as a reader sees the change: what is printed as zero is flat, and so is a missing change."""
    rounded = 0.0 if change != change else round(change, digits)
    if rounded == 0:
        return "flat"
    return "up" if rounded > 0 else "down"


def chart_panels(report: Report) -> list[ChartPanel]:
    """Make one fan chart per market, all on one scale of pesos; an empty list without a monthly forecast."""
    months = report.tables["outlook_months_arithmetic"].frame
    if months.empty:
        return []
    history = report.tables["history"].frame.set_index("publication")
    charts = [_fan_chart(history, months, milk, channel) for milk, channel in MARKETS]
    span = max(LEAST_SPAN, *(AXIS_MARGIN * (max(prices_in(chart)) - min(prices_in(chart))) for chart in charts))
    panels = []
    for (milk, channel), chart in zip(MARKETS, charts, strict=True):
        title = market_label(milk, channel)
        summary = _summary(months, title)
        drawing = draw_fan_chart(replace(chart, span=span))
        panels.append(ChartPanel(title, summary, drawing, (_description(summary),)))
    return panels


def _description(summary: BilingualText) -> BilingualText:
    return format_bilingual(
        "Promedio nacional por publicación y por mes, y pronóstico mensual. {summary}",
        "National mean by publication and by month, and monthly forecast. {summary}",
        summary=summary,
    )


def _fan_chart(history: pd.DataFrame, months: pd.DataFrame, milk: str, channel: str) -> FanChart:
    prices = history[f"arithmetic/{milk}/{channel}"].dropna()
    current_month = prices.index[-1].to_period("M")
    prices = prices[prices.index >= current_month.to_timestamp() - pd.DateOffset(months=HISTORY_MONTHS - 1)]
    monthly_means = prices.groupby(prices.index.to_period("M")).mean()
    title = market_label(milk, channel)
    rows = row_dicts(months[months["segment"] == title])
    return FanChart(
        key=f"fan-{milk}-{channel}",
        title=title,
        description=_description(_summary(months, title)),
        history=[(_day_position(day), float(price)) for day, price in prices.items()],
        months=[
            (_month_position(period.to_timestamp()), float(mean))
            for period, mean in monthly_means.items()
            if period != current_month
        ],
        ahead=[
            AheadMonth(
                _month_position(row["target"]),
                *(float(row[name]) for name in ("forecast", "lo95", "lo80", "hi80", "hi95")),
            )
            for row in rows
        ],
        previous=[
            (_month_position(row["target"]), float(row["forecast"] - row["revision"]))
            for row in rows
            if row["revision"] == row["revision"]
        ],
        now=_day_position(prices.index[-1]),
        span=LEAST_SPAN,
    )


def _summary(months: pd.DataFrame, title: BilingualText) -> BilingualText:
    row = months[months["segment"] == title].iloc[-1]
    return format_bilingual(
        "{month}: {price} ({moved}), 80 % entre {low:.2f} y {high:.2f}",
        "{month}: {price} ({moved}), 80 % between {low:.2f} and {high:.2f}",
        month=short_month(row["target"].date()),
        price=format_pesos(row["forecast"]),
        moved=format_signed(row["moved"]),
        low=row["lo80"],
        high=row["hi80"],
    )


def _day_position(day: pd.Timestamp) -> float:
    """Months since year 0, with the day as a fraction of its month."""
    return 12 * day.year + day.month - 1 + (day.day - 0.5) / day.days_in_month


def _month_position(month: pd.Timestamp) -> float:
    """The middle of a month, where its mean is drawn."""
    return 12 * month.year + month.month - 1 + 0.5
