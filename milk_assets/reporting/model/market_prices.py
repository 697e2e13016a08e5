"""The published prices in the shape the report's sections compute on.

Belongs here: the wide view of the prices and averages frames as known on one publication. Sections say what it means.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from milk_assets.reporting.model.report import ReportError
from milk_assets.reporting.text.formatting import CHANNEL, MILK
from milk_assets.sniim.names import AVERAGES, NATIONAL, series_key

CENT = 0.005
"""MXN. Prices are published to the centavo; a smaller difference is the arithmetic of floats, not a change."""


@dataclass(frozen=True)
class Market:
    """Prices and averages up to one publication.

    prices: T publications x N series that ever had a price, MXN/l, NaN where missing. names: N rows by series: state, city, milk,
    channel as readers see them, plus the codes milk_code and channel_code. averages: T x 8, columns (average, milk, channel).
    newest: the prices frame's rows of the publication, silent series included.
    """

    publication: pd.Timestamp
    prices: pd.DataFrame
    names: pd.DataFrame
    averages: pd.DataFrame
    newest: pd.DataFrame

    @property
    def last_known(self) -> pd.DataFrame:
        """Prices with each gap filled by the price before it."""
        return self.prices.ffill()

    @property
    def every_price(self) -> pd.DataFrame:
        """Last known prices and both national averages, by series key."""
        keys = [series_key(NATIONAL, AVERAGES[key[0]], key[1], key[2]) for key in self.averages.columns.tolist()]
        means = self.averages.set_axis(keys, axis=1)
        return self.last_known.join(means)

    def named(self, frame: pd.DataFrame) -> pd.DataFrame:
        """That frame, which has a `series` column, with state, city, milk and channel as readers see them."""
        return frame.merge(self.names[["state", "city", "milk", "channel"]], left_on="series", right_index=True, how="left")

    def in_words(self, frame: pd.DataFrame) -> pd.DataFrame:
        """That frame, which has the codes `milk` and `channel`, with them as readers see them."""
        return frame.assign(milk=frame["milk"].map(MILK), channel=frame["channel"].map(CHANNEL))

    def before(self, moment: pd.Timestamp) -> pd.Timestamp | None:
        """The newest publication on or before a day, or None when the record begins later."""
        known = self.prices.index[self.prices.index <= moment]
        return None if known.empty else known[-1]


def build_market(prices: pd.DataFrame, averages: pd.DataFrame, publication: date) -> Market:
    """The market as known on `publication`, from the prices and averages frames (long, one row a date x series).

    ReportError when the frames hold nothing, or their newest publication is another day: figures must not carry a wrong date.
    """
    moment = pd.Timestamp(publication)
    prices = prices[prices["publication"] <= moment]
    averages = averages[averages["publication"] <= moment]
    for what, frame in (("prices", prices), ("averages", averages)):
        newest = frame["publication"].max()
        if pd.isna(newest) or newest != moment:
            found = "nothing up to it" if pd.isna(newest) else f"{newest.date()} as the newest"
            raise ReportError(
                f"Report of {publication}: expected {what} of that publication, found {found}. Read its workbook first."
            )
    wide = prices.pivot(index="publication", columns="series", values="price").sort_index()
    wide = wide.loc[:, wide.notna().any()]
    names = (
        prices.drop_duplicates("series", keep="last").set_index("series")[["state", "city", "milk", "channel"]].loc[wide.columns]
    )
    codes = names[["milk", "channel"]].set_axis(["milk_code", "channel_code"], axis=1)
    names = names.assign(milk=names["milk"].map(MILK), channel=names["channel"].map(CHANNEL)).join(codes)
    means = averages.pivot(index="publication", columns=["average", "milk", "channel"], values="price").reindex(wide.index)
    return Market(moment, wide, names, means, prices[prices["publication"] == moment])


def runs(values: np.ndarray) -> np.ndarray:
    """Lengths of the runs of equal neighbours in a series of prices without gaps, oldest first; the last one is still open."""
    breaks = np.flatnonzero(np.abs(np.diff(values)) > CENT) + 1
    return np.diff(np.concatenate([[0], breaks, [len(values)]]))
