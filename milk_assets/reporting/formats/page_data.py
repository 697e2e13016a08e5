"""The data that the page carries for its script: every series' history and forecasts, the map's views, the English words.

Belongs here: a compact writing of figures that the report's tables hold. Prices are in centavos; differences are short.
"""

import json
from collections.abc import Iterable

import numpy as np
import pandas as pd
from markupsafe import Markup

from milk_assets.reporting.charts.state_map import View, documents
from milk_assets.reporting.model.report import Report
from milk_assets.reporting.sections.outlook import LEADS
from milk_assets.reporting.text.bilingual import Text
from milk_assets.reporting.text.formatting import TASK
from milk_assets.reporting.text.ui_strings import SCRIPT
from milk_assets.sniim.names import AVERAGES, NATIONAL, series_key

HISTORY = 200
"""Publications of history in a series' chart: some fifteen months, as in the national ones; the files hold all."""
INTERVAL = ("forecast", "lo80", "hi80", "lo95", "hi95")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
CHANCES = ("p_down", "p_same", "p_up")


def data(report: Report, views: Iterable[View], words: Iterable[Text]) -> Markup:
    """The JSON of the page's data element, safe inside HTML."""
    document = {**_series(report), "map": documents(list(views)), "script": SCRIPT, "words": dictionary(words)}
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704  no tag can begin in it


def dictionary(words: Iterable[Text]) -> dict[str, str]:
    """The English of each word that differs, under the short name of its Spanish."""
    return {name_of(" ".join(str(word).split())): word.en for word in words if word != word.en}


def name_of(text: str) -> str:
    """FNV-1a of the text's UTF-16 units, 32 bits, in base 36: sentences would weigh twice as names."""
    units = text.encode("utf-16-le")
    value = 0x811C9DC5
    for place in range(0, len(units), 2):
        value = (value ^ int.from_bytes(units[place : place + 2], "little")) * 0x01000193 & 0xFFFFFFFF
    return base36(value)


def _series(report: Report) -> dict[str, object]:
    """dates: days of the publications; months, targets: what is forecast; series: one list of texts each, in the order of
    the table `series`: history, last price, months, previous forecasts, publications, chances.

    Every number is in base 36. history: runs, each a change in centavos ("~": no price) and, as a capital letter, for how many
    publications it stood (A is 1; a longer run goes on with a change of nothing). months: offsets of INTERVAL from the last price,
    month by month; publications: the same of forecast, lo80, hi80 at LEADS; chances: per cent of CHANCES at LEADS.
    """
    prices = _prices(report).tail(HISTORY)
    rows = report.tables["forecasts"].frame
    keys = report.tables["series"].frame["series"].tolist()
    months, ahead = (rows[rows["task"] == TASK[task]].sort_values(["series", "lead"]) for task in ("month", "publication"))
    ahead = ahead[ahead["lead"].isin(LEADS)]
    by_month, by_lead = dict(list(months.groupby("series"))), dict(list(ahead.groupby("series")))
    first = by_month[keys[0]] if keys else months
    nexts = by_lead[keys[0]] if keys else ahead
    return {
        "dates": [f"{day:%Y-%m-%d}" for day in prices.index],
        "months": [f"{day:%Y-%m-%d}" for day in first["target"]],
        "targets": [f"{day:%Y-%m-%d}" for day in nexts["target"]],
        "series": [[runs(prices[key].to_numpy(dtype=float)), *_ahead(by_month[key], by_lead[key])] for key in keys],
    }


def _prices(report: Report) -> pd.DataFrame:
    cities = report.tables["price_history"].frame.set_index("publication")
    means = report.tables["history"].frame.set_index("publication")
    names = [str(name).split("/") for name in means.columns]
    means = means.set_axis([series_key(NATIONAL, AVERAGES[average], milk, channel) for average, milk, channel in names], axis=1)
    return cities.join(means)


def runs(prices: np.ndarray) -> str:
    """Prices, MXN per litre with NaN for none, as runs (see `_series`): 20.00, 20.00, none, 20.50 is "1jkB~A1eA"."""
    cents = np.round(100 * prices)
    codes = np.where(np.isnan(cents), -1.0, cents)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1])
    lengths = np.diff([*starts, len(codes)])
    found = []
    last = 0
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        value = int(codes[start])
        step = "~" if value < 0 else base36(value - last)
        again = "~" if value < 0 else "0"
        found.append(step + LETTERS[min(length, len(LETTERS)) - 1])
        lasting = range(length - len(LETTERS), 0, -len(LETTERS))
        found += [again + LETTERS[min(left, len(LETTERS)) - 1] for left in lasting]
        last = last if value < 0 else value
    return "".join(found)


def base36(number: int) -> str:
    """A whole number in base 36, as JavaScript's parseInt reads it."""
    digits = ""
    rest = abs(number)
    while rest or not digits:
        rest, digit = divmod(rest, 36)
        digits = DIGITS[digit] + digits
    return f"-{digits}" if number < 0 else digits


def _ahead(months: pd.DataFrame, nexts: pd.DataFrame) -> list[str]:
    last = round(100 * float(months["last_price"].iloc[0]))

    def offsets(values: np.ndarray) -> str:
        cents = np.round(100 * values.astype(float).ravel()) - last
        return " ".join("~" if cent != cent else base36(int(cent)) for cent in cents.tolist())

    return [
        base36(last),
        offsets(months[list(INTERVAL)].to_numpy()),
        offsets(months["previous"].to_numpy()),
        offsets(nexts[["forecast", "lo80", "hi80"]].to_numpy()),
        " ".join(base36(round(100 * chance)) for chance in nexts[list(CHANCES)].to_numpy(dtype=float).ravel().tolist()),
    ]
