"""What is due, and when nothing is."""

from datetime import date

import pytest

from milk_assets.automation import Trained, Vintage, dates_to_look_at, retrain_reason

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
