"""Sample workbooks: generated prices in the source's shape.

Belongs here: what such a workbook holds, and how invented prices move. Bytes are made in `xlsx`, served in `publisher`.
"""

from __future__ import annotations

from datetime import date
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from milk_assets.sniim.calendar import expected_between
from milk_assets.sniim.names import CHANNEL_LABELS, CHANNELS, MILK_LABELS, MILKS, PLACES
from milk_assets.sniim.samples.xlsx_writer import Merge, SheetContent, write_workbook
from milk_assets.sniim.sheet_blocks import Row
from milk_assets.sniim.spanish_dates import MONTHS, WEEKDAYS

FIRST_PUBLICATION = date(2024, 1, 3)  # where the source's own cumulative file begins
SEED = 20240103
SOURCE_NOTE = "Fuente: datos de muestra generados, no oficiales."  # the reader knows a sample by it: see `workbook.SAMPLE_WORD`
SHEET = "Leche"

_CITIES = [(state, city) for state, cities in PLACES for city in cities]
_COLUMNS = len(MILKS) * len(CHANNELS)
# Cities that the source never prices, with the columns concerned (0 to 3, as in `names.COLUMNS`): 27 series in all.
_NEVER_PRICED = {
    **dict.fromkeys(("Tijuana", "Campeche", "Tapachula", "Tuxtla Gutiérrez", "Cancún", "Chetumal"), (0, 1)),
    **dict.fromkeys(("Nogales", "Villahermosa", "Coatzacoalcos", "Xalapa", "Veracruz ", "Mérida"), (0, 1)),
    **dict.fromkeys(("Cd.Juárez", "Durango", "Reynosa"), (2,)),
}
_ALWAYS_ZERO = "San Luis Río Colorado"
_LONE_ZERO = (149, "Pachuca", 1)  # publication (counted from 0), city and column: the one 0 the source has among real prices
# Invented weights of the cities, in the order of the table: a few large, most small, as populations are.
_WEIGHTS = np.array(
    [
        *(9, 10, 19, 3, 3, 2, 9, 7, 2, 4, 6, 9, 15, 30, 90, 7, 4, 16, 5, 7, 3, 4, 14, 38, 9, 8, 4),
        *(4, 11, 41, 3, 16, 14, 10, 9, 2, 9, 9, 4, 9, 2, 2, 4, 4, 5, 4, 7, 3, 1, 3, 5, 6, 9, 2),
    ],
    dtype=float,
)

# How prices move, in MXN/l and publications. In brackets: the same figure of the source's own 184 publications.
_SEGMENT_LEVELS = (25.9, 26.2, 28.0, 28.8)  # of the paths, which prices trail by about 0.8: pasteurised, then UHT (25.4 to 27.5)
_LEVEL_SPREAD = 1.6  # of cities, and again of series within a city (2.2 to 2.8 in all)
_LOWEST_LEVEL, _HIGHEST_LEVEL = 18.5, 31.5  # of a path at first
_LOWEST_PRICE, _HIGHEST_PRICE = 16.0, 40.0  # (15.6 and 38)
_DRIFT = 0.25 / 12.4  # of a path, a publication; series that seldom change lag, so prices rise by 0.2 MXN/l a month (0.18)
_SETTLING = 120  # publications simulated before the first: by then prices lag behind their path as much as they ever will
_RATE_MEDIAN, _RATE_SPREAD = 0.118, 1.1  # chance of a change; series differ more in it than in anything (quartiles .04 and .25)
_CITY_SPREAD = 1.3  # of a city's chance from one publication to the next: its series change together (correlation .23)
_FRESH, _FRESHNESS = 2.4, 2.5  # a price just changed is likelier to change: times 1 + 2.4 exp(-publications since / 2.5)
_SIZE_MEDIAN, _SIZE_SPREAD = 0.30, 0.96  # of a change, lognormal (quantiles 50/90/95/99 %: 0.30, 1.00, 1.50, 2.91)
_LARGEST_CHANGE = 7.5  # (7.74)
_UNDONE = 0.165  # chance that a change undoes the one before (.17)
_PULL = 0.15  # chance of a rise, more for each MXN/l below the series' own path: keeps it within its segment
_BLANK = 1e-4  # chance that a price is left out


def sample_workbook(until: date, start: date = FIRST_PUBLICATION, seed: int = SEED) -> bytes:
    """The bytes of a generated cumulative workbook, newest block first: every expected publication from `start` to `until`.

    The same arguments give the same bytes. A price depends on its date, `start` and `seed`, never on `until`.
    Raises ValueError when no publication is expected between the two.
    """
    dates = expected_between(start, until)
    if not dates:
        raise ValueError(f"expected a publication between {start} and {until}, found none; choose a later date")
    prices = sample_prices(len(dates), seed)
    rows: list[Row] = []
    merges: list[Merge] = []
    for day, figures in zip(reversed(dates), prices[::-1], strict=True):
        merges += _merges(len(rows))
        rows += _block(day, figures)
    return write_workbook([SheetContent(SHEET, rows, merges)])


def sample_prices(count: int, seed: int = SEED) -> NDArray[np.float64]:
    """Invented prices, MXN/l: publications x 54 cities x 4 columns, as `names.PLACES` and `names.COLUMNS`; NaN is a blank.

    The first publications are the same whatever `count` is.
    """
    rng = np.random.default_rng(seed)
    shape = len(_CITIES), _COLUMNS
    path = np.array(_SEGMENT_LEVELS) + rng.normal(0, _LEVEL_SPREAD, (shape[0], 1)) + rng.normal(0, _LEVEL_SPREAD, shape)
    path = np.clip(path, _LOWEST_LEVEL, _HIGHEST_LEVEL) - _DRIFT * _SETTLING
    rate = _RATE_MEDIAN * np.exp(_RATE_SPREAD * rng.permutation(_normal_quantiles(path.size)).reshape(shape))
    price = path.round(2)
    before = price  # the price before the last change
    since = np.full(shape, 1)  # publications since the last change
    published = np.empty((count, *shape))
    for publication in range(-_SETTLING, count):
        # Every draw has the same size each time, whatever came before: that is what keeps a date's prices apart from `count`.
        city = np.exp(rng.normal(0, _CITY_SPREAD, (shape[0], 1)) - _CITY_SPREAD**2 / 2)
        chance, direction, undo, blank = rng.random((4, *shape))
        size = np.clip(_SIZE_MEDIAN * np.exp(rng.normal(0, _SIZE_SPREAD, shape)), 0.01, _LARGEST_CHANGE)
        path = path + _DRIFT
        moved = price + np.where(direction < 0.5 + _PULL * (path - price), size, -size)
        moved = np.where((undo < _UNDONE) & (before != price), before, moved).clip(_LOWEST_PRICE, _HIGHEST_PRICE).round(2)
        hazard = rate * city * (1 + _FRESH * np.exp(-(since - 1) / _FRESHNESS))
        changes = (chance < 1 - np.exp(-hazard)) & (moved != price)
        before = np.where(changes, price, before)
        price = np.where(changes, moved, price)
        since = np.where(changes, 1, since + 1)
        if publication >= 0:
            published[publication] = np.where(blank < _BLANK, np.nan, price)
    return _as_the_source_leaves_out(published)


def _normal_quantiles(count: int) -> list[float]:
    """Evenly spaced quantiles of the normal distribution: spread like random draws, but the same for every seed."""
    return [NormalDist().inv_cdf((n + 0.5) / count) for n in range(count)]


def _as_the_source_leaves_out(published: NDArray[np.float64]) -> NDArray[np.float64]:
    """Blank what the source never prices, and set its zeros."""
    for index, (_, city) in enumerate(_CITIES):
        published[:, index, list(_NEVER_PRICED.get(city, ()))] = np.nan
        if city == _ALWAYS_ZERO:
            published[:, index] = 0
        if city == _LONE_ZERO[1]:
            published[_LONE_ZERO[0] : _LONE_ZERO[0] + 1, index, _LONE_ZERO[2]] = 0
    return published


def _block(day: date, figures: NDArray[np.float64]) -> list[Row]:
    """The rows of one block, in the source's layout. figures: 54 cities x 4 columns."""
    milks = [cell for milk in MILKS for cell in (MILK_LABELS[milk], "")]
    channels = [CHANNEL_LABELS[channel] for _ in MILKS for channel in CHANNELS]
    priced = np.nan_to_num(figures) != 0
    worth = np.where(priced, figures, 0)
    arithmetic = worth.sum(axis=0) / priced.sum(axis=0)
    weighted = _WEIGHTS @ worth / (_WEIGHTS @ priced)
    cities: list[Row] = []
    for (state, city), row in zip(_CITIES, figures.tolist(), strict=True):
        first = not cities or state != _CITIES[len(cities) - 1][0]
        cities.append([state if first else "", city, *("" if price != price else price for price in row)])
    weekday = WEEKDAYS[day.weekday()].capitalize()
    return [
        ["Precio promedio al consumidor por litro", "", "", "", "", ""],
        [f"{weekday}, {day.day} de {MONTHS[day.month - 1]} de {day.year}", "", "", "", "", ""],
        ["Estado", "Ciudad", *milks],
        ["", "", *channels],
        *cities,
        ["", "Promedio aritmético", *arithmetic.tolist()],
        ["", "Promedio Ponderado por Población", *weighted.tolist()],
        [SOURCE_NOTE, "", "", "", "", ""],
        [""] * 6,
        [""] * 6,
    ]


def _merges(top: int) -> list[Merge]:
    """The merged cells of a block whose title is in row `top`: each milk over its two channels, each state over its cities."""
    merges: list[Merge] = [((top + 2, 2), (top + 2, 3)), ((top + 2, 4), (top + 2, 5))]
    row = top + 4
    for _, cities in PLACES:
        if len(cities) > 1:
            merges.append(((row, 0), (row + len(cities) - 1, 0)))
        row += len(cities)
    return merges
