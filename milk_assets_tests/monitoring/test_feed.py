"""Feed and quarantine: differences between vintages, frozen prices, late publications, unconfirmed jumps."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from milk_assets.monitoring.detection.feed import (
    FeedReport,
    deadline,
    feed_document,
    late_publications,
    new_series,
    restatements,
    unchanged_publications,
)
from milk_assets.monitoring.detection.quarantine import quarantine

DAYS = pd.to_datetime(["2025-03-24", "2025-03-26", "2025-03-28", "2025-03-31"])


def at(*parts: int) -> datetime:
    """A time in Mexico City."""
    return datetime(*parts, tzinfo=ZoneInfo("America/Mexico_City"))


def frame(**series: list[float | None]) -> pd.DataFrame:
    rows = [(day, name, price) for name, prices in series.items() for day, price in zip(DAYS, prices, strict=False)]
    return pd.DataFrame(rows, columns=["publication", "series", "price"]).astype({"price": float})


def test_a_restatement_lists_each_price_with_its_old_value():
    before = frame(a=[20, 21, 22], b=[30, None, 32], c=[10, 10, 10])
    after = frame(a=[20, 21.5, 22, 23], b=[30, 31, None, 33])
    table = restatements(before, after)
    assert table.fillna(0).values.tolist() == [
        [DAYS[0], "c", 10, 0, "removed"],
        [DAYS[1], "a", 21, 21.5, "changed"],
        [DAYS[1], "b", 0, 31, "added"],
        [DAYS[1], "c", 10, 0, "removed"],
        [DAYS[2], "b", 32, 0, "removed"],
        [DAYS[2], "c", 10, 0, "removed"],
    ]


def test_new_publications_and_float_rounding_are_not_restatements():
    before = frame(a=[0.1 + 0.2], b=[None])
    assert restatements(before, frame(a=[0.3, 20.0], b=[None, 5.0])).empty


def test_a_removed_block_is_a_restatement():
    before = frame(a=[20, 21, 22])
    assert list(restatements(before, before[before["publication"] != DAYS[1]])["kind"]) == ["removed"]


def test_a_new_series_is_named():
    assert new_series(frame(a=[20], b=[None]), frame(a=[20, 21], b=[None, 30], c=[1, 1])) == ("b", "c")


def test_publications_without_a_change_are_counted_from_the_newest():
    assert unchanged_publications(frame(a=[20, 21, 21, 21], b=[30, 30, 30, 30])) == 2
    assert unchanged_publications(frame(a=[20, 21, 21, 21], b=[30, 30, 30, 31])) == 0
    assert unchanged_publications(frame(a=[20, 20, None, 20])) == 3
    assert unchanged_publications(frame(a=[20])) == 0


def test_a_publication_is_late_from_noon_of_the_day_after():
    assert deadline(date(2025, 3, 31)) == at(2025, 4, 1, 12)
    assert late_publications(date(2025, 3, 28), at(2025, 4, 1, 11, 59)) is None
    overdue = late_publications(date(2025, 3, 28), at(2025, 4, 1, 12, 0))
    assert overdue.dates == (date(2025, 3, 31),)
    assert str(overdue) == "1 expected publication has not been read: 2025-03-31"
    assert late_publications(date(2025, 3, 28), datetime(2025, 4, 1, 18, tzinfo=UTC)) == overdue, "any time zone works"
    assert len(late_publications(date(2025, 3, 28), at(2025, 4, 8)).dates) == 3


def test_a_holiday_is_not_late():
    # 2025-04-18 is Good Friday
    assert late_publications(date(2025, 4, 16), at(2025, 4, 20, 23)) is None
    assert late_publications(date(2025, 4, 16), at(2025, 4, 22, 13)).dates == (date(2025, 4, 21),)


def test_a_short_promotion_goes_into_quarantine_and_stays_out():
    result = quarantine(frame(a=[38, 30, 38, 38]))
    assert result.held.values.tolist() == [[DAYS[1], "a", 30.0, 38.0, "not confirmed"]]
    assert result.prices["price"].fillna(0).tolist() == [38, 0, 38, 38]


def test_a_jump_stays_in_quarantine_until_a_second_publication_confirms_it():
    awaited = quarantine(frame(a=[30, 38]))
    assert awaited.held["reason"].tolist() == ["awaited"]
    assert np.isnan(awaited.prices["price"].iloc[-1])
    confirmed = quarantine(frame(a=[30, 38, 38.5]))
    assert confirmed.held["reason"].tolist() == ["confirmed"]
    assert confirmed.prices["price"].tolist() == [30, 38, 38.5]


def test_a_missing_price_neither_confirms_nor_ends_a_jump():
    assert quarantine(frame(a=[30, 38, None])).held["reason"].tolist() == ["awaited"]
    assert quarantine(frame(a=[30, 38, None, 38])).held["reason"].tolist() == ["confirmed"]


def test_a_jump_from_a_jump_goes_into_quarantine_too():
    result = quarantine(frame(a=[30, 38, 50, 50]))
    assert result.held["reason"].tolist() == ["not confirmed", "confirmed"]
    assert result.prices["price"].fillna(0).tolist() == [30, 0, 50, 50]


def test_small_changes_and_first_prices_do_not_go_into_quarantine():
    prices = frame(a=[20, 22.9, 26, 22.5], b=[None, 5, 5.7, 5])
    result = quarantine(prices)
    assert result.held.empty
    assert list(result.held.columns) == ["publication", "series", "price", "previous", "reason"]
    assert result.prices["price"].equals(prices["price"])


def test_the_stored_document_is_read_with_and_without_newer_fields():
    prices = frame(a=[20, 21, 21, 21])
    document = feed_document(date(2025, 3, 31), "a" * 64, prices, restatements(prices, prices), "2025-03-28")
    assert document == {
        "schema_version": 1,
        "publication": "2025-03-31",
        "workbook": "a" * 64,
        "restated": {"against": "2025-03-28", "prices": 0, "dates": 0, "first": None, "last": None},
        "unchanged": 2,
        "new_series": [],
    }
    report = FeedReport.model_validate(document)
    assert report.is_frozen
    newer_fields = ("schema_version", "new_series")
    assert FeedReport.model_validate({key: value for key, value in document.items() if key not in newer_fields}) == report
