"""Spanish words and numbers, as readers see them.

Belongs here: labels, month names, and the one way each kind of value is written in text. No figure is computed here.
"""

from collections.abc import Sequence
from datetime import date

import pandas as pd

from milk_assets.reporting.report import Kind
from milk_assets.sniim.names import CHANNEL_LABELS, COLUMNS, MILK_LABELS

MILK, CHANNEL, SEGMENTS = MILK_LABELS, CHANNEL_LABELS, COLUMNS
"""The source's own words for milk and channel, and the four markets in the order of its columns."""
AVERAGE = {"arithmetic": "Aritmético", "weighted": "Ponderado"}
TASK = {"publication": "Próximas publicaciones", "month": "Promedio mensual"}
LEVEL = {"city": "Ciudad", "national": "Nacional"}

MONTHS = (
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
)
WEEKDAYS = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
MISSING = "—"
MINUS = "−"
THIN = "\u202f"  # narrow no-break space: a number and its sign stay on one line


def segment(milk: str, channel: str) -> str:
    """ "Pasteurizada, tiendas": the market's name inside a sentence or a chart's title."""
    return f"{MILK[milk]}, {CHANNEL[channel].lower()}"


def long_date(day: date) -> str:
    """ "lunes 31 de marzo de 2025"."""
    return f"{WEEKDAYS[day.weekday()]} {day.day} de {MONTHS[day.month - 1]} de {day.year}"


def plain_date(day: date) -> str:
    """ "31 de marzo de 2025"."""
    return f"{day.day} de {MONTHS[day.month - 1]} de {day.year}"


def short_date(day: date) -> str:
    """ "31 mar 2025"."""
    return f"{day.day} {MONTHS[day.month - 1][:3]} {day.year}"


def month(day: date) -> str:
    """ "marzo de 2025"."""
    return f"{MONTHS[day.month - 1]} de {day.year}"


def short_month(day: date) -> str:
    """ "mar 2025"."""
    return f"{MONTHS[day.month - 1][:3]} {day.year}"


def listing(items: Sequence[str]) -> str:
    """ "a, b y c"."""
    if len(items) < 2:
        return "".join(items)
    joint = "e" if items[-1].lower().startswith(("i", "hi")) else "y"
    return f"{', '.join(items[:-1])} {joint} {items[-1]}"


def money(value: float) -> str:
    """ "$27.50": a price inside a sentence."""
    return f"${value:,.2f}"


def signed(value: float, digits: int = 2) -> str:
    """ "+0.12", "−0.05", "0.00": a true minus sign, and no sign on what rounds to zero."""
    rounded = round(value, digits)
    if rounded == 0:
        return f"{0:.{digits}f}"
    return f"{'+' if rounded > 0 else MINUS}{abs(rounded):,.{digits}f}"


def written(value: object, kind: Kind) -> str:
    """A value of that kind as text; a missing one is a dash."""
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return MISSING
    match kind:
        case "text":
            return str(value)
        case "date":
            return short_date(as_day(value))
        case "month":
            return short_month(as_day(value))
    number = as_number(value)
    match kind:
        case "price":
            return f"{number:,.2f}"
        case "change":
            return signed(number)
        case "percent":
            return f"{signed(number, 1)}{THIN}%"
        case "share":
            return f"{100 * number:.0f}{THIN}%"
        case "count":
            return f"{number:,.0f}"
        case "ratio":
            return f"{number:.3f}"


def as_day(value: object) -> date:
    """The day of a timestamp, a numpy date or a date."""
    return pd.Timestamp(value).date()  # type: ignore[arg-type]


def as_text(value: object) -> str:
    """The text of any scalar."""
    return str(value)


def as_number(value: object) -> float:
    """The float of any numeric scalar."""
    return float(value)  # type: ignore[arg-type]
