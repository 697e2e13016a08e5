"""Formatting: how numbers, dates, markets and lists are written for readers, in Spanish and English.

Belongs here: labels of codes, and the one text form of each kind of value. Not here: sentences about figures (`sections`) and
the fixed words of the page (`text.ui_strings`). No figure is computed here.
"""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import pandas as pd

from milk_assets.reporting.text.bilingual import BilingualText, english, format_bilingual
from milk_assets.sniim.names import AVERAGES, CHANNEL_LABELS, MILK_LABELS, NATIONAL, PRICE_COLUMNS
from milk_assets.sniim.spanish_dates import MONTHS, WEEKDAYS

Kind = Literal["text", "date", "month", "price", "change", "percent", "share", "count", "ratio"]
"""How a value is measured, so that every format prints it alike: price and change in MXN per litre (change with a sign), percent in
per cent with a sign, share between 0 and 1, count a whole number, ratio a plain number, date a day, month its first day."""

MARKETS = PRICE_COLUMNS
"""The four markets as (milk, channel), in the order of the source's columns."""
MILK_TEXTS = {code: BilingualText(MILK_LABELS[code], en) for code, en in {"pasteurised": "Pasteurised", "uht": "UHT"}.items()}
CHANNEL_TEXTS = {
    code: BilingualText(CHANNEL_LABELS[code], en) for code, en in {"store": "Stores", "supermarket": "Supermarkets"}.items()
}
AVERAGE_TEXTS = {
    "arithmetic": BilingualText("Aritmético", "Simple"),
    "weighted": BilingualText("Ponderado", "Weighted"),
}
NATIONAL_TEXTS = {
    AVERAGES["arithmetic"]: BilingualText(AVERAGES["arithmetic"], "Simple mean"),
    AVERAGES["weighted"]: BilingualText(AVERAGES["weighted"], "Weighted mean"),
    NATIONAL: BilingualText(NATIONAL, "National"),
}
"""State and city names of the two national averages."""
TASK_TEXTS = {
    "publication": BilingualText("Próximas publicaciones", "Next publications"),
    "month": BilingualText("Promedio mensual", "Monthly mean"),
}
LEVEL_TEXTS = {"city": BilingualText("Ciudad", "City"), "national": BilingualText("Nacional", "National")}

ENGLISH_MONTHS = (
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
ENGLISH_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
QUARTER_LABELS = tuple(BilingualText(MONTHS[month][:3], ENGLISH_MONTHS[month][:3]) for month in (0, 3, 6, 9))
"""Months written under the time axis of a chart."""
MISSING_MARK = "—"
MINUS_SIGN = "−"
THIN_SPACE = "\u202f"  # narrow no-break space: a number and its sign stay on one line


def market_label(milk: str, channel: str) -> BilingualText:
    """Write a market in a title or a list: "Pasteurizada, tiendas"."""
    return format_bilingual(
        "{milk}, {channel}", "{milk}, {channel}", milk=MILK_TEXTS[milk], channel=CHANNEL_TEXTS[channel].lower()
    )


def market_in_sentence(milk: str, channel: str) -> BilingualText:
    """Write a market inside a sentence: "pasteurizada en tiendas"."""
    return format_bilingual(
        "{milk} en {channel}", "{milk} in {channel}", milk=MILK_TEXTS[milk].lower(), channel=CHANNEL_TEXTS[channel].lower()
    )


def long_date(day: date) -> BilingualText:
    """Write a date with its weekday: "lunes 31 de marzo de 2025"."""
    weekday = BilingualText(WEEKDAYS[day.weekday()], ENGLISH_WEEKDAYS[day.weekday()])
    return format_bilingual("{weekday} {day}", "{weekday} {day}", weekday=weekday, day=plain_date(day))


def plain_date(day: date) -> BilingualText:
    """Write a date: "31 de marzo de 2025"."""
    return BilingualText(
        f"{day.day} de {MONTHS[day.month - 1]} de {day.year}",
        f"{day.day} {ENGLISH_MONTHS[day.month - 1]} {day.year}",
    )


def record_date(day: date | None) -> BilingualText:
    """Write the date of an earlier publication, or that the record does not reach back to it."""
    return BilingualText("sin registro", "no record") if day is None else plain_date(day)


def short_date(day: date) -> BilingualText:
    """Write a date with a short month: "31 mar 2025"."""
    return format_bilingual("{day} {month}", "{day} {month}", day=day.day, month=short_month(day))


def long_month(day: date) -> BilingualText:
    """Write the month of a day: "marzo de 2025"."""
    return BilingualText(f"{MONTHS[day.month - 1]} de {day.year}", f"{ENGLISH_MONTHS[day.month - 1]} {day.year}")


def short_month(day: date) -> BilingualText:
    """Write the month of a day in short: "mar 2025"."""
    return BilingualText(f"{MONTHS[day.month - 1][:3]} {day.year}", f"{ENGLISH_MONTHS[day.month - 1][:3]} {day.year}")


def list_text(items: Sequence[str]) -> BilingualText:
    """Write a list: "a, b y c" in Spanish, "a, b and c" in English. Spanish "y" becomes "e" before the sound of an i."""
    spanish_items = [str(item) for item in items]
    english_items = [english(item) for item in items]
    if len(items) < 2:
        return BilingualText("".join(spanish_items), "".join(english_items))
    conjunction = "e" if spanish_items[-1].lower().startswith(("i", "hi")) else "y"
    return BilingualText(
        f"{', '.join(spanish_items[:-1])} {conjunction} {spanish_items[-1]}",
        f"{', '.join(english_items[:-1])} and {english_items[-1]}",
    )


def count_text(count: int, singular: BilingualText, plural: BilingualText) -> BilingualText:
    """Write a count with its noun: "1 publicación", "13 publicaciones"."""
    return format_bilingual("{count} {noun}", "{count} {noun}", count=count, noun=singular if count == 1 else plural)


def format_pesos(value: float) -> str:
    """Write a price inside a sentence: "$27.50"."""
    return f"${value:,.2f}"


def format_signed(value: float, digits: int = 2) -> str:
    """Write a change: "+0.12", "−0.05" with a true minus sign, and "0.00" without a sign for what rounds to zero."""
    rounded = round(value, digits)
    if rounded == 0:
        return f"{0:.{digits}f}"
    return f"{'+' if rounded > 0 else MINUS_SIGN}{abs(rounded):,.{digits}f}"


def format_value(value: object, kind: Kind) -> str:
    """Write any value of a table.

    Args:
        value: A cell; None, NaN and NaT are missing.
        kind: How the value is measured.

    Returns:
        Its text: bilingual where the languages differ, a dash for a missing value.
    """
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return MISSING_MARK
    match kind:
        case "text":
            return as_text(value)
        case "date":
            return short_date(as_day(value))
        case "month":
            return short_month(as_day(value))
    number = as_number(value)
    match kind:
        case "price":
            return f"{number:,.2f}"
        case "change":
            return format_signed(number)
        case "percent":
            return f"{format_signed(number, 1)}{THIN_SPACE}%"
        case "share":
            return f"{100 * number:.0f}{THIN_SPACE}%"
        case "count":
            return f"{number:,.0f}"
        case "ratio":
            return f"{number:.3f}"


def as_day(value: object) -> date:
    """Return the day of a timestamp, a numpy date, a date or an ISO string."""
    return pd.Timestamp(value).date()  # type: ignore[arg-type]  # a cell of a frame has no static type


def as_text(value: object) -> str:
    """Return the text of any scalar; a bilingual text keeps its English."""
    return value if isinstance(value, BilingualText) else str(value)


def as_number(value: object) -> float:
    """Return the float of any numeric scalar."""
    return float(value)  # type: ignore[arg-type]  # a cell of a frame has no static type
