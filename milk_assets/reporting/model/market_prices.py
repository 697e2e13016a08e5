"""Market prices: the published prices and averages in the wide shape that sections compute on.

Belongs here: the view of the prices known at one publication. Not here: what the figures mean (`sections`).
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from milk_assets.reporting.model.report import ReportError
from milk_assets.reporting.text.formatting import CHANNEL_TEXTS, MILK_TEXTS
from milk_assets.sniim.names import AVERAGES, NATIONAL, series_key

PRICE_TOLERANCE = 0.005
"""MXN per litre. Prices are published to the centavo; a smaller difference is floating-point arithmetic, not a change."""


@dataclass(frozen=True)
class MarketPrices:
    """Prices and averages up to one publication.

    Attributes:
        publication: Date of the newest prices.
        prices: T publications x N series that ever had a price, MXN per litre, NaN where missing.
        names: N rows by series key: state, city, milk and channel as readers see them, and the codes milk_code and channel_code.
        averages: T publications x 8 national averages, MXN per litre; columns (average, milk, channel).
        newest_rows: Rows of the long prices frame at `publication`, including series without a price.
    """

    publication: pd.Timestamp
    prices: pd.DataFrame
    names: pd.DataFrame
    averages: pd.DataFrame
    newest_rows: pd.DataFrame

    @property
    def last_known(self) -> pd.DataFrame:
        """Prices with each gap filled by the price before it."""
        return self.prices.ffill()

    @property
    def prices_and_averages(self) -> pd.DataFrame:
        """Last known prices and both national averages, by series key."""
        codes = zip(*(self.averages.columns.get_level_values(name) for name in ("average", "milk", "channel")), strict=True)
        keys = [series_key(NATIONAL, AVERAGES[average], milk, channel) for average, milk, channel in codes]
        return self.last_known.join(self.averages.set_axis(keys, axis=1))

    def with_names(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Add state, city, milk and channel, as readers see them, to a frame that has a `series` column."""
        return frame.merge(self.names[["state", "city", "milk", "channel"]], left_on="series", right_index=True, how="left")

    def with_labels(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Replace the codes in the columns `milk` and `channel` of a frame by their labels."""
        return frame.assign(milk=frame["milk"].map(MILK_TEXTS), channel=frame["channel"].map(CHANNEL_TEXTS))

    def newest_until(self, day: pd.Timestamp) -> pd.Timestamp | None:
        """Return the newest publication on or before a day, or None when the record begins later."""
        earlier = self.prices.index[self.prices.index <= day]
        return None if earlier.empty else earlier[-1]

    @property
    def month_ago(self) -> pd.Timestamp | None:
        """The newest publication at least a month before this one, or None when the record begins later."""
        return self.newest_until(self.publication - pd.DateOffset(months=1))

    @property
    def year_ago(self) -> pd.Timestamp | None:
        """The newest publication at least a year before this one, or None when the record begins later."""
        return self.newest_until(self.publication - pd.DateOffset(years=1))

    def series_of(self, milk: str, channel: str) -> pd.DataFrame:
        """Return the rows of `names` of one market."""
        return self.names[(self.names["milk_code"] == milk) & (self.names["channel_code"] == channel)]


def build_market_prices(prices: pd.DataFrame, averages: pd.DataFrame, publication: date) -> MarketPrices:
    """Build the view of the prices known at a publication.

    Args:
        prices: The prices frame, one row per date and series.
        averages: The averages frame, one row per date and average.
        publication: Later rows are ignored.

    Raises:
        ReportError: When a frame has no row up to `publication`, or its newest row is of another day: figures must not carry a
            wrong date.
    """
    newest_day = pd.Timestamp(publication)
    prices = prices[prices["publication"] <= newest_day]
    averages = averages[averages["publication"] <= newest_day]
    for subject, frame in (("prices", prices), ("averages", averages)):
        newest = frame["publication"].max()
        if pd.isna(newest) or newest != newest_day:
            description = "nothing up to it" if pd.isna(newest) else f"{newest.date()} as the newest"
            raise ReportError(
                f"Report of {publication}: expected {subject} of that publication, found {description}. Read its workbook first."
            )
    wide = prices.pivot(index="publication", columns="series", values="price").sort_index()
    wide = wide.loc[:, wide.notna().any()]
    names = prices.drop_duplicates("series", keep="last").set_index("series")
    names = names.loc[wide.columns, ["state", "city", "milk", "channel"]]
    codes = names[["milk", "channel"]].set_axis(["milk_code", "channel_code"], axis=1)
    names = names.assign(milk=names["milk"].map(MILK_TEXTS), channel=names["channel"].map(CHANNEL_TEXTS)).join(codes)
    means = averages.pivot(index="publication", columns=["average", "milk", "channel"], values="price").reindex(wide.index)
    return MarketPrices(newest_day, wide, names, means, prices[prices["publication"] == newest_day])


def run_lengths(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the lengths of the runs of equal neighbours in prices without gaps, oldest first; the last run is still open."""
    breaks = np.flatnonzero(np.abs(np.diff(values)) > PRICE_TOLERANCE) + 1
    return np.diff(np.concatenate([[0], breaks, [len(values)]]))
