"""What is due: which dates to look at, whether to retrain, forecast or promote.

Belongs here: decisions about when, as pure functions of plain values. The sensors gather what they need and carry them out.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from milk_assets.promotion.state import TRIES, State, due, failed_repairs, tries
from milk_assets.sniim.calendar import expected_between, newest_expected

# A file that is late or corrected turns up within the week; older ones are read on request only.
LOOK_BACK = timedelta(days=7)
POLL_SECONDS = (
    30  # between looks at the lake, the daemon's own beat: a look costs milliseconds, and a publication comes every other day
)
AT_ONCE = 20  # dates asked for in one look, beside the last week's: a long pause is caught up with in several, none longer than a minute
FRIDAY = 4  # the week's last publication: a model a week is enough, recipes differ by less than a week's noise


@dataclass(frozen=True)
class Vintage:
    """A proven publication: its date and the sha256 of its workbook."""

    publication: date
    sha256: str


@dataclass(frozen=True)
class Trained:
    """What the newest candidate was trained on, and with which code."""

    vintage: Vintage
    code: str


def dates_to_look_at(seen: Collection[date], today: date) -> list[date]:
    """The expected publication dates to ask the source about, ascending.

    seen: publications known already. Nothing seen: only the newest expected one, because a workbook holds the whole history.
    Otherwise every expected date since the newest seen one, and those of the last week again: late, or corrected. None before the
    oldest seen one: that is when the platform began, and later workbooks hold what was before.
    """
    if not seen:
        newest = newest_expected(today)
        return expected_between(newest - LOOK_BACK, newest)
    expected = expected_between(max(min(seen), min(max(seen), today - LOOK_BACK)), today)
    recent = [day for day in expected if day >= today - LOOK_BACK]
    return [*(day for day in expected[:AT_ONCE] if day not in recent), *recent]


def retrain_reason(newest: Vintage, trained: Trained | None, code: str, alarm: str | None = None) -> str | None:
    """Why a model is to be trained on the newest publication; None where none is due.

    alarm: what is wrong with the live errors, None where nothing is. A model is due each week (at a Friday's publication, or the first
    after it), on an alarm, when the newest data it saw were corrected, and when the training code changed. Several publications at
    once are one reason, and a publication that was trained on is not trained on again.
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
    state: State, abandoned: bool, differing: Sequence[str], at: datetime, retry_minutes: int = 10
) -> tuple[str, str] | None:
    """What the job `promote` is to be started for: the run's key and the reason in words; None where there is nothing to do.

    abandoned: whether the change that is under way has lost its process. differing: how aliases and manifest differ from the ledger.
    A run that fails before it changes anything is started again after `retry_minutes`.
    """
    slot = int(at.timestamp()) // (60 * retry_minutes)
    if state.open is not None:
        number = state.open.number
        return (f"finish:{number}:{slot}", f"entry {number} lost its process") if abandoned else None
    change = due(state)
    if change is not None:
        key = f"{change.action}:{change.cause}:{tries(state, change)}:{slot}"
        return key, f"{change.action.replace('_', ' ')} to version {change.to.version}: {change.reason}"
    if differing and state.champion is not None and failed_repairs(state) < TRIES:
        return f"repair:{state.champion.version}:{slot}", "; ".join(differing)
    return None
