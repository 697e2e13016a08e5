"""Which dates are requested, and when a training or a promotion starts."""

from datetime import UTC, date, datetime, timedelta

import pytest

from milk_assets.defs.automation.decisions import TrainedOn, Vintage, dates_to_request, promotion_work, retrain_reason
from milk_assets.promotion.ledger.entries import Entry
from milk_assets.promotion.ledger.state import ledger_state
from milk_assets_tests.promotion.ledger_bodies import ledger_body

MONDAY, WEDNESDAY, FRIDAY, NEXT_MONDAY = (date(2025, 3, day) for day in (24, 26, 28, 31))
CODE = "abc"


def test_a_first_start_requests_the_last_week_only() -> None:
    assert dates_to_request((), date(2025, 3, 30)) == [date(2025, 3, 21), MONDAY, WEDNESDAY, FRIDAY]


def test_after_a_pause_every_expected_date_since_is_requested() -> None:
    dates = dates_to_request({date(2025, 3, 3)}, FRIDAY)
    assert (dates[0], dates[-1], len(dates)) == (date(2025, 3, 3), FRIDAY, 11)  # the 17th is a federal holiday


def test_after_a_long_pause_the_oldest_dates_and_the_last_week_are_requested_first() -> None:
    dates = dates_to_request({date(2024, 3, 4)}, FRIDAY)
    assert (dates[0], dates[-4:]) == (date(2024, 3, 4), [date(2025, 3, 21), MONDAY, WEDNESDAY, FRIDAY])
    assert len(dates) == 24


def test_nothing_is_requested_if_no_date_is_expected() -> None:
    assert dates_to_request({FRIDAY}, WEDNESDAY) == []


def test_the_last_week_is_requested_again_for_late_and_corrected_files() -> None:
    assert dates_to_request({date(2025, 3, 3), FRIDAY}, FRIDAY) == [date(2025, 3, 21), MONDAY, WEDNESDAY, FRIDAY]


def test_dates_before_the_first_publication_seen_are_not_requested() -> None:
    assert dates_to_request({MONDAY, FRIDAY}, FRIDAY) == [MONDAY, WEDNESDAY, FRIDAY]


@pytest.mark.parametrize(
    ("newest", "trained", "reason"),
    [
        (Vintage(MONDAY, "1"), None, "no model yet"),
        (Vintage(MONDAY, "1"), TrainedOn(Vintage(MONDAY, "1"), CODE), None),
        (Vintage(MONDAY, "2"), TrainedOn(Vintage(MONDAY, "1"), CODE), "publication corrected"),
        (Vintage(WEDNESDAY, "2"), TrainedOn(Vintage(MONDAY, "1"), CODE), None),
        (Vintage(FRIDAY, "3"), TrainedOn(Vintage(MONDAY, "1"), CODE), "weekly"),
        (Vintage(NEXT_MONDAY, "4"), TrainedOn(Vintage(WEDNESDAY, "2"), CODE), "weekly"),
        (Vintage(NEXT_MONDAY, "4"), TrainedOn(Vintage(FRIDAY, "3"), CODE), None),
        (Vintage(MONDAY, "1"), TrainedOn(Vintage(MONDAY, "1"), "old"), "training code changed"),
    ],
)
def test_a_training_is_due_weekly_on_corrections_and_on_changed_code(
    newest: Vintage, trained: TrainedOn | None, reason: str | None
) -> None:
    assert retrain_reason(newest, trained, CODE) == reason


def test_a_failed_repair_is_retried_after_ten_minutes_and_at_most_three_times() -> None:
    served = {"version": 2, "bundle": "2" * 64, "is_baseline": False}
    at = datetime(2025, 3, 28, 18, 0, tzinfo=UTC)
    entries = [Entry(1, at, "test", ledger_body("applied", action="promote", to=served))]
    differences = ["the alias names nothing, the ledger version 2"]
    keys = set()
    for minute in range(30):
        work = promotion_work(ledger_state(entries), False, differences, at + timedelta(minutes=minute))
        if work is None:
            break
        if work[0] not in keys:  # Dagster starts one run per key
            keys.add(work[0])
            entries.append(Entry(len(entries) + 1, at, "test", ledger_body("aborted", action="repair", to=served)))
    assert len(keys) == 3
    assert promotion_work(ledger_state(entries[:1]), False, [], at) is None
