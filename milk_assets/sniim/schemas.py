"""Schemas: the columns of the tidy frames, what each means, and what always holds for it.

Belongs here: column lists and checks of one row or one frame. Not here: checks that need knowledge of the source, which are in
`sniim.validation`.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pandera.pandas as pa

from milk_assets.sniim.names import AVERAGES, CHANNELS, MILKS
from milk_assets.sniim.workbook import PRICE_STATUSES


def _text_column(is_valid: Callable[[str], bool], expected: str, description: str) -> pa.Column:
    """A column of text. Few distinct words repeat in thousands of rows, so checking the distinct ones is ten times faster."""

    def every_word_is_valid(column: pd.Series) -> bool:
        return all(isinstance(word, str) and is_valid(word) for word in column.unique())

    return pa.Column(object, pa.Check(every_word_is_valid, error=f"expected {expected}"), description=description)


def _one_of(words: tuple[str, ...], description: str) -> pa.Column:
    return _text_column(words.__contains__, f"one of {', '.join(words)}", description)


def _is_series_key(word: str) -> bool:
    parts = word.split("/")
    return len(parts) == 4 and all(parts)


_PUBLICATION = pa.Column("datetime64[ns]", description="publication date, as the block states it")
_SERIES = _text_column(_is_series_key, "a key state/city/milk/channel", "series key, state/city/milk/channel in slugs")
_MILK = _one_of(MILKS, "pasteurised or uht (ultrapasteurised)")
_CHANNEL = _one_of(CHANNELS, "where it is sold: store or supermarket")


def _has_a_price_exactly_where_kept(frame: pd.DataFrame) -> bool:
    return bool((frame["price"].notna() == (frame["kept"] == "kept")).all())


PRICES = pa.DataFrameSchema(
    {
        "publication": _PUBLICATION,
        "series": _SERIES,
        "state": _text_column(bool, "a name", "state, canonical name"),
        "city": _text_column(bool, "a name", "city, canonical name"),
        "milk": _MILK,
        "channel": _CHANNEL,
        "price": pa.Column(
            float, pa.Check.gt(0), nullable=True, description="consumer price, MXN per litre; null without a price"
        ),
        "kept": _one_of(PRICE_STATUSES, "kept, or why the price is null: a blank cell, or a 0"),
    },
    checks=pa.Check(_has_a_price_exactly_where_kept, error="expected a price in exactly the rows whose kept is 'kept'"),
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
