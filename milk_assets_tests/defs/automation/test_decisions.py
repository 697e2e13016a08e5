"""What is due, and when nothing is."""

from datetime import UTC, date, datetime, timedelta

import pytest

from milk_assets.defs.automation.decisions import Trained, Vintage, dates_to_look_at, promotion_work, retrain_reason
from milk_assets.promotion.ledger import Entry
from milk_assets.promotion.state import fold

MONDAY, WEDNESDAY, FRIDAY, NEXT_MONDAY = (date(2025, 3, day) for day in (24, 26, 28, 31))
CODE = "abc"


def test_a_first_start_looks_at_the_last_week_only() -> None:
    assert dates_to_look_at((), date(2025, 3, 30)) == [date(2025, 3, 21), MONDAY, WEDNESDAY, FRIDAY]


def test_after_a_pause_every_expected_date_since_is_asked_for() -> None:
    asked = dates_to_look_at({date(2025, 3, 3)}, FRIDAY)
    assert (asked[0], asked[-1], len(asked)) == (date(2025, 3, 3), FRIDAY, 11)  # the 17th is a federal holiday


def test_after_a_long_pause_the_oldest_dates_and_the_last_week_are_asked_for_first() -> None:
    asked = dates_to_look_at({date(2024, 3, 4)}, FRIDAY)
    assert (asked[0], asked[-4:]) == (date(2024, 3, 4), [date(2025, 3, 21), MONDAY, WEDNESDAY, FRIDAY])
    assert len(asked) == 24


def test_nothing_is_asked_for_where_nothing_is_expected() -> None:
    assert dates_to_look_at({FRIDAY}, WEDNESDAY) == []


def test_the_last_week_is_looked_at_again_for_late_and_corrected_files() -> None:
    assert dates_to_look_at({date(2025, 3, 3), FRIDAY}, FRIDAY) == [date(2025, 3, 21), MONDAY, WEDNESDAY, FRIDAY]


def test_nothing_is_asked_for_from_before_the_first_publication_seen() -> None:
    assert dates_to_look_at({MONDAY, FRIDAY}, FRIDAY) == [MONDAY, WEDNESDAY, FRIDAY]


@pytest.mark.parametrize(
    ("newest", "trained", "reason"),
    [
        (Vintage(MONDAY, "1"), None, "no model yet"),
        (Vintage(MONDAY, "1"), Trained(Vintage(MONDAY, "1"), CODE), None),
        (Vintage(MONDAY, "2"), Trained(Vintage(MONDAY, "1"), CODE), "publication corrected"),
        (Vintage(WEDNESDAY, "2"), Trained(Vintage(MONDAY, "1"), CODE), None),
        (Vintage(FRIDAY, "3"), Trained(Vintage(MONDAY, "1"), CODE), "weekly"),
        (Vintage(NEXT_MONDAY, "4"), Trained(Vintage(WEDNESDAY, "2"), CODE), "weekly"),
        (Vintage(NEXT_MONDAY, "4"), Trained(Vintage(FRIDAY, "3"), CODE), None),
        (Vintage(MONDAY, "1"), Trained(Vintage(MONDAY, "1"), "old"), "training code changed"),
    ],
)
def test_a_model_is_due_weekly_on_corrections_and_on_changed_code(
    newest: Vintage, trained: Trained | None, reason: str | None
) -> None:
    assert retrain_reason(newest, trained, CODE) == reason


def test_a_repair_that_fails_is_tried_again_after_a_while_and_three_times_at_most() -> None:
    served = {"version": 2, "bundle": "2" * 64, "is_baseline": False}
    body = {"action": "promote", "to": served, "publication": None, "cause": None, "reason": "x"}
    at = datetime(2025, 3, 28, 18, 0, tzinfo=UTC)
    entries = [Entry(1, "applied", at, "test", body)]
    differing = ["the alias names nothing, the ledger version 2"]
    keys = set()
    for minute in range(30):
        work = promotion_work(fold(entries), False, differing, at + timedelta(minutes=minute))
        if work is None:
            break
        if work[0] not in keys:  # Dagster starts a run once for each key
            keys.add(work[0])
            entries.append(Entry(len(entries) + 1, "aborted", at, "test", body | {"action": "repair"}))
    assert len(keys) == 3
    assert promotion_work(fold(entries[:1]), False, [], at) is None
