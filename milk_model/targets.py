"""Targets: the windows of future publications that are forecast, and how far ahead they are.

Belongs here: horizons, and the arithmetic from expected dates to windows. Not here: the calendar that predicts publication dates, see
`milk_assets.sniim.calendar`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Task = Literal["publication", "month"]
Dates = NDArray[np.datetime64]

PUBLICATION_LEADS = (*range(1, 14), 26)  # publications ahead: each one of the next month, and one two months ahead
MONTH_LEADS = tuple(range(7))  # calendar months ahead; 0 is the running month


@dataclass(frozen=True)
class Window:
    """A run of consecutive future publications whose mean price is forecast.

    Attributes:
        task: "publication" or "month".
        lead: Publications or months ahead, as in the forecasts frame.
        target: Expected publication date, or the first day of the month.
        first: Publications ahead at which the window starts; 1 is the next publication.
        last: Publications ahead at which it ends, inclusive. Less than `first` when no publication is left.
        past: Number of newest rows of the history that belong to the target: the running month's publications so far.
    """

    task: Task
    lead: int
    target: np.datetime64
    first: int
    last: int
    past: int = 0

    @property
    def size(self) -> int:
        """Number of publications still to come."""
        return max(self.last - self.first + 1, 0)

    @property
    def distance(self) -> float:
        """Mean number of publications ahead; 0 when none is left."""
        return (self.first + self.last) / 2 if self.size else 0.0


def windows_from(dates: Dates, expected: Dates) -> list[Window]:
    """Every target of the two tasks, as seen from the last of `dates`.

    Args:
        dates: (T,) publications so far, datetime64[D], ascending. The last one is the origin.
        expected: (E,) publication dates to come, ascending, beyond the end of the sixth month ahead.

    Returns:
        Windows of task "publication" in the order of PUBLICATION_LEADS, then of task "month" in the order of MONTH_LEADS.

    Raises:
        ValueError: The expected dates do not follow the origin, or end too early.
    """
    dates, expected = dates.astype("datetime64[D]"), expected.astype("datetime64[D]")
    origin = dates[-1]
    running_month = origin.astype("datetime64[M]")
    last_month = running_month + MONTH_LEADS[-1]
    if len(expected) < max(PUBLICATION_LEADS) or expected[0] <= origin or expected[-1].astype("datetime64[M]") <= last_month:
        raise ValueError(
            f"expected publications must follow the origin {origin} and reach beyond {last_month}, "
            f"got {len(expected)} from {expected[:1]} to {expected[-1:]}: request more dates from the calendar"
        )
    windows = [Window("publication", lead, expected[lead - 1], lead, lead) for lead in PUBLICATION_LEADS]
    expected_months = expected.astype("datetime64[M]")
    for lead in MONTH_LEADS:
        month = running_month + lead
        first, end = np.searchsorted(expected_months, [month, month + 1])
        past = int((dates.astype("datetime64[M]") == running_month).sum()) if lead == 0 else 0
        windows.append(Window("month", lead, month.astype("datetime64[D]"), int(first) + 1, int(end), past))
    return windows
