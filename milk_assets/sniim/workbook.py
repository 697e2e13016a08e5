"""The workbook: one SNIIM file, read into tidy frames.

Belongs here: the rows of a block, the frames, the control totals. Not here: locating blocks in a sheet (`sniim.sheet_blocks`), judging
whether the prices can be trusted (`sniim.validation`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milk_assets.sniim.names import AVERAGES, NATIONAL, PRICE_COLUMNS, canonical_name, known_places, series_key
from milk_assets.sniim.sheet_blocks import Block, WorkbookError, find_blocks
from milk_model.series_names import slug

__all__ = ["PRICE_STATUSES", "SAMPLE_WORD", "Workbook", "WorkbookError", "read_workbook"]

SAMPLE_WORD = "muestra"  # in the source note of every generated workbook, and never in an official one
PRICE_STATUSES = ("kept", "blank", "zero")  # there is a price; the cell is blank; the cell is 0, which also means "no price"
_AVERAGE_LABELS = {"arithmetic": "promedio-aritm", "weighted": "promedio-ponderado"}  # start of the slug of each average's label


@dataclass(frozen=True)
class Workbook:
    """One workbook as tidy frames. Prices are MXN per litre.

    Attributes:
        name: the file's name, for messages.
        prices: one row per block, city and price column, sorted by publication and series. Columns: publication, series, state, city,
            milk, channel, price, kept (one of PRICE_STATUSES: why a price is missing).
        averages: the national averages that the source states. Columns: publication, series, average ("arithmetic" or "weighted"),
            milk, channel, price.
        controls: the stated arithmetic average compared with the mean of the non-zero city prices, one row per block and price column.
            Columns: publication, milk, channel, cities (number with a price), stated, computed, difference.
        source_note: the newest block's line that names the source.
        sample: whether a source note says that the prices are generated sample data.
        unknown_names: places and headings that the table of names does not list.
        notes: unusual but harmless details, as text.
        dates: the publication dates, ascending.
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


class CityRow(NamedTuple):
    """The prices of one city in one block. prices: MXN/l in the order of PRICE_COLUMNS, NaN where the cell is blank."""

    state: str
    city: str
    prices: list[float]


class AverageRow(NamedTuple):
    """One of the two averages of a block. kind: a key of AVERAGES. prices: as in CityRow."""

    kind: str
    prices: list[float]


@dataclass(frozen=True)
class BlockRows:
    """The content of one block."""

    day: date
    cities: list[CityRow]
    averages: list[AverageRow]
    source_note: str
    unknown_labels: list[str]


def read_workbook(source: Path | bytes, name: str | None = None) -> Workbook:
    """Read a workbook from a file or from its bytes.

    Args:
        source: a path, or the content of the file.
        name: how messages call the file; the path's own name by default.

    Returns:
        The workbook. Its prices are not judged here; see `validation.validate`.

    Raises:
        WorkbookError: the file is missing or not a workbook, has no block, a header or date that cannot be understood, or text where
            a price belongs.
    """
    if isinstance(source, Path):
        name = name or source.name
        try:
            content = source.read_bytes()
        except OSError as error:
            raise WorkbookError(
                f"{name}: expected a workbook at {source}, found none to read ({error.strerror}); check the path"
            ) from error
    else:
        content = source
    name = name or "workbook"
    blocks = sorted(find_blocks(content, name), key=lambda block: block.day)
    read_blocks = [_read_block(block) for block in blocks]
    source_notes = [block.source_note for block in read_blocks if block.source_note]
    return Workbook(
        name=name,
        prices=_price_frame(read_blocks),
        averages=_average_frame(read_blocks),
        controls=_control_frame(read_blocks),
        source_note=source_notes[-1] if source_notes else "",
        sample=any(SAMPLE_WORD in slug(note).split("-") for note in set(source_notes)),
        unknown_names=_unknown_names(blocks, read_blocks),
        notes=tuple(f"block of {block.day}: {block.weekday_note}" for block in blocks if block.weekday_note),
        dates=tuple(sorted({block.day for block in blocks})),
    )


def _read_block(block: Block) -> BlockRows:
    cities: list[CityRow] = []
    averages: list[AverageRow] = []
    unknown_labels: list[str] = []
    source_note = ""
    state = ""
    for row in range(block.start, block.end):
        label = _first_text(block.sheet.rows[row])
        label_slug = slug(label)
        if label_slug.startswith("fuente"):
            source_note = label
            break
        if label_slug.startswith("promedio"):
            state = ""  # a city below an average does not belong to the state above it
            kind = next((kind for kind, start in _AVERAGE_LABELS.items() if label_slug.startswith(start)), None)
            if kind is None:
                unknown_labels.append(label)
            else:
                averages.append(AverageRow(kind, _prices_of(block, row)))
            continue
        city_row = _read_city(block, row, state)
        if city_row is not None:
            cities.append(city_row)
            state = city_row.state
    return BlockRows(block.day, cities, averages, source_note, unknown_labels)


def _first_text(row: Sequence[object]) -> str:
    """The first text of a row, without surrounding blanks; "" when it has none."""
    for cell in row:
        if isinstance(cell, str) and cell and not cell.isspace():
            return cell.strip()
    return ""


def _read_city(block: Block, row: int, state_above: str) -> CityRow | None:
    """A row with a city and its state, or None for a row without a city or above the first state.

    Raises WorkbookError when a row has prices but no city, or no state.
    """
    cells = block.sheet.rows[row]
    city = cells[block.city_column]
    has_city = isinstance(city, str) and city != "" and not city.isspace()
    state = str(cells[block.state_column]).strip() or state_above
    if has_city and state:
        return CityRow(canonical_name(state), canonical_name(str(city)), _prices_of(block, row))
    if any(isinstance(cells[column], int | float) for column in block.columns):
        if not has_city:
            raise block.sheet.error(row, block.city_column, "the name of the city whose prices are in this row")
        raise block.sheet.error(row, block.state_column, f"the state of {city}, here or on a city above it in the block")
    return None


def _prices_of(block: Block, row: int) -> list[float]:
    """The prices of a row, MXN/l in the order of PRICE_COLUMNS, NaN where the cell is blank."""
    cells = block.sheet.rows[row]
    prices = []
    for column in block.columns:
        cell = cells[column]
        if type(cell) is float:
            prices.append(cell)
        elif isinstance(cell, str) and not cell.strip():
            prices.append(float("nan"))
        elif type(cell) is int:
            prices.append(float(cell))
        else:
            raise block.sheet.error(row, column, f"a price or a blank in the block of {block.day}")
    return prices


def _price_frame(blocks: list[BlockRows]) -> pd.DataFrame:
    """`Workbook.prices`: first every city row repeated for its four price columns, then sorted."""
    rows = [row for block in blocks for row in block.cities]
    places = {(row.state, row.city) for row in rows}
    keys_of_place = {(state, city): _keys_of(state, city) for state, city in places}
    prices = _price_array(rows).ravel()
    status = np.select([np.isnan(prices), prices == 0], [1, 2], default=0)  # index in PRICE_STATUSES
    frame = pd.DataFrame(
        {
            "publication": _repeated_days(blocks, [len(block.cities) for block in blocks]),
            "series": _objects([key for row in rows for key in keys_of_place[row.state, row.city]]),
            "state": _objects([row.state for row in rows]).repeat(len(PRICE_COLUMNS)),
            "city": _objects([row.city for row in rows]).repeat(len(PRICE_COLUMNS)),
            **_milk_and_channel(len(rows)),
            "price": np.where(status == 0, prices, np.nan),
            "kept": _objects(PRICE_STATUSES)[status],
        }
    )
    return _sorted(frame)


def _average_frame(blocks: list[BlockRows]) -> pd.DataFrame:
    """`Workbook.averages`."""
    rows = [row for block in blocks for row in block.averages]
    keys_of_kind = {kind: _keys_of(NATIONAL, label) for kind, label in AVERAGES.items()}
    prices = _price_array(rows).ravel()
    frame = pd.DataFrame(
        {
            "publication": _repeated_days(blocks, [len(block.averages) for block in blocks]),
            "series": _objects([key for row in rows for key in keys_of_kind[row.kind]]),
            "average": _objects([row.kind for row in rows]).repeat(len(PRICE_COLUMNS)),
            **_milk_and_channel(len(rows)),
            "price": np.where(prices == 0, np.nan, prices),
        }
    )
    return _sorted(frame)


def _control_frame(blocks: list[BlockRows]) -> pd.DataFrame:
    """`Workbook.controls`."""
    cities, stated, computed = (np.concatenate(parts) for parts in zip(*map(_control_of, blocks), strict=True))
    return pd.DataFrame(
        {
            "publication": _repeated_days(blocks, [1] * len(blocks)),
            **_milk_and_channel(len(blocks)),
            "cities": cities,
            "stated": stated,
            "computed": computed,
            "difference": np.abs(stated - computed),
        }
    )


def _control_of(block: BlockRows) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """For each price column of a block: the number of cities with a price, the stated average, and the mean of the city prices."""
    prices = _price_array(block.cities)
    has_price = ~np.isnan(prices) & (prices != 0)
    cities = has_price.sum(axis=0)
    total = np.where(has_price, prices, 0.0).sum(axis=0)
    computed = np.divide(total, cities, out=np.full(len(PRICE_COLUMNS), np.nan), where=cities > 0)
    stated = np.full(len(PRICE_COLUMNS), np.nan)
    for row in block.averages:
        if row.kind == "arithmetic":
            stated = np.array(row.prices)
    stated[stated == 0] = np.nan
    return cities, stated, computed


def _unknown_names(blocks: list[Block], read_blocks: list[BlockRows]) -> tuple[str, ...]:
    known = known_places()
    places = {(row.state, row.city) for block in read_blocks for row in block.cities}
    unknown = {f"{city}, {state}" for state, city in places if city not in known.get(state, ())}
    unknown.update(heading for block in blocks for heading in block.unknown_headings)
    unknown.update(label for block in read_blocks for label in block.unknown_labels)
    return tuple(sorted(unknown))


def _keys_of(state: str, city: str) -> list[str]:
    """The keys of a place's four series, in the order of PRICE_COLUMNS."""
    return [series_key(state, city, milk, channel) for milk, channel in PRICE_COLUMNS]


def _price_array(rows: Sequence[CityRow | AverageRow]) -> NDArray[np.float64]:
    """The prices of rows, shape (rows, price columns)."""
    return np.array([row.prices for row in rows], dtype=float).reshape(-1, len(PRICE_COLUMNS))


def _repeated_days(blocks: list[BlockRows], rows_per_block: list[int]) -> pd.DatetimeIndex:
    """The publication date of every row and price column."""
    days = pd.DatetimeIndex([block.day for block in blocks]).as_unit("ns")
    return days.repeat(np.array(rows_per_block) * len(PRICE_COLUMNS))


def _milk_and_channel(rows: int) -> dict[str, NDArray[np.object_]]:
    """The columns milk and channel of so many rows, each repeated for its four price columns."""
    milk, channel = zip(*PRICE_COLUMNS, strict=True)
    return {"milk": np.tile(_objects(milk), rows), "channel": np.tile(_objects(channel), rows)}


def _objects(words: Sequence[str]) -> NDArray[np.object_]:
    """Text as an object array: equal words share one string, which makes the frames small and comparisons fast."""
    return np.array(words, dtype=object)


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame sorted by publication and series. Sorting the codes of the few distinct keys is much faster than sorting text."""
    series_rank = pd.Categorical(frame["series"]).codes
    order = np.lexsort((series_rank, frame["publication"].to_numpy()))
    return frame.take(order).reset_index(drop=True)
