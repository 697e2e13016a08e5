"""The calendar: the dates it expects are those on which the source published."""

import subprocess
import sys
from datetime import date

import pytest

from milk_assets.sniim.calendar import (
    expected_between,
    expected_publications,
    is_publication_day,
    months_ahead,
    newest_expected,
)
from milk_assets.sniim.workbook import read_workbook


def test_the_calendar_expects_exactly_the_dates_of_the_real_workbook(real_workbook):
    dates = read_workbook(real_workbook).dates
    assert expected_between(date(2024, 1, 3), date(2025, 3, 31)) == list(dates)
    assert len(dates) == 184


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (date(2024, 3, 29), "Good Friday"),
        (date(2024, 5, 31), "observed closure"),
        (date(2024, 12, 25), "Christmas on a Wednesday"),
        (date(2025, 2, 3), "Constitution Day, moved to a Monday"),
        (date(2025, 3, 17), "Juárez's birthday, moved to a Monday"),
        (date(2025, 3, 25), "a Tuesday"),
        (date(2025, 4, 18), "Good Friday of another year"),
        (date(2030, 10, 1), "a Tuesday, and a change of government"),
    ],
)
def test_a_closed_day_is_not_a_publication_day(day, why):
    assert not is_publication_day(day), why


@pytest.mark.parametrize("day", [date(2024, 11, 20), date(2024, 3, 27), date(2025, 3, 31), date(2025, 3, 21)])
def test_a_day_with_a_publication_is_a_publication_day(day):
    assert is_publication_day(day)


def test_the_next_publications_skip_holidays_and_the_day_itself():
    assert expected_publications(date(2025, 4, 14), 3) == [date(2025, 4, 16), date(2025, 4, 21), date(2025, 4, 23)]
    assert expected_publications(date(2025, 3, 31), 0) == []


def test_dates_between_include_both_ends_and_are_empty_when_the_end_is_first():
    assert expected_between(date(2025, 3, 26), date(2025, 3, 31)) == [date(2025, 3, 26), date(2025, 3, 28), date(2025, 3, 31)]
    assert expected_between(date(2025, 3, 31), date(2025, 3, 28)) == []


def test_the_newest_expected_date_is_the_day_itself_or_the_one_before():
    assert newest_expected(date(2025, 3, 31)) == date(2025, 3, 31)
    assert newest_expected(date(2025, 1, 2)) == date(2024, 12, 30)


def test_months_ahead_cross_the_year():
    assert [months_ahead(date(2025, 11, 28), n) for n in (0, 1, 2, 14)] == [
        date(2025, 11, 1),
        date(2025, 12, 1),
        date(2026, 1, 1),
        date(2027, 1, 1),
    ]


def test_importing_the_calendar_loads_no_heavy_library():
    heavy = "pandas", "numpy", "holidays", "dateutil"
    code = f"import sys, milk_assets.sniim.calendar; print([name for name in {heavy} if name in sys.modules])"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
