"""Retry-After: a number of seconds, an HTTP date, or nothing that can be read."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from milk_assets.defs.resources.retry_after import retry_after_seconds


@pytest.mark.parametrize(("header", "seconds"), [("17", 17.0), (" 0 ", 0.0), ("1.5", 1.5)])
def test_a_number_is_seconds(header: str, seconds: float) -> None:
    assert retry_after_seconds(header) == seconds


def test_a_date_gives_the_seconds_until_then_and_a_past_date_none_to_wait() -> None:
    now = datetime.now(UTC)
    assert 15 <= (retry_after_seconds(format_datetime(now + timedelta(seconds=20), usegmt=True)) or 0) <= 20
    assert retry_after_seconds(format_datetime(now - timedelta(days=1), usegmt=True)) == 0


@pytest.mark.parametrize("header", [None, "", "soon", "-3", "nan", "inf", "1e9"])
def test_a_missing_or_unreadable_header_gives_nothing(header: str | None) -> None:
    assert retry_after_seconds(header) is None
