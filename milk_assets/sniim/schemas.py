"""Schemas: the tidy frames read from a workbook, as pandera types.

Belongs here: columns, units, and checks of one row or one frame. Not here: checks that need knowledge of the source, which are in
`sniim.validation`.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import DataFrame, Series

from milk_assets.sniim.names import AVERAGES, CHANNELS, MILKS
from milk_assets.sniim.workbook import PRICE_STATUSES


def _every_word(column: pd.Series, is_valid: Callable[[str], bool]) -> bool:
    """Whether a check holds for every distinct word. Few words repeat in thousands of rows, so this is ten times faster than by row."""
    return all(isinstance(word, str) and is_valid(word) for word in column.unique())


def _is_series_key(word: str) -> bool:
    parts = word.split("/")
    return len(parts) == 4 and all(parts)


class _MarketFrame(pa.DataFrameModel):
    """What city prices and national averages have in common."""

    publication: Series[pa.DateTime] = pa.Field(description="publication date, as the block states it")
    series: Series[object] = pa.Field(description="series key, state/city/milk/channel in slugs")
    milk: Series[object] = pa.Field(description="pasteurised or uht (ultrapasteurised)")
    channel: Series[object] = pa.Field(description="where it is sold: store or supermarket")

    class Config:
        """No other columns."""

        strict = True

    @pa.check("series", error="expected a key state/city/milk/channel")
    def series_is_a_key(cls, column: pd.Series) -> bool:  # noqa: N805  # pandera checks are class methods
        return _every_word(column, _is_series_key)

    @pa.check("milk", error=f"expected one of {', '.join(MILKS)}")
    def milk_is_known(cls, column: pd.Series) -> bool:  # noqa: N805
        return _every_word(column, MILKS.__contains__)

    @pa.check("channel", error=f"expected one of {', '.join(CHANNELS)}")
    def channel_is_known(cls, column: pd.Series) -> bool:  # noqa: N805
        return _every_word(column, CHANNELS.__contains__)


class PricesFrame(_MarketFrame):
    """City prices, long format: one row per publication and series."""

    state: Series[object] = pa.Field(description="state, canonical name")
    city: Series[object] = pa.Field(description="city, canonical name")
    price: Series[float] = pa.Field(gt=0, nullable=True, description="consumer price, MXN per litre; null without a price")
    kept: Series[object] = pa.Field(description="kept, or why the price is null: a blank cell, or a 0")

    @pa.check("state", "city", error="expected a name")
    def places_have_names(cls, column: pd.Series) -> bool:  # noqa: N805
        return _every_word(column, bool)

    @pa.check("kept", error=f"expected one of {', '.join(PRICE_STATUSES)}")
    def status_is_known(cls, column: pd.Series) -> bool:  # noqa: N805
        return _every_word(column, PRICE_STATUSES.__contains__)

    @pa.dataframe_check(error="expected a price in exactly the rows whose kept is 'kept'")
    def has_a_price_exactly_where_kept(cls, frame: pd.DataFrame) -> bool:  # noqa: N805
        return bool((frame["price"].notna() == (frame["kept"] == "kept")).all())


class AveragesFrame(_MarketFrame):
    """National averages as the source states them: one row per publication, average and market."""

    average: Series[object] = pa.Field(description="arithmetic, or weighted by population")
    price: Series[float] = pa.Field(gt=0, nullable=True, description="national average as the source states it, MXN per litre")

    @pa.check("average", error=f"expected one of {', '.join(AVERAGES)}")
    def average_is_known(cls, column: pd.Series) -> bool:  # noqa: N805
        return _every_word(column, AVERAGES.__contains__)


Prices = DataFrame[PricesFrame]
Averages = DataFrame[AveragesFrame]
