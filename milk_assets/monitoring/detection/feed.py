"""The feed: whether the source still says what it said, still moves, and is on time.

Belongs here: comparing vintages, counting publications without a change, deadlines. Whether one workbook can be believed is
`milk_assets.sniim.validation`'s, what a market does is `drift`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from milk_assets.monitoring.detection.drift_signals import CENT
from milk_assets.settings import TIMEZONE
from milk_assets.sniim.calendar import expected_between

DEADLINE_DAYS, DEADLINE_HOUR = 1, 12
"""A publication not read by noon of the day after its date is late. The source publishes on the day itself; the night and a morning
leave room for a file that is put up in the evening and for an hourly look."""
FROZEN = 2
"""Publications in a row without any changed price that make a frozen feed. On the real file at least 14 of 185 prices changed at each
of 183 publications, so one would do; the second spares a publication that was repeated once."""
RESTATEMENT_COLUMNS = ("publication", "series", "old", "new", "kind")


def restatements(previous: pd.DataFrame, current: pd.DataFrame) -> pd.DataFrame:
    """What two vintages say differently of the dates that the earlier one held: RESTATEMENT_COLUMNS, in date order.

    previous, current: prices frames. old, new: MXN/l, null for none. kind: changed, removed (a price, a series or a whole block that
    is gone), added (a price where there was none).
    """
    keys = ["publication", "series"]
    held = current[current["publication"].isin(previous["publication"].unique())]
    both = previous[[*keys, "price"]].merge(held[[*keys, "price"]], on=keys, how="outer", suffixes=("_old", "_new"))
    old, new = both["price_old"], both["price_new"]
    kind = np.select(
        [old.notna() & new.notna() & ((old - new).abs() > CENT), old.notna() & new.isna(), old.isna() & new.notna()],
        ["changed", "removed", "added"],
        default="",
    )
    table = both.assign(old=old, new=new, kind=kind)
    differing: pd.DataFrame = table.loc[kind != "", list(RESTATEMENT_COLUMNS)]
    return differing.sort_values(keys, ignore_index=True)


def feed_document(
    publication: date, workbook: str, prices: pd.DataFrame, past: pd.DataFrame, against: str | None, series: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What is to be told of a publication's feed, as plain values.

    workbook: its sha256. past: its `restatements` against the vintage named `against`. series: its `new_series`.
    """
    dates = sorted(past["publication"].dt.strftime("%Y-%m-%d").unique())
    restated = {"against": against, "prices": len(past), "dates": len(dates)}
    restated |= {"first": dates[0] if dates else None, "last": dates[-1] if dates else None}
    return {
        "publication": publication.isoformat(),
        "workbook": workbook,
        "restated": restated,
        "unchanged": unchanged_publications(prices),
        "new_series": list(series),
    }


def new_series(previous: pd.DataFrame, current: pd.DataFrame) -> tuple[str, ...]:
    """Series that have a price in the current vintage and had none in the whole of the previous one, sorted."""
    before = set(previous.loc[previous["price"].notna(), "series"])
    return tuple(sorted(set(current.loc[current["price"].notna(), "series"]) - before))


def unchanged_publications(prices: pd.DataFrame) -> int:
    """How many of the newest publications, in a row, changed no price at all; 0 where the newest one did, or is the only one."""
    wide = prices.pivot(index="publication", columns="series", values="price").sort_index().ffill()
    moved = (wide.diff().abs() > CENT).any(axis=1).to_numpy()[1:]
    return int(np.argmax(moved[::-1])) if moved.any() else len(moved)


@dataclass(frozen=True)
class Late:
    """Expected publications whose deadline has passed and that were not read: their dates, ascending."""

    dates: tuple[date, ...]

    def __str__(self) -> str:
        told = ", ".join(day.isoformat() for day in self.dates[-3:])
        return f"{len(self.dates)} expected {'publication' if len(self.dates) == 1 else 'publications'} not read: {told}"


def late(newest: date, now: datetime) -> Late | None:
    """The publications after `newest` that should have been read by `now`; None where none is late.

    newest: the newest proven publication. now: with its zone.
    """
    today = now.astimezone(ZoneInfo(TIMEZONE)).date()
    due = [day for day in expected_between(newest + timedelta(days=1), today) if deadline(day) <= now]
    return Late(tuple(due)) if due else None


def deadline(publication: date) -> datetime:
    """Until when a publication should have been read, in Mexico City's time."""
    return datetime.combine(publication + timedelta(days=DEADLINE_DAYS), time(DEADLINE_HOUR), ZoneInfo(TIMEZONE))
