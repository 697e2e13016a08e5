"""The publication calendar: on which dates the source is expected to publish.

Belongs here: rules about dates, with plain `datetime.date` arguments and results. Not here: pandas, or a clock; the caller passes the
current day.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

# Monday, Wednesday, Friday: so fall all 184 publications from 2024-01-03 to 2025-03-31.
PUBLICATION_WEEKDAYS = frozenset({0, 2, 4})

# Single days without a publication that no rule explains; the rules that hold every year are in `closed_days`.
OBSERVED_CLOSURES = {
    date(2024, 5, 31): "no publication; the last working day before the federal election of 2 June 2024",
}

_LONGEST_SEARCH = 31  # days; publication days are never that far apart, so a longer search means that the rules are wrong


def is_publication_day(day: date) -> bool:
    """Whether the source is expected to publish on a day: a Monday, Wednesday or Friday that is not a closed day."""
    return day.weekday() in PUBLICATION_WEEKDAYS and day not in closed_days(day.year)


def expected_publications(after: date, count: int) -> list[date]:
    """The next `count` expected publication dates, strictly after a day."""
    publications: list[date] = []
    day = after
    while len(publications) < count:
        day = _nearest_publication_day(day + timedelta(days=1), 1)
        publications.append(day)
    return publications


def expected_between(start: date, end: date) -> list[date]:
    """Every expected publication date from `start` to `end`, both included."""
    days = (start + timedelta(days=n) for n in range((end - start).days + 1))
    return [day for day in days if is_publication_day(day)]


def newest_expected(on_or_before: date) -> date:
    """The last expected publication date not after a day."""
    return _nearest_publication_day(on_or_before, -1)


def months_ahead(origin: date, n: int) -> date:
    """The first day of the month `n` months after the origin's; 0 is the origin's own month."""
    months = origin.year * 12 + origin.month - 1 + n
    return date(months // 12, months % 12 + 1, 1)


@lru_cache(maxsize=64)
def closed_days(year: int) -> frozenset[date]:
    """The days of a year on which the source does not publish: federal holidays, Good Friday, observed closures.

    Federal holidays are those of article 74 of the labour law (library `holidays`). Good Friday is not one of them, but federal
    offices close on it, and the source did not publish on it in 2024.
    """
    # Imported here because both are slow to import, and most users of this module need neither.
    from dateutil.easter import easter
    from holidays import country_holidays

    good_friday = easter(year) - timedelta(days=2)
    federal = country_holidays("MX", years=year)
    return frozenset(federal) | {good_friday} | OBSERVED_CLOSURES.keys()


def _nearest_publication_day(day: date, direction: int) -> date:
    """The first publication day from a day on, itself included, forward (1) or back (-1). Raises RuntimeError."""
    for _ in range(_LONGEST_SEARCH):
        if is_publication_day(day):
            return day
        day += timedelta(days=direction)
    raise RuntimeError(f"no publication day within {_LONGEST_SEARCH} days of {day}: check the closed days of {day.year}")
