"""Decisions: which dates to request, and whether to retrain or to promote.

Belongs here: decisions about what to start and when, as pure functions of plain values. Not here: gathering these values and starting runs
(`model_sensors`, `publication_sensor`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from milk_assets.promotion.ledger.state import MAX_ATTEMPTS, LedgerState, aborted_attempts, due_change, failed_repairs
from milk_assets.sniim.calendar import expected_between, newest_expected

# Late and corrected files appear within a week. Older ones are read only on request.
LOOK_BACK = timedelta(days=7)
# Seconds between evaluations of a sensor, as often as the daemon evaluates: one costs milliseconds.
POLL_SECONDS = 30
# Dates requested per evaluation besides those of the last week: a long pause is caught up in several, each shorter than a minute.
BACKLOG_DATES = 20
FRIDAY = 4  # the week's last publication: training once a week is enough, as hyperparameters differ by less than a week's noise


@dataclass(frozen=True)
class Vintage:
    """A validated publication: its date and the sha256 of its workbook."""

    publication: date
    sha256: str


@dataclass(frozen=True)
class TrainedOn:
    """What the newest candidate was trained on, and the fingerprint of the training code."""

    vintage: Vintage
    code: str


class RequestedRun(NamedTuple):
    """A run to start: its run key, and the reason in words."""

    key: str
    reason: str


def dates_to_request(seen: Collection[date], today: date) -> list[date]:
    """The expected publication dates to request from the source, ascending.

    Before any publication was seen, these are the dates of the last week up to the newest expected one, because a workbook holds the
    whole history. Afterwards, every expected date since the newest seen one, and those of the last week again, for late and corrected
    files. Never a date before the oldest seen one, when the platform began: later workbooks hold those prices.

    Args:
        seen: Dates of the publications seen so far.
        today: Date in Mexico City.
    """
    if not seen:
        newest = newest_expected(today)
        return expected_between(newest - LOOK_BACK, newest)
    expected = expected_between(max(min(seen), min(max(seen), today - LOOK_BACK)), today)
    last_week = [day for day in expected if day >= today - LOOK_BACK]
    backlog = [day for day in expected[:BACKLOG_DATES] if day not in last_week]
    return [*backlog, *last_week]


def retrain_reason(newest: Vintage, trained: TrainedOn | None, code: str, alarm: str | None = None) -> str | None:
    """Why to train a model on the newest publication; None if no training is due.

    A training is due every week (at a Friday's publication, or the first after it), on an alarm, when the newest publication that
    was trained on has been corrected, and when the training code has changed. Several new publications are one reason, and a
    publication is not trained on twice.

    Args:
        newest: Newest validated publication.
        trained: What the newest candidate was trained on; None before the first.
        code: Fingerprint of the training code.
        alarm: What is wrong with the live errors; None if nothing is.
    """
    if trained is None:
        return "no model yet"
    if trained.code != code:
        return "training code changed"
    if newest.publication == trained.vintage.publication and newest.sha256 != trained.vintage.sha256:
        return "publication corrected"
    days = (newest.publication - trained.vintage.publication).days
    if any((trained.vintage.publication + timedelta(days=day)).weekday() == FRIDAY for day in range(1, days + 1)):
        return "weekly"
    return alarm if days > 0 else None


def promotion_work(
    state: LedgerState, is_abandoned: bool, differences: Sequence[str], at: datetime, retry_minutes: int = 10
) -> RequestedRun | None:
    """The run of the job `promote` to start; None if there is nothing to do.

    The run key contains a time slot, so that a run that fails before it changes anything is started again after `retry_minutes`.

    Args:
        state: State of the ledger.
        is_abandoned: Whether the process of the change in progress is gone.
        differences: How aliases and manifest differ from the ledger.
        at: Current time.
        retry_minutes: Length of a time slot.
    """
    slot = int(at.timestamp()) // (60 * retry_minutes)
    if state.open_intent is not None:
        if not is_abandoned:
            return None
        number = state.open_intent.number
        return RequestedRun(f"finish:{number}:{slot}", f"the process that began the change of entry {number} is gone")
    change = due_change(state)
    if change is not None:
        key = f"{change.action}:{change.cause}:{aborted_attempts(state, change)}:{slot}"
        return RequestedRun(key, f"{change.action.replace('_', ' ')} to version {change.to.version}: {change.reason}")
    if differences and state.champion is not None and failed_repairs(state) < MAX_ATTEMPTS:
        return RequestedRun(f"repair:{state.champion.version}:{slot}", "; ".join(differences))
    return None
