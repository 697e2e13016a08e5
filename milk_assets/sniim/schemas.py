"""Schemas: the columns of the tidy frames, what each means, and what always holds of it.

Belongs here: column lists and checks of one row or one frame. What takes knowledge of the source lives in `proof`.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pandera.pandas as pa

from milk_assets.sniim.names import AVERAGES, CHANNELS, MILKS
from milk_assets.sniim.workbook import KEPT


def _words(holds: Callable[[str], bool], expected: str, description: str) -> pa.Column:
    """A column of text. Its few words repeat in thousands of rows: looking at the distinct ones is ten times faster."""

    def every_word_holds(column: pd.Series) -> bool:
        return all(isinstance(word, str) and holds(word) for word in column.unique())

    return pa.Column(object, pa.Check(every_word_holds, error=f"expected {expected}"), description=description)


def _one_of(words: tuple[str, ...], description: str) -> pa.Column:
    return _words(words.__contains__, f"one of {', '.join(words)}", description)


def _is_key(word: str) -> bool:
    parts = word.split("/")
    return len(parts) == 4 and all(parts)


_PUBLICATION = pa.Column("datetime64[ns]", description="publication date, as the block states it")
_SERIES = _words(_is_key, "a key state/city/milk/channel", "series key, state/city/milk/channel in slugs")
_MILK = _one_of(MILKS, "pasteurised or uht (ultrapasteurised)")
_CHANNEL = _one_of(CHANNELS, "where it is sold: store or supermarket")


def _a_price_is_there_when_kept(frame: pd.DataFrame) -> bool:
    return bool((frame["price"].notna() == (frame["kept"] == "kept")).all())


PRICES = pa.DataFrameSchema(
    {
        "publication": _PUBLICATION,
        "series": _SERIES,
        "state": _words(bool, "a name", "state, canonical name"),
        "city": _words(bool, "a name", "city, canonical name"),
        "milk": _MILK,
        "channel": _CHANNEL,
        "price": pa.Column(
            float, pa.Check.gt(0), nullable=True, description="consumer price, MXN per litre; null when there is none"
        ),
        "kept": _one_of(KEPT, "kept, or why the price is null: a blank cell, or a 0"),
    },
    checks=pa.Check(_a_price_is_there_when_kept, error="expected a price exactly where kept says so"),
    strict=True,
    ordered=True,
    name="prices",
)

AVERAGE_PRICES = pa.DataFrameSchema(
    {
        "publication": _PUBLICATION,
        "series": _SERIES,
        "average": _one_of(tuple(AVERAGES), "arithmetic, or weighted by population"),
        "milk": _MILK,
        "channel": _CHANNEL,
        "price": pa.Column(
            float, pa.Check.gt(0), nullable=True, description="national average as the source states it, MXN per litre"
        ),
    },
    strict=True,
    ordered=True,
    name="averages",
)
