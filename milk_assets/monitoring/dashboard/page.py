"""The dashboard page: feed, drift and live accuracy of one publication, as one page that needs nothing else.

Belongs here: which figures the page shows, and their words; Spanish, because the price report's readers follow a link to it. Looks are
the template's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from milk_assets.monitoring.alerts.rules import RULES
from milk_assets.monitoring.dashboard.svg_line_chart import Line, line_chart
from milk_assets.monitoring.detection import live_accuracy

if TYPE_CHECKING:
    import pandas as pd

MILK = {"pasteurised": "pasteurizada", "uht": "ultrapasteurizada"}
CHANNEL = {"store": "tiendas", "supermarket": "autoservicios"}
SIGNAL = {"returns": "Cambio medio", "changed": "Precios que cambian", "spread": "Diferencia con otros"}
OUTCOME = {"quiet": "en calma", "breached": "fuera de su historia", "too_little_history": "poca historia"}
HELD = {"awaited": "por confirmar", "confirmed": "confirmado", "not confirmed": "no confirmado"}
HELD_SHOWN = 12
NONE = "–"


@dataclass(frozen=True)
class Tile:
    """One figure at the top. look: good, bad or empty."""

    label: str
    figure: str
    note: str = ""
    look: str = ""


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
    """The page: one HTML document, UTF-8, no script and nothing fetched. Every outside word is escaped.

    drift, feed, accuracy: the documents of the assets of those names. incidents: as `open_incidents` gives them. held: the
    quarantine, in date order.
    """
    return _template().render(
        publication=publication,
        sample=sample,
        tiles=_tiles(drift, feed, accuracy, incidents),
        charts=[chart for chart in _charts(accuracy["history"]) if chart[1]],
        window=accuracy["window"],
        versions=", ".join(accuracy["versions"]) or NONE,
        by_horizon=[_measures(f"+{row['lead']}", row) for row in accuracy["by_horizon"]],
        by_segment=[_measures(_market(row), row) for row in accuracy["by_segment"]],
        signals=[_signal(row) for row in drift["signals"]],
        coverage=drift["coverage"],
        restated=feed["restated"],
        held=[_held(row) for row in held.tail(HELD_SHOWN)[::-1].to_dict("records")],
        incidents=[
            {
                "title": RULES[one["rule"]].title,
                "since": one["since"][:16].replace("T", " "),
                "text": one["text"],
                "section": RULES[one["rule"]].section,
            }
            for one in incidents
        ],
    )


def _tiles(
    drift: Mapping[str, Any], feed: Mapping[str, Any], accuracy: Mapping[str, Any], incidents: Sequence[Mapping[str, Any]]
) -> list[Tile]:
    newest = accuracy["newest"] or {}
    skill, cover, coverage = newest.get("skill"), newest.get("cover80"), drift["coverage"]
    bias = newest.get("bias")
    breached = [row for row in drift["signals"] if row["outcome"] == "breached"]
    low, high = live_accuracy.COVERAGE
    return [
        Tile("Avisos abiertos", str(len(incidents)), look="bad" if incidents else "good"),
        Tile(
            "Error frente a «sin cambio»", _number(skill, 3), "menos de 1 es mejor", _look(skill, None, live_accuracy.WORST_SKILL)
        ),
        Tile("Dentro del 80 %", _share(cover), f"entre {low:.0%} y {high:.0%}", _look(cover, low, high)),
        Tile("Sesgo a +13, $/l", _number(bias, 2), look=_look(bias, -live_accuracy.WORST_BIAS, live_accuracy.WORST_BIAS)),
        Tile(
            "Señales fuera de su historia",
            f"{len(breached)} de {len(drift['signals'])}",
            OUTCOME[drift["outcome"]],
            "bad" if any(row.get("repeated") for row in breached) else "good",
        ),
        Tile(
            "Precios que faltan",
            str(coverage["usual"] - coverage["priced"]),
            f"de {coverage['usual']} habituales",
            "bad" if coverage["outcome"] == "breached" else "good",
        ),
        Tile("Pasado corregido", str(feed["restated"]["prices"]), "precios", "bad" if feed["restated"]["prices"] else "good"),
    ]


def _charts(history: Sequence[Mapping[str, Any]]) -> list[tuple[str, Markup]]:
    """Title and picture of each measure over time."""

    def chart(key: str, title: str, measure: str, low: float | None, high: float | None, digits: int) -> tuple[str, Markup]:
        points = [(row["publication"], row[measure]) for row in history]
        newest = points[-1][1] if points else None
        said = f"{title}: {len(points)} publicaciones, la última {_number(newest, digits)}."
        return title, line_chart(Line(key, title, said, points, low, high, digits))

    return [
        chart("skill", "Error frente a «sin cambio» (límite 1)", "skill", None, live_accuracy.WORST_SKILL, 3),
        chart("cover80", "Precios dentro del intervalo del 80 %", "cover80", *live_accuracy.COVERAGE, 2),
        chart("bias", "Sesgo trece publicaciones adelante, $/l", "bias", -live_accuracy.WORST_BIAS, live_accuracy.WORST_BIAS, 2),
        chart("brier", "Brier de P(cambio) frente a su frecuencia (límite 1)", "brier_ratio", None, 1.0, 2),
    ]


def _measures(name: str, row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "name": name,
        "forecasts": f"{row['forecasts']:,.0f}",
        "mae": _number(row["mae"], 3),
        "mae_no_change": _number(row["mae_no_change"], 3),
        "ratio": _number(row["ratio"], 3),
        "bias": _number(row["bias"], 3),
        "cover80": _share(row["cover80"]),
        "cover95": _share(row["cover95"]),
        "brier": _number(row["brier"], 3),
        "look": "bad" if (row["ratio"] or 0) > live_accuracy.WORST_SKILL_AT_ONCE else "",
    }


def _signal(row: Mapping[str, Any]) -> dict[str, Any]:
    known = row["statistic"] is not None and row["threshold"]
    share = row["statistic"] / row["threshold"] if known else None
    return {
        "signal": SIGNAL[row["signal"]],
        "market": _market(row),
        "current": _number(row["current"], 2),
        "reference": _number(row["reference"], 2),
        "share": _share(share),
        "width": round(min(share or 0.0, 1.3) / 1.3 * 100, 1),
        "outcome": OUTCOME[row["outcome"]] + (", dos veces" if row.get("repeated") else ""),
        "look": "bad" if row["outcome"] == "breached" else "",
    }


def _held(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        "publication": f"{row['publication']:%Y-%m-%d}",
        "series": row["series"],
        "previous": _number(row["previous"], 2),
        "price": _number(row["price"], 2),
        "jump": f"{row['price'] / row['previous'] - 1:+.0%}",
        "reason": HELD[row["reason"]],
    }


def _market(row: Mapping[str, Any]) -> str:
    return f"{MILK.get(row['milk'], row['milk'])}, {CHANNEL.get(row['channel'], row['channel'])}"


def _look(value: float | None, low: float | None, high: float) -> str:
    if value is None:
        return ""
    return "bad" if value > high or (low is not None and value < low) else "good"


def _number(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def _share(value: float | None) -> str:
    return NONE if value is None else f"{value:.0%}"


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("milk_assets.monitoring"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("dashboard.html.j2")
