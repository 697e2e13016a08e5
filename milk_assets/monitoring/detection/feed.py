"""Feed: whether the source changes its past, still publishes new prices, and is on time.

Belongs here: comparing vintages, counting publications without a change, deadlines. Not here: whether one workbook is valid
(`milk_assets.sniim.validation`) and how its markets move (`market_drift`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from pydantic import Field

from milk_assets.monitoring.detection.drift_signals import PRICE_TOLERANCE
from milk_assets.monitoring.detection.stored_document import MonitoringDocument, MonitoringPart
from milk_assets.settings import TIMEZONE
from milk_assets.sniim.calendar import expected_between

DEADLINE_DAYS, DEADLINE_HOUR = 1, 12
"""A publication that was not read by noon of the next day is late. The source publishes on the day itself; the night and the morning
leave time for a file that appears in the evening and for the hourly poll."""
FROZEN_PUBLICATIONS = 2
"""Publications in a row without any changed price that make a frozen feed. On the real file at least 14 of 185 prices changed at each
of 183 publications, so one would be enough; the second tolerates a publication that was repeated once."""
RESTATEMENT_COLUMNS = ("publication", "series", "old", "new", "kind")


class RestatedPast(MonitoringPart):
    """How much of the past a vintage changed.

    Attributes:
        against: The vintage that it was compared with; None for the first vintage.
        prices: Number of prices that differ.
        dates: Number of publication dates on which prices differ.
        first: The first of these dates, YYYY-MM-DD.
        last: The last of them.
    """

    against: str | None
    prices: int
    dates: int
    first: str | None = None
    last: str | None = None


class FeedReport(MonitoringDocument):
    """The feed of one publication.

    Attributes:
        publication: Date of the publication.
        workbook: sha256 of its workbook.
        restated: How much of the past it changed.
        unchanged_publications: Newest publications in a row that changed no price.
        new_series: Series that have a price for the first time.
    """

    publication: date
    workbook: str
    restated: RestatedPast
    unchanged_publications: int = Field(validation_alias="unchanged", serialization_alias="unchanged")
    new_series: tuple[str, ...] = ()

    @property
    def is_frozen(self) -> bool:
        """Whether the feed counts as frozen."""
        return self.unchanged_publications >= FROZEN_PUBLICATIONS


def restatements(previous: pd.DataFrame, current: pd.DataFrame) -> pd.DataFrame:
    """Prices that differ between two vintages, on the dates that the earlier one has.

    Args:
        previous: Prices frame of the earlier vintage.
        current: Prices frame of the later vintage.

    Returns:
        RESTATEMENT_COLUMNS, by date and series. old, new: MXN/l, null for none. kind: `changed`, `removed` (the price, its series or its
        whole block is gone) or `added` (a price where there was none).
    """
    keys = ["publication", "series"]
    shared_dates = current[current["publication"].isin(previous["publication"].unique())]
    both = previous[[*keys, "price"]].merge(shared_dates[[*keys, "price"]], on=keys, how="outer", suffixes=("_old", "_new"))
    old, new = both["price_old"], both["price_new"]
    kind = np.select(
        [
            old.notna() & new.notna() & ((old - new).abs() > PRICE_TOLERANCE),
            old.notna() & new.isna(),
            old.isna() & new.notna(),
        ],
        ["changed", "removed", "added"],
        default="",
    )
    table = both.assign(old=old, new=new, kind=kind)
    differing: pd.DataFrame = table.loc[kind != "", list(RESTATEMENT_COLUMNS)]
    return differing.sort_values(keys, ignore_index=True)


def feed_document(
    publication: date,
    workbook: str,
    prices: pd.DataFrame,
    restated: pd.DataFrame,
    against: str | None,
    series: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The feed report of a publication, as it is stored in JSON.

    Args:
        publication: Date of the publication.
        workbook: sha256 of its workbook.
        prices: Its prices frame.
        restated: Its `restatements`.
        against: Name of the vintage that it was compared with.
        series: Its `new_series`.

    Returns:
        A FeedReport as plain values.
    """
    dates = sorted(restated["publication"].dt.strftime("%Y-%m-%d").unique())
    report = FeedReport(
        publication=publication,
        workbook=workbook,
        restated=RestatedPast(
            against=against,
            prices=len(restated),
            dates=len(dates),
            first=dates[0] if dates else None,
            last=dates[-1] if dates else None,
        ),
        unchanged_publications=unchanged_publications(prices),
        new_series=series,
    )
    return report.model_dump(mode="json", by_alias=True)


def new_series(previous: pd.DataFrame, current: pd.DataFrame) -> tuple[str, ...]:
    """Series that have a price in the current vintage and none anywhere in the previous one, sorted."""
    before = set(previous.loc[previous["price"].notna(), "series"])
    return tuple(sorted(set(current.loc[current["price"].notna(), "series"]) - before))


def unchanged_publications(prices: pd.DataFrame) -> int:
    """Number of newest publications in a row that changed no price; 0 where the newest one did, or is the only one."""
    wide = prices.pivot(index="publication", columns="series", values="price").sort_index().ffill()
    has_changes = (wide.diff().abs() > PRICE_TOLERANCE).any(axis=1).to_numpy()[1:]
    return int(np.argmax(has_changes[::-1])) if has_changes.any() else len(has_changes)


@dataclass(frozen=True)
class LatePublications:
    """Expected publications that were not read before their deadline. dates: ascending, at least one."""

    dates: tuple[date, ...]

    def __str__(self) -> str:
        newest_dates = ", ".join(day.isoformat() for day in self.dates[-3:])
        if len(self.dates) == 1:
            return f"1 expected publication has not been read: {newest_dates}"
        return f"{len(self.dates)} expected publications have not been read, the last ones: {newest_dates}"


def late_publications(newest: date, now: datetime) -> LatePublications | None:
    """The publications after `newest` whose deadline has passed; None where none is late.

    Args:
        newest: The newest publication that was read and validated.
        now: Current time, with its time zone.
    """
    today = now.astimezone(ZoneInfo(TIMEZONE)).date()
    overdue = [day for day in expected_between(newest + timedelta(days=1), today) if deadline(day) <= now]
    return LatePublications(tuple(overdue)) if overdue else None


def deadline(publication: date) -> datetime:
    """The time by which a publication should have been read, in Mexico City."""
    return datetime.combine(publication + timedelta(days=DEADLINE_DAYS), time(DEADLINE_HOUR), ZoneInfo(TIMEZONE))
