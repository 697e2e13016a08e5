"""The publication calendar: on which dates the source is expected to publish.

Belongs here: rules about dates, plain `datetime.date` in and out. No pandas, no clock: whoever asks says which day it is.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

PUBLICATION_WEEKDAYS = frozenset(
    {0, 2, 4}
)  # Monday, Wednesday, Friday: every one of the source's 184 dates from 2024-01-03 to 2025-03-31

# Days the source stayed shut though no federal law says so: years of rules are in `closed_days`, single days here.
OBSERVED_CLOSURES = {
    date(2024, 5, 31): "no publication; the last working day before the federal election of 2 June 2024",
}

_LONGEST_WALK = 31  # days; publication days are never that far apart, so a longer walk means that the rules are wrong


def is_publication_day(day: date) -> bool:
    """Whether the source is expected to publish on a day: Monday, Wednesday or Friday, and no closed day."""
    return day.weekday() in PUBLICATION_WEEKDAYS and day not in closed_days(day.year)


def expected_publications(after: date, count: int) -> list[date]:
    """The next `count` expected publication dates, strictly after a day."""
    found: list[date] = []
    day = after
    while len(found) < count:
        day = _step(day + timedelta(days=1), 1)
        found.append(day)
    return found


def expected_between(start: date, end: date) -> list[date]:
    """Every expected publication date from `start` to `end`, both included."""
    days = (start + timedelta(days=n) for n in range((end - start).days + 1))
    return [day for day in days if is_publication_day(day)]


def newest_expected(on_or_before: date) -> date:
    """The last expected publication date not after a day."""
    return _step(on_or_before, -1)


def months_ahead(origin: date, n: int) -> date:
    """The first day of the month `n` months after the origin's; 0 is the running month."""
    months = origin.year * 12 + origin.month - 1 + n
    return date(months // 12, months % 12 + 1, 1)


@lru_cache(maxsize=64)
def closed_days(year: int) -> frozenset[date]:
    """The days of a year on which the source does not publish: federal holidays, Good Friday, observed closures.

    Federal holidays are those of article 74 of the labour law (library `holidays`). Good Friday is none of them, yet federal
    offices close: the source skipped it in 2024.
    """
    # Both take time to import, and whoever only names a date needs neither.
    from dateutil.easter import easter
    from holidays import country_holidays

    good_friday = easter(year) - timedelta(days=2)
    federal = country_holidays("MX", years=year)
    return frozenset(federal) | {good_friday} | OBSERVED_CLOSURES.keys()


def _step(day: date, direction: int) -> date:
    """The first publication day met from a day on, itself included, walking forward (1) or back (-1)."""
    for _ in range(_LONGEST_WALK):
        if is_publication_day(day):
            return day
        day += timedelta(days=direction)
    raise RuntimeError(f"no publication day within {_LONGEST_WALK} days of {day}: check the closed days of {day.year}")
