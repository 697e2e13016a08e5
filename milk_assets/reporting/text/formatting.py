"""Words and numbers, as readers see them: Spanish first, English beside it.

Belongs here: labels, month names, and the one way each kind of value is written in text. No figure is computed here.
"""

from collections.abc import Sequence
from datetime import date

import pandas as pd

from milk_assets.reporting.model.report import Kind
from milk_assets.reporting.text.bilingual import Text, english, say
from milk_assets.sniim.names import AVERAGES, CHANNEL_LABELS, MILK_LABELS, NATIONAL, PRICE_COLUMNS

SEGMENTS = PRICE_COLUMNS
"""The four markets in the order of the source's columns."""
MILK = {code: Text(MILK_LABELS[code], en) for code, en in {"pasteurised": "Pasteurised", "uht": "UHT"}.items()}
CHANNEL = {code: Text(CHANNEL_LABELS[code], en) for code, en in {"store": "Stores", "supermarket": "Supermarkets"}.items()}
"""The source's own words for milk and channel."""
AVERAGE = {"arithmetic": Text("Aritmético", "Simple"), "weighted": Text("Ponderado", "Weighted")}
AVERAGE_NAMES = {
    AVERAGES["arithmetic"]: Text(AVERAGES["arithmetic"], "Simple mean"),
    AVERAGES["weighted"]: Text(AVERAGES["weighted"], "Weighted mean"),
    NATIONAL: Text(NATIONAL, "National"),
}
"""The names that the two national means go by where cities have theirs."""
TASK = {
    "publication": Text("Próximas publicaciones", "Next publications"),
    "month": Text("Promedio mensual", "Monthly mean"),
}
LEVEL = {"city": Text("Ciudad", "City"), "national": Text("Nacional", "National")}

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
MONTHS_EN = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
QUARTERS = tuple(Text(MONTHS[place][:3], MONTHS_EN[place][:3]) for place in (0, 3, 6, 9))
"""The months that stand under a chart's axis."""
WEEKDAYS = ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo")
WEEKDAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MISSING = "—"
MINUS = "−"
THIN = "\u202f"  # narrow no-break space: a number and its sign stay on one line


def segment(milk: str, channel: str) -> Text:
    """ "Pasteurizada, tiendas": the market's name inside a sentence or a chart's title."""
    return say("{milk}, {channel}", "{milk}, {channel}", milk=MILK[milk], channel=CHANNEL[channel].lower())


def spoken_segment(milk: str, channel: str) -> Text:
    """ "pasteurizada en tiendas": the market inside a running sentence."""
    return say("{milk} en {channel}", "{milk} in {channel}", milk=MILK[milk].lower(), channel=CHANNEL[channel].lower())


def long_date(day: date) -> Text:
    """ "lunes 31 de marzo de 2025"."""
    return say(
        "{weekday} {day}",
        "{weekday} {day}",
        weekday=Text(WEEKDAYS[day.weekday()], WEEKDAYS_EN[day.weekday()]),
        day=plain_date(day),
    )


def plain_date(day: date) -> Text:
    """ "31 de marzo de 2025"."""
    return Text(
        f"{day.day} de {MONTHS[day.month - 1]} de {day.year}",
        f"{day.day} {MONTHS_EN[day.month - 1]} {day.year}",
    )


def short_date(day: date) -> Text:
    """ "31 mar 2025"."""
    return Text(f"{day.day} {MONTHS[day.month - 1][:3]} {day.year}", f"{day.day} {MONTHS_EN[day.month - 1][:3]} {day.year}")


def month(day: date) -> Text:
    """ "marzo de 2025"."""
    return Text(f"{MONTHS[day.month - 1]} de {day.year}", f"{MONTHS_EN[day.month - 1]} {day.year}")


def short_month(day: date) -> Text:
    """ "mar 2025"."""
    return Text(f"{MONTHS[day.month - 1][:3]} {day.year}", f"{MONTHS_EN[day.month - 1][:3]} {day.year}")


def listing(items: Sequence[str]) -> Text:
    """ "a, b y c", "a, b and c"."""
    if len(items) < 2:
        return Text("".join(items), "".join(english(item) for item in items))
    joint = "e" if items[-1].lower().startswith(("i", "hi")) else "y"
    names = [english(item) for item in items]
    return Text(f"{', '.join(items[:-1])} {joint} {items[-1]}", f"{', '.join(names[:-1])} and {names[-1]}")


def counted(count: int, one: Text, many: Text) -> Text:
    """ "1 publicación", "13 publicaciones"."""
    return say("{count} {what}", "{count} {what}", count=count, what=one if count == 1 else many)


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
    """A value of that kind as text, a Text where the two languages differ; a missing one is a dash."""
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return MISSING
    match kind:
        case "text":
            return value if isinstance(value, Text) else str(value)
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
    """The text of any scalar; a Text keeps its English."""
    return value if isinstance(value, Text) else str(value)


def as_number(value: object) -> float:
    """The float of any numeric scalar."""
    return float(value)  # type: ignore[arg-type]
