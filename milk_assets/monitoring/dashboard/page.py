"""Dashboard page: feed, drift and live accuracy of one publication, as one self-contained HTML page.

Belongs here: which figures the page shows, and their words in Spanish, because readers of the price report follow a link to it. Not
here: the measures (`monitoring.detection`), the chart (`monitoring.dashboard.svg_line_chart`) and the looks (`templates`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from milk_assets.monitoring.alerts.rules import RULES
from milk_assets.monitoring.dashboard.svg_line_chart import Line, line_chart
from milk_assets.monitoring.detection import live_accuracy
from milk_assets.presentation.jinja_pages import page_template
from milk_assets.sniim.names import CHANNEL_LABELS, MILK_LABELS

if TYPE_CHECKING:
    import pandas as pd

TEMPLATES_PACKAGE = "milk_assets.monitoring"
SIGNAL_LABELS = {"returns": "Cambio medio", "changed": "Precios que cambian", "spread": "Diferencia con otros"}
OUTCOME_LABELS = {"quiet": "en calma", "breached": "fuera de su historia", "too_little_history": "poca historia"}
REASON_LABELS = {"awaited": "por confirmar", "confirmed": "confirmado", "not confirmed": "no confirmado"}
MOST_HELD_PRICES = 12
"""Prices in quarantine that the page lists, the newest."""
MISSING_MARK = "–"
WIDEST_BAR = 1.3
"""Share of the threshold at which the bar of a signal is full; the template marks the threshold at 1 / WIDEST_BAR."""


@dataclass(frozen=True)
class Tile:
    """One figure at the top. `css_class` is good, bad or empty."""

    label: str
    figure: str
    note: str = ""
    css_class: str = ""


@dataclass(frozen=True)
class DashboardChart:
    """One chart with its title."""

    title: str
    svg: Markup


@dataclass(frozen=True)
class MeasureRow:
    """The measures of one horizon or market, as text."""

    name: str
    forecasts: str
    mae: str
    mae_no_change: str
    ratio: str
    bias: str
    cover80: str
    cover95: str
    brier: str
    css_class: str


@dataclass(frozen=True)
class SignalRow:
    """One drift signal of one market, as text; `bar_width` in per cent."""

    signal: str
    market: str
    current: str
    reference: str
    share: str
    bar_width: float
    outcome: str
    css_class: str


@dataclass(frozen=True)
class HeldPriceRow:
    """One price in quarantine, as text."""

    publication: str
    series: str
    previous: str
    price: str
    jump: str
    reason: str


@dataclass(frozen=True)
class IncidentRow:
    """One open incident; `section` is the part of the runbook about it."""

    title: str
    since: str
    text: str
    section: str


def to_page(
    publication: str,
    drift: Mapping[str, Any],
    feed: Mapping[str, Any],
    accuracy: Mapping[str, Any],
    incidents: Sequence[Mapping[str, Any]],
    held: pd.DataFrame,
    *,
    sample: bool,
) -> str:
    """Print the dashboard as one HTML document. The page has no script and fetches nothing, and every outside word is escaped.

    Args:
        publication: YYYY-MM-DD.
        drift, feed, accuracy: The documents of the drift report, the feed report and the live accuracy.
        incidents: Open incidents, as `monitoring.alerts.incidents.open_incidents` gives them.
        held: The quarantine, in date order.
        sample: True when the prices are generated sample data.
    """
    return page_template(TEMPLATES_PACKAGE, "dashboard.html.j2").render(
        publication=publication,
        sample=sample,
        tiles=_tiles(drift, feed, accuracy, incidents),
        charts=[chart for chart in _charts(accuracy["history"]) if chart.svg],
        window=accuracy["window"],
        versions=", ".join(accuracy["versions"]) or MISSING_MARK,
        by_horizon=[_measure_row(f"+{row['lead']}", row) for row in accuracy["by_horizon"]],
        by_segment=[_measure_row(_market_label(row), row) for row in accuracy["by_segment"]],
        signals=[_signal_row(row) for row in drift["signals"]],
        coverage=drift["coverage"],
        restated=feed["restated"],
        held=[_held_price_row(row) for row in held.tail(MOST_HELD_PRICES)[::-1].to_dict("records")],
        incidents=[_incident_row(incident) for incident in incidents],
    )


def _tiles(
    drift: Mapping[str, Any], feed: Mapping[str, Any], accuracy: Mapping[str, Any], incidents: Sequence[Mapping[str, Any]]
) -> list[Tile]:
    return [
        Tile("Avisos abiertos", str(len(incidents)), css_class="bad" if incidents else "good"),
        *_accuracy_tiles(accuracy["newest"] or {}),
        *_data_tiles(drift, feed),
    ]


def _accuracy_tiles(newest: Mapping[str, Any]) -> list[Tile]:
    """Skill, coverage and bias of the newest publication with resolved forecasts."""
    skill, coverage, bias = newest.get("skill"), newest.get("cover80"), newest.get("bias")
    low, high = live_accuracy.COVERAGE
    largest_bias = live_accuracy.WORST_BIAS
    return [
        Tile(
            "Error frente a «sin cambio»",
            _number(skill, 3),
            "menos de 1 es mejor",
            _css_class(skill, None, live_accuracy.WORST_SKILL),
        ),
        Tile("Dentro del 80 %", _percentage(coverage), f"entre {low:.0%} y {high:.0%}", _css_class(coverage, low, high)),
        Tile("Sesgo a +13, $/l", _number(bias, 2), css_class=_css_class(bias, -largest_bias, largest_bias)),
    ]


def _data_tiles(drift: Mapping[str, Any], feed: Mapping[str, Any]) -> list[Tile]:
    """Drift signals, missing prices and restated prices."""
    coverage = drift["coverage"]
    breached = [row for row in drift["signals"] if row["outcome"] == "breached"]
    restated = feed["restated"]["prices"]
    return [
        Tile(
            "Señales fuera de su historia",
            f"{len(breached)} de {len(drift['signals'])}",
            OUTCOME_LABELS[drift["outcome"]],
            "bad" if any(row.get("repeated") for row in breached) else "good",
        ),
        Tile(
            "Precios que faltan",
            str(coverage["usual"] - coverage["priced"]),
            f"de {coverage['usual']} habituales",
            "bad" if coverage["outcome"] == "breached" else "good",
        ),
        Tile("Pasado corregido", str(restated), "precios", "bad" if restated else "good"),
    ]


def _charts(history: Sequence[Mapping[str, Any]]) -> list[DashboardChart]:
    """Each measure over time, with its limits."""
    low, high = live_accuracy.COVERAGE
    largest_bias = live_accuracy.WORST_BIAS

    def chart(key: str, measure: str, title: str, low: float | None, high: float | None, digits: int) -> DashboardChart:
        points = [(row["publication"], row[measure]) for row in history]
        newest = points[-1][1] if points else None
        description = f"{title}: {len(points)} publicaciones, la última {_number(newest, digits)}."
        return DashboardChart(title, line_chart(Line(key, title, description, points, low, high, digits)))

    return [
        chart("skill", "skill", "Error frente a «sin cambio» (límite 1)", None, live_accuracy.WORST_SKILL, 3),
        chart("cover80", "cover80", "Precios dentro del intervalo del 80 %", low, high, 2),
        chart("bias", "bias", "Sesgo trece publicaciones adelante, $/l", -largest_bias, largest_bias, 2),
        chart("brier", "brier_ratio", "Brier de P(cambio) frente a su frecuencia (límite 1)", None, 1.0, 2),
    ]


def _measure_row(name: str, row: Mapping[str, Any]) -> MeasureRow:
    return MeasureRow(
        name=name,
        forecasts=f"{row['forecasts']:,.0f}",
        mae=_number(row["mae"], 3),
        mae_no_change=_number(row["mae_no_change"], 3),
        ratio=_number(row["ratio"], 3),
        bias=_number(row["bias"], 3),
        cover80=_percentage(row["cover80"]),
        cover95=_percentage(row["cover95"]),
        brier=_number(row["brier"], 3),
        css_class="bad" if (row["ratio"] or 0) > live_accuracy.WORST_SKILL_AT_ONCE else "",
    )


def _signal_row(row: Mapping[str, Any]) -> SignalRow:
    is_known = row["statistic"] is not None and row["threshold"]
    share = row["statistic"] / row["threshold"] if is_known else None
    return SignalRow(
        signal=SIGNAL_LABELS[row["signal"]],
        market=_market_label(row),
        current=_number(row["current"], 2),
        reference=_number(row["reference"], 2),
        share=_percentage(share),
        bar_width=round(min(share or 0.0, WIDEST_BAR) / WIDEST_BAR * 100, 1),
        outcome=OUTCOME_LABELS[row["outcome"]] + (", dos veces" if row.get("repeated") else ""),
        css_class="bad" if row["outcome"] == "breached" else "",
    )


def _held_price_row(row: Mapping[Any, Any]) -> HeldPriceRow:
    return HeldPriceRow(
        publication=f"{row['publication']:%Y-%m-%d}",
        series=row["series"],
        previous=_number(row["previous"], 2),
        price=_number(row["price"], 2),
        jump=f"{row['price'] / row['previous'] - 1:+.0%}",
        reason=REASON_LABELS[row["reason"]],
    )


def _incident_row(incident: Mapping[str, Any]) -> IncidentRow:
    rule = RULES[incident["rule"]]
    return IncidentRow(
        title=rule.title,
        since=incident["since"][:16].replace("T", " "),
        text=incident["text"],
        section=rule.section,
    )


def _market_label(row: Mapping[str, Any]) -> str:
    """The market in words: "pasteurizada, tiendas". An unknown code is printed as it is."""
    milk, channel = row["milk"], row["channel"]
    return f"{MILK_LABELS.get(milk, milk).lower()}, {CHANNEL_LABELS.get(channel, channel).lower()}"


def _css_class(value: float | None, low: float | None, high: float) -> str:
    """Bad outside the limits, good inside, empty when the value is unknown."""
    if value is None:
        return ""
    return "bad" if value > high or (low is not None and value < low) else "good"


def _number(value: float | None, digits: int) -> str:
    return MISSING_MARK if value is None else f"{value:.{digits}f}"


def _percentage(share: float | None) -> str:
    return MISSING_MARK if share is None else f"{share:.0%}"
