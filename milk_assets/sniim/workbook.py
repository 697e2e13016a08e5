"""The workbook: one SNIIM file, read whole into tidy frames.

Belongs here: the cells of a block, the frames, the control totals. Blocks are located in `blocks`, a workbook judged in `proof`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from milk_assets.sniim.names import AVERAGES, COLUMNS, NATIONAL, canonical_name, known_places, series_key
from milk_assets.sniim.sheet_blocks import Block, WorkbookError, find_blocks
from milk_model.series_names import slug

__all__ = ["KEPT", "SAMPLE_WORD", "Workbook", "WorkbookError", "read_workbook"]

SAMPLE_WORD = "muestra"  # in the source note of every generated workbook, and in none of the source's
KEPT = ("kept", "blank", "zero")  # a price; none, the cell is blank; none, the cell is 0, by which the source means the same
_PLAIN_NUMBERS = (int, float)
_AVERAGE_WORDS = {
    "arithmetic": "promedio-aritm",
    "weighted": "promedio-ponderado",
}  # how the slug of an average row's label begins


@dataclass(frozen=True)
class Workbook:
    """One workbook, tidy. Prices are MXN per litre.

    prices: publication, series, state, city, milk, channel, price, kept ("kept", "blank" or "zero": why a price is missing);
        one row for each block, city and price column, sorted by publication and series.
    averages: publication, series, average ("arithmetic" or "weighted"), milk, channel, price: what the source states nationally.
    controls: publication, milk, channel, cities (how many have a price), stated, computed, difference: the arithmetic average
        beside the mean of the prices that are not 0; one row for each block and price column.
    notes: what was odd yet harmless, in words. unknown_names: places and headings that the table of names does not hold.
    sample: whether the source note says that the prices are generated.
    """

    name: str
    prices: pd.DataFrame
    averages: pd.DataFrame
    controls: pd.DataFrame
    source_note: str
    sample: bool
    unknown_names: tuple[str, ...]
    notes: tuple[str, ...]
    dates: tuple[date, ...]

    @property
    def newest(self) -> date:
        """The date of the newest block."""
        return self.dates[-1]


def read_workbook(source: Path | bytes, name: str | None = None) -> Workbook:
    """Read a workbook from a file or from its bytes.

    name: what messages call it; a path's own name by default. Raises WorkbookError: no workbook, no block, a header or date that
    cannot be understood, text where a price belongs. It does not judge the figures: see `proof.prove`.
    """
    if isinstance(source, Path):
        name = name or source.name
        try:
            content = source.read_bytes()
        except OSError as error:
            raise WorkbookError(f"{name}: expected a workbook at {source}, found none to read ({error.strerror})") from error
    else:
        content = source
    name = name or "workbook"
    blocks = sorted(find_blocks(content, name), key=lambda block: block.day)
    body = _Body()
    for index, block in enumerate(blocks):
        _read_block(index, block, body)
    days = pd.DatetimeIndex([block.day for block in blocks]).as_unit("ns")
    prices = _prices(body, days)
    note = next((note for note in reversed(body.source_notes) if note), "")
    return Workbook(
        name=name,
        prices=prices,
        averages=_averages(body, days),
        controls=_controls(body, days),
        source_note=note,
        sample=any(SAMPLE_WORD in slug(note).split("-") for note in set(body.source_notes)),
        unknown_names=_unknown_names(body, blocks),
        notes=tuple(f"block of {block.day}: {block.weekday}" for block in blocks if block.weekday),
        dates=tuple(sorted({block.day for block in blocks})),
    )


@dataclass
class _Body:
    """What the rows of all blocks say. Lists of a group run in step; a row has four figures (`names.COLUMNS`), NaN if blank."""

    city_block: list[int] = field(default_factory=list)
    place: list[int] = field(default_factory=list)  # position in `places`
    city_prices: list[list[float]] = field(default_factory=list)
    average_block: list[int] = field(default_factory=list)
    average: list[str] = field(default_factory=list)
    average_prices: list[list[float]] = field(default_factory=list)
    places: dict[tuple[str, str], int] = field(default_factory=dict)  # canonical state and city: position
    source_notes: list[str] = field(default_factory=list)  # one a block
    unknown: set[str] = field(default_factory=set)


def _read_block(index: int, block: Block, body: _Body) -> None:
    """Add the rows of one block to the body."""
    state = ""
    note = ""
    for number in range(block.start, block.end):
        row = block.sheet.rows[number]
        text = next((cell for cell in row if isinstance(cell, str) and cell and not cell.isspace()), "")
        label = slug(text)
        if label.startswith("fuente"):
            note = text.strip()
            break
        if label.startswith("promedio"):
            state = ""  # what follows an average is no city of the state above it
            _read_average(index, block, number, text, body)
            continue
        city = row[block.city_column]
        written = isinstance(city, str) and not city.isspace() and city != ""
        priced = any(isinstance(row[column], _PLAIN_NUMBERS) for column in block.columns)
        if priced and not written:
            raise block.sheet.error(number, block.city_column, "the name of the city whose prices stand in this row")
        state = (str(row[block.state_column]).strip() or state) if written else state
        if priced and not state:
            raise block.sheet.error(number, block.state_column, f"the state of {city}, here or on a city above it in the block")
        if written and state:
            place = canonical_name(state), canonical_name(str(city))
            body.city_block.append(index)
            body.place.append(body.places.setdefault(place, len(body.places)))
            body.city_prices.append(_figures(block, number))
    body.source_notes.append(note)


def _read_average(index: int, block: Block, number: int, text: str, body: _Body) -> None:
    """Add an average row to the body, when it is one of the two that the source states."""
    kind = next((kind for kind, start in _AVERAGE_WORDS.items() if slug(text).startswith(start)), None)
    if kind is None:
        body.unknown.add(text.strip())
        return
    body.average_block.append(index)
    body.average.append(kind)
    body.average_prices.append(_figures(block, number))


def _figures(block: Block, number: int) -> list[float]:
    """The four figures of a row, MXN/l, NaN where the cell is blank."""
    row = block.sheet.rows[number]
    figures = []
    for column in block.columns:
        cell = row[column]
        if type(cell) is float:
            figures.append(cell)
        elif isinstance(cell, str) and not cell.strip():
            figures.append(float("nan"))
        elif type(cell) is int:
            figures.append(float(cell))
        else:
            raise block.sheet.error(number, column, f"a price or a blank in the block of {block.day}")
    return figures


def _prices(body: _Body, days: pd.DatetimeIndex) -> pd.DataFrame:
    columns = len(COLUMNS)
    values = np.array(body.city_prices, dtype=float).reshape(-1, columns)
    series = np.array([series_key(*place, *column) for place in body.places for column in COLUMNS], dtype=object)
    rank = np.empty(len(series), dtype=int)
    rank[np.argsort(series)] = np.arange(len(series))
    # one row for each city and price column: `code` counts series, place by place
    block = np.repeat(np.array(body.city_block, dtype=int), columns)
    code = (np.array(body.place, dtype=int)[:, None] * columns + np.arange(columns)).ravel()
    order = np.lexsort((rank[code], days.asi8[block])) if len(code) else np.empty(0, dtype=int)
    block, code, value = block[order], code[order], values.ravel()[order]
    why = np.where(np.isnan(value), 1, np.where(value == 0, 2, 0))
    places = np.array([*body.places, ("", "")], dtype=object)  # the extra pair keeps the array two wide when there is no place
    milk, channel = np.array(COLUMNS, dtype=object).T
    return pd.DataFrame(
        {
            "publication": days[block],
            "series": series[code],
            "state": places[code // columns, 0],
            "city": places[code // columns, 1],
            "milk": milk[code % columns],
            "channel": channel[code % columns],
            "price": np.where(why == 0, value, np.nan),
            "kept": np.array(KEPT, dtype=object)[why],
        }
    )


def _averages(body: _Body, days: pd.DatetimeIndex) -> pd.DataFrame:
    columns = len(COLUMNS)
    kinds = np.repeat(np.array(body.average, dtype=object), columns)
    milk, channel = (np.tile(np.array(names, dtype=object), len(body.average)) for names in zip(*COLUMNS, strict=True))
    keys: dict[tuple[Any, ...], str] = {
        (kind, *column): series_key(NATIONAL, city, *column) for kind, city in AVERAGES.items() for column in COLUMNS
    }
    value = np.array(body.average_prices, dtype=float).ravel()
    frame = pd.DataFrame(
        {
            "publication": days[np.repeat(np.array(body.average_block, dtype=int), columns)],
            "series": [keys[name] for name in zip(kinds, milk, channel, strict=True)],
            "average": kinds,
            "milk": milk,
            "channel": channel,
            "price": np.where(value == 0, np.nan, value),
        }
    )
    return frame.sort_values(["publication", "series"], kind="stable", ignore_index=True)


def _controls(body: _Body, days: pd.DatetimeIndex) -> pd.DataFrame:
    """The arithmetic average each block states beside the mean of its prices that are not 0."""
    columns = len(COLUMNS)
    size = len(days) * columns
    values = np.array(body.city_prices, dtype=float).reshape(-1, columns)
    cell = np.array(body.city_block, dtype=int)[:, None] * columns + np.arange(columns)
    priced = ~np.isnan(values) & (values != 0)
    cities = np.bincount(cell[priced], minlength=size)
    total = np.bincount(cell[priced], weights=values[priced], minlength=size)
    computed = np.divide(total, cities, out=np.full(size, np.nan), where=cities > 0)
    stated = np.full(size, np.nan)
    for block, kind, figures in zip(body.average_block, body.average, body.average_prices, strict=True):
        if kind == "arithmetic":
            stated[block * columns : (block + 1) * columns] = figures
    stated[stated == 0] = np.nan
    milk, channel = (np.tile(np.array(names, dtype=object), len(days)) for names in zip(*COLUMNS, strict=True))
    return pd.DataFrame(
        {
            "publication": np.repeat(days, columns),
            "milk": milk,
            "channel": channel,
            "cities": cities,
            "stated": stated,
            "computed": computed,
            "difference": np.abs(stated - computed),
        }
    )


def _unknown_names(body: _Body, blocks: list[Block]) -> tuple[str, ...]:
    known = known_places()
    places = {f"{city}, {state}" for state, city in body.places if city not in known.get(state, ())}
    headings = {heading for block in blocks for heading in block.unknown}
    return tuple(sorted(places | headings | body.unknown))
