"""Targets: the windows of future publications that are forecast, and how far off they are.

Belongs here: horizons, and the arithmetic from expected dates to windows. The calendar that expects dates does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Task = Literal["publication", "month"]
Dates = NDArray[np.datetime64]

LEADS = (*range(1, 14), 26)  # publications ahead: a month of them one by one, then two months
MONTHS = tuple(range(7))  # calendar months ahead: 0 is the running month


@dataclass(frozen=True)
class Window:
    """A run of future publications whose mean price is forecast.

    first, last: publications ahead, 1 the next one; first > last when none is left. lead and target as in the forecasts table.
    past: rows of the history that count toward the target (the running month's publications so far), newest last.
    """

    task: Task
    lead: int
    target: np.datetime64
    first: int
    last: int
    past: int = 0

    @property
    def size(self) -> int:
        """Publications still to come."""
        return max(self.last - self.first + 1, 0)

    @property
    def distance(self) -> float:
        """Mean publications ahead."""
        return (self.first + self.last) / 2 if self.size else 0.0


def windows_from(dates: Dates, expected: Dates) -> list[Window]:
    """Every target of the two tasks, as seen from the last of `dates`.

    dates: (T,) publications so far, datetime64[D]. expected: the publications to come, in order, at least to the end of the sixth
    month ahead. Raises ValueError when they end too early or do not follow the origin.
    """
    dates, expected = dates.astype("datetime64[D]"), expected.astype("datetime64[D]")
    origin = dates[-1]
    running = origin.astype("datetime64[M]")
    if len(expected) < max(LEADS) or expected[0] <= origin or expected[-1].astype("datetime64[M]") <= running + MONTHS[-1]:
        raise ValueError(
            f"expected publications must follow the origin {origin} and reach beyond {running + MONTHS[-1]}, "
            f"got {len(expected)} from {expected[:1]} to {expected[-1:]}: ask the calendar for more"
        )
    windows = [Window("publication", lead, expected[lead - 1], lead, lead) for lead in LEADS]
    months = expected.astype("datetime64[M]")
    for lead in MONTHS:
        first, end = np.searchsorted(months, [running + lead, running + lead + 1])
        past = int((dates.astype("datetime64[M]") == running).sum()) if lead == 0 else 0
        windows.append(Window("month", lead, (running + lead).astype("datetime64[D]"), int(first) + 1, int(end), past))
    return windows
