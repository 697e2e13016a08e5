"""Page data: the JSON inside the page for its script: history and forecasts of every series, map views, English texts.

Belongs here: a compact encoding of figures that the report's tables hold. Prices are in centavos and differences are short. Not
here: reading it, which `templates/chart.js` and `templates/language.js` do.
"""

import json
from collections.abc import Iterable

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from milk_assets.reporting.charts.state_map import MapView, view_documents
from milk_assets.reporting.model.forecast_rows import CHANCES, FORECAST, INTERVAL_80, INTERVAL_95, column_names
from milk_assets.reporting.model.report import Report
from milk_assets.reporting.sections.outlook import PRINTED_LEADS
from milk_assets.reporting.text.bilingual import BilingualText
from milk_assets.reporting.text.formatting import TASK_TEXTS
from milk_assets.reporting.text.ui_strings import SCRIPT_STRINGS
from milk_assets.sniim.names import AVERAGES, NATIONAL, series_key

HISTORY_PUBLICATIONS = 200
"""Publications of history in the chart of a series: about fifteen months, as in the national charts; the files hold all."""
MONTH_FIGURES = column_names((FORECAST, *INTERVAL_80, *INTERVAL_95))
PUBLICATION_FIGURES = column_names((FORECAST, *INTERVAL_80))
CHANCE_FIGURES = column_names(CHANCES)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
MISSING = "~"
FNV_OFFSET, FNV_PRIME = 0x811C9DC5, 0x01000193


def page_data(report: Report, views: Iterable[MapView], texts: Iterable[BilingualText]) -> Markup:
    """Return the JSON of the page's data element, safe inside HTML.

    Args:
        report: The report.
        views: Views of the map.
        texts: Every text on the page.
    """
    document = {
        **_series_document(report),
        "map": view_documents(list(views)),
        "script": SCRIPT_STRINGS,
        "words": english_dictionary(texts),
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704  no tag can begin in it


def english_dictionary(texts: Iterable[BilingualText]) -> dict[str, str]:
    """Return the English of each text that differs from its Spanish, by the hash of the Spanish."""
    return {text_hash(" ".join(str(text).split())): text.en for text in texts if str(text) != text.en}


def text_hash(text: str) -> str:
    """Return FNV-1a of the text's UTF-16 units, 32 bits, in base 36. Whole sentences as keys would double the page's dictionary.

    `templates/language.js` computes the same hash.
    """
    units = text.encode("utf-16-le")
    value = FNV_OFFSET
    for index in range(0, len(units), 2):
        unit = int.from_bytes(units[index : index + 2], "little")
        value = (value ^ unit) * FNV_PRIME & 0xFFFFFFFF
    return to_base36(value)


def _series_document(report: Report) -> dict[str, object]:
    """The part of the document about series.

    dates: days of the publications. months, targets: what is forecast. series: one list of texts per series, in the order of the
    table `series`: history, last price, months, previous forecasts, publications, chances.

    Every number is in base 36. history: runs, each a change in centavos (MISSING: no price) and a capital letter for how many
    publications the price applied (A is 1; a longer run continues with a change of 0). months: differences of MONTH_FIGURES from the
    last price, month by month; publications: the same of PUBLICATION_FIGURES at PRINTED_LEADS; chances: CHANCE_FIGURES in per cent
    at PRINTED_LEADS.
    """
    prices = _prices(report).tail(HISTORY_PUBLICATIONS)
    forecasts = report.tables["forecasts"].frame.sort_values(["series", "lead"])
    months = forecasts[forecasts["task"] == TASK_TEXTS["month"]]
    publications = forecasts[forecasts["task"] == TASK_TEXTS["publication"]]
    publications = publications[publications["lead"].isin(PRINTED_LEADS)]
    months_of, publications_of = dict(list(months.groupby("series"))), dict(list(publications.groupby("series")))
    keys = report.tables["series"].frame["series"].tolist()
    first_months = months_of[keys[0]] if keys else months
    first_publications = publications_of[keys[0]] if keys else publications
    return {
        "dates": [f"{day:%Y-%m-%d}" for day in prices.index],
        "months": [f"{day:%Y-%m-%d}" for day in first_months["target"]],
        "targets": [f"{day:%Y-%m-%d}" for day in first_publications["target"]],
        "series": [
            [encode_runs(prices[key].to_numpy(dtype=float)), *_encode_forecasts(months_of[key], publications_of[key])]
            for key in keys
        ],
    }


def _prices(report: Report) -> pd.DataFrame:
    """Prices and national averages, publications x series keys, MXN per litre."""
    city_prices = report.tables["price_history"].frame.set_index("publication")
    averages = report.tables["history"].frame.set_index("publication")
    codes = [str(name).split("/") for name in averages.columns]
    keys = [series_key(NATIONAL, AVERAGES[average], milk, channel) for average, milk, channel in codes]
    return city_prices.join(averages.set_axis(keys, axis=1))


def encode_runs(prices: NDArray[np.float64]) -> str:
    """Encode a history as runs (see `_series_document`).

    Args:
        prices: MXN per litre, NaN for no price.

    Returns:
        The runs: 20.00, 20.00, none, 20.50 gives "1jkB~A1eA".
    """
    cents = np.round(100 * prices)
    codes = np.where(np.isnan(cents), -1.0, cents)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1])
    lengths = np.diff([*starts, len(codes)])
    encoded = []
    last_price = 0
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        price = int(codes[start])
        if price < 0:
            step, no_step = MISSING, MISSING
        else:
            step, no_step = to_base36(price - last_price), "0"
            last_price = price
        encoded.append(step + _length_letter(length))
        encoded += [no_step + _length_letter(left) for left in range(length - len(LETTERS), 0, -len(LETTERS))]
    return "".join(encoded)


def _length_letter(length: int) -> str:
    """The letter of a length, at most that of the longest run that one letter can say."""
    return LETTERS[min(length, len(LETTERS)) - 1]


def to_base36(number: int) -> str:
    """Write a whole number in base 36, as JavaScript's parseInt reads it."""
    digits = ""
    rest = abs(number)
    while rest or not digits:
        rest, digit = divmod(rest, 36)
        digits = DIGITS[digit] + digits
    return f"-{digits}" if number < 0 else digits


def _encode_forecasts(months: pd.DataFrame, publications: pd.DataFrame) -> list[str]:
    """Last price, months, previous forecasts, publications and chances of one series (see `_series_document`)."""
    last_price = round(100 * float(months["last_price"].iloc[0]))

    def differences(values: NDArray[np.float64]) -> str:
        cents = np.round(100 * values.ravel()) - last_price
        return " ".join(MISSING if cent != cent else to_base36(int(cent)) for cent in cents.tolist())

    chances = publications[CHANCE_FIGURES].to_numpy(dtype=float).ravel()
    return [
        to_base36(last_price),
        differences(months[MONTH_FIGURES].to_numpy(dtype=float)),
        differences(months["previous"].to_numpy(dtype=float)),
        differences(publications[PUBLICATION_FIGURES].to_numpy(dtype=float)),
        " ".join(to_base36(round(100 * chance)) for chance in chances.tolist()),
    ]
