"""Sample workbooks: generated prices in the layout of the source.

Belongs here: the content of such a workbook, and the random process of its prices. Not here: the file format
(`samples.xlsx_writer`), serving the files (`samples.publisher`).
"""

from __future__ import annotations

import math
from datetime import date
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from milk_assets.sniim.calendar import expected_between
from milk_assets.sniim.names import CHANNEL_LABELS, CHANNELS, MILK_LABELS, MILKS, PLACES
from milk_assets.sniim.samples.xlsx_writer import Merge, SheetContent, write_workbook
from milk_assets.sniim.sheet_blocks import Row
from milk_assets.sniim.spanish_dates import MONTHS, WEEKDAYS

FIRST_PUBLICATION = date(2024, 1, 3)  # the first publication in the source's cumulative file
SEED = 20240103
SOURCE_NOTE = "Fuente: datos de muestra generados, no oficiales."  # the reader recognises samples by it: `workbook.SAMPLE_WORD`
SHEET_NAME = "Leche"

_CITIES = [(state, city) for state, cities in PLACES for city in cities]
_COLUMN_COUNT = len(MILKS) * len(CHANNELS)
# City → the columns that the source never prices (0 to 3, in the order of `names.PRICE_COLUMNS`): 27 series in total.
_NEVER_PRICED = {
    **dict.fromkeys(("Tijuana", "Campeche", "Tapachula", "Tuxtla Gutiérrez", "Cancún", "Chetumal"), (0, 1)),
    **dict.fromkeys(("Nogales", "Villahermosa", "Coatzacoalcos", "Xalapa", "Veracruz ", "Mérida"), (0, 1)),
    **dict.fromkeys(("Cd.Juárez", "Durango", "Reynosa"), (2,)),
}
_CITY_OF_ZEROS = "San Luis Río Colorado"
_SINGLE_ZERO = (149, "Pachuca", 1)  # publication (from 0), city and column of the only 0 that the source has among real prices
# Invented weights of the cities, in the order of PLACES: few large and many small ones, like populations.
_CITY_WEIGHTS = np.array(
    [
        *(9, 10, 19, 3, 3, 2, 9, 7, 2, 4, 6, 9, 15, 30, 90, 7, 4, 16, 5, 7, 3, 4, 14, 38, 9, 8, 4),
        *(4, 11, 41, 3, 16, 14, 10, 9, 2, 9, 9, 4, 9, 2, 2, 4, 4, 5, 4, 7, 3, 1, 3, 5, 6, 9, 2),
    ],
    dtype=float,
)

# The random process of the prices, in MXN/l and publications. In brackets: the same statistic of the source's 184 publications.
# Levels of the paths that prices follow, with a lag of about 0.8: pasteurised, then UHT (25.4 to 27.5).
_SEGMENT_LEVELS = (25.9, 26.2, 28.0, 28.8)
_LEVEL_SPREAD = 1.6  # standard deviation between cities, and between the series of a city (2.2 to 2.8 in total)
_LOWEST_LEVEL, _HIGHEST_LEVEL = 18.5, 31.5  # of a path at the start
_LOWEST_PRICE, _HIGHEST_PRICE = 16.0, 40.0  # (15.6 and 38)
_DRIFT = 0.25 / 12.4  # of a path per publication; rarely changed series lag behind, so prices rise by 0.2 MXN/l a month (0.18)
_BURN_IN = 120  # publications simulated before the first, until the lag of prices behind their path is stable
_RATE_MEDIAN, _RATE_SPREAD = 0.118, 1.1  # probability of a change; series differ in it the most (quartiles .04 and .25)
_CITY_SPREAD = 1.3  # of a city's probability between publications, so that its series change together (correlation .23)
# A recently changed price changes more often: its probability is multiplied by 1 + 2.4 exp(-publications since the change / 2.5).
_CLUSTER_SIZE, _CLUSTER_DECAY = 2.4, 2.5
_SIZE_MEDIAN, _SIZE_SPREAD = 0.30, 0.96  # of a change, lognormal (quantiles 50/90/95/99 %: 0.30, 1.00, 1.50, 2.91)
_LARGEST_CHANGE = 7.5  # (7.74)
_REVERT_RATE = 0.165  # probability that a change reverts the previous one (.17)
_MEAN_REVERSION = 0.15  # added probability of a rise for each MXN/l below the series' path; keeps it near its segment
_BLANK_RATE = 1e-4  # probability that a price is missing


def sample_workbook(until: date, start: date = FIRST_PUBLICATION, seed: int = SEED) -> bytes:
    """Generate a cumulative workbook, newest block first.

    Args:
        until: the last day; the newest block is the last expected publication up to it.
        start: the first day.
        seed: the seed of the random process.

    Returns:
        The bytes of the file. The same arguments give the same bytes, and a price does not depend on `until`.

    Raises:
        ValueError: no publication is expected between the two days.
    """
    dates = expected_between(start, until)
    if not dates:
        raise ValueError(f"expected a publication between {start} and {until}, found none; choose a later date")
    prices = sample_prices(len(dates), seed)
    rows: list[Row] = []
    merges: list[Merge] = []
    for day, prices_of_day in zip(reversed(dates), prices[::-1], strict=True):
        merges += _merges(len(rows))
        rows += _block(day, prices_of_day)
    return write_workbook([SheetContent(SHEET_NAME, rows, merges)])


def sample_prices(count: int, seed: int = SEED) -> NDArray[np.float64]:
    """Generate the prices of the first publications.

    Args:
        count: the number of publications. It does not change the prices of the first ones.
        seed: the seed of the random process.

    Returns:
        MXN/l, shape (publications, 54 cities, 4 columns), in the order of PLACES and PRICE_COLUMNS; NaN is a blank cell.
    """
    rng = np.random.default_rng(seed)
    shape = len(_CITIES), _COLUMN_COUNT
    path = np.array(_SEGMENT_LEVELS) + rng.normal(0, _LEVEL_SPREAD, (shape[0], 1)) + rng.normal(0, _LEVEL_SPREAD, shape)
    path = np.clip(path, _LOWEST_LEVEL, _HIGHEST_LEVEL) - _DRIFT * _BURN_IN
    rate = _RATE_MEDIAN * np.exp(_RATE_SPREAD * rng.permutation(_normal_quantiles(path.size)).reshape(shape))
    price = path.round(2)
    previous_price = price  # the price before the last change
    since = np.full(shape, 1)  # publications since the last change
    published = np.empty((count, *shape))
    for publication in range(-_BURN_IN, count):
        # The number of random draws per publication is fixed, so that a date's prices do not depend on `count`.
        city = np.exp(rng.normal(0, _CITY_SPREAD, (shape[0], 1)) - _CITY_SPREAD**2 / 2)
        change_draw, direction, revert, blank = rng.random((4, *shape))
        size = np.clip(_SIZE_MEDIAN * np.exp(rng.normal(0, _SIZE_SPREAD, shape)), 0.01, _LARGEST_CHANGE)
        path = path + _DRIFT
        new_price = price + np.where(direction < 0.5 + _MEAN_REVERSION * (path - price), size, -size)
        new_price = np.where((revert < _REVERT_RATE) & (previous_price != price), previous_price, new_price)
        new_price = new_price.clip(_LOWEST_PRICE, _HIGHEST_PRICE).round(2)
        hazard = rate * city * (1 + _CLUSTER_SIZE * np.exp(-(since - 1) / _CLUSTER_DECAY))
        changes = (change_draw < 1 - np.exp(-hazard)) & (new_price != price)
        previous_price = np.where(changes, price, previous_price)
        price = np.where(changes, new_price, price)
        since = np.where(changes, 1, since + 1)
        if publication >= 0:
            published[publication] = np.where(blank < _BLANK_RATE, np.nan, price)
    return _with_gaps_of_the_source(published)


def _normal_quantiles(count: int) -> list[float]:
    """Evenly spaced quantiles of the normal distribution: distributed like random draws, but the same for every seed."""
    return [NormalDist().inv_cdf((n + 0.5) / count) for n in range(count)]


def _with_gaps_of_the_source(published: NDArray[np.float64]) -> NDArray[np.float64]:
    """Blank the series that the source never prices, and set its zeros."""
    for index, (_, city) in enumerate(_CITIES):
        published[:, index, list(_NEVER_PRICED.get(city, ()))] = np.nan
        if city == _CITY_OF_ZEROS:
            published[:, index] = 0
        if city == _SINGLE_ZERO[1]:
            published[_SINGLE_ZERO[0] : _SINGLE_ZERO[0] + 1, index, _SINGLE_ZERO[2]] = 0
    return published


def _block(day: date, prices: NDArray[np.float64]) -> list[Row]:
    """The rows of one block, in the layout of the source. prices: MXN/l, shape (54 cities, 4 columns)."""
    milks = [cell for milk in MILKS for cell in (MILK_LABELS[milk], "")]
    channels = [CHANNEL_LABELS[channel] for _ in MILKS for channel in CHANNELS]
    has_price = np.nan_to_num(prices) != 0
    prices_or_zero = np.where(has_price, prices, 0)
    arithmetic = prices_or_zero.sum(axis=0) / has_price.sum(axis=0)
    weighted = _CITY_WEIGHTS @ prices_or_zero / (_CITY_WEIGHTS @ has_price)
    cities: list[Row] = []
    for (state, city), row in zip(_CITIES, prices.tolist(), strict=True):
        is_first_of_state = not cities or state != _CITIES[len(cities) - 1][0]
        cells = ["" if math.isnan(price) else price for price in row]
        cities.append([state if is_first_of_state else "", city, *cells])
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
    """The merged cells of a block whose title is in row `top`: each milk's two columns, and each state's rows."""
    merges: list[Merge] = [((top + 2, 2), (top + 2, 3)), ((top + 2, 4), (top + 2, 5))]
    row = top + 4
    for _, cities in PLACES:
        if len(cities) > 1:
            merges.append(((row, 0), (row + len(cities) - 1, 0)))
        row += len(cities)
    return merges
