"""State: what the ledger's entries amount to.

Belongs here: folding entries into who serves, who decides, what is under way and what is due, as pure functions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal, cast

from milk_assets.promotion.ledger import Entry

# first: nothing was served. repair: aliases or manifest are put back to what the ledger says.
Action = Literal["first", "promote", "fall_back", "rollback", "repair"]
Mode = Literal["auto", "manual", "frozen"]
TRIES = 3  # of a change that is due by itself; what fails three times is for a person, who has been told each time


@dataclass(frozen=True)
class Served:
    """What names a model version wherever it is mentioned."""

    version: int
    bundle: str
    is_baseline: bool

    def to_document(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @staticmethod
    def from_document(values: Mapping[str, Any]) -> "Served":
        """The version that a document names; it may say more."""
        return Served(int(values["version"]), str(values["bundle"]), bool(values["is_baseline"]))


@dataclass(frozen=True)
class Change:
    """A change of champion. expected: the champion it was decided against. cause: the number of the entry that asks for it.

    publication: the newest one known when it was decided, YYYY-MM-DD.
    """

    action: Action
    to: Served
    expected: Served | None
    reason: str
    publication: str | None = None
    cause: int | None = None


@dataclass(frozen=True)
class Standing:
    """What the ledger says at the time of a decision.

    mode: who decides. passed_on: publications on which this contender passed before, without failing in between. rolled_back_on:
    the publication known at the last rollback.
    """

    mode: Mode = "auto"
    passed_on: tuple[date, ...] = ()
    rolled_back_on: date | None = None

    def to_document(self) -> dict[str, Any]:
        """Plain values, for the ledger."""
        return {
            "mode": self.mode,
            "passed_on": [day.isoformat() for day in self.passed_on],
            "rolled_back_on": self.rolled_back_on and self.rolled_back_on.isoformat(),
        }

    @staticmethod
    def from_document(values: Mapping[str, Any]) -> "Standing":
        """The standing that `to_document` wrote."""
        back = values["rolled_back_on"]
        passed = tuple(date.fromisoformat(day) for day in values["passed_on"])
        return Standing(values["mode"], passed, date.fromisoformat(back) if back else None)


@dataclass(frozen=True)
class State:
    """What the ledger amounts to.

    champion: the last version applied. before: the versions served before it, newest last. rolled_back_on: the publication known
    at the last rollback. open: an intent that has no end yet.
    """

    entries: tuple[Entry, ...]
    champion: Served | None
    before: tuple[Served, ...]
    mode: Mode
    rolled_back_on: date | None
    open: Entry | None

    @property
    def head(self) -> int:
        """The number of the last entry; 0 before there is one."""
        return len(self.entries)

    def standing(self, contender: str) -> Standing:
        """What the gate needs to know of the past of a contender."""
        return Standing(self.mode, _passed_on(self.entries, contender), self.rolled_back_on)

    def newest(self, kind: str) -> Entry | None:
        """The newest entry of a kind: of the newest publication, where it is about one, since older ones are judged again when they
        are corrected."""
        found = [entry for entry in self.entries if entry.kind == kind]
        return max(found, key=lambda entry: (entry.body.get("publication") or "", entry.number), default=None)

    @property
    def on_trial(self) -> str | None:
        """The contender that has passed and must be judged again, refitted and not tuned anew; None where there is none."""
        decision = self.newest("decision")
        if decision is None or decision.body["decision"]["verdict"] not in {"trial", "hold"}:
            return None
        changed = any(_replaces(entry) for entry in self.entries[decision.number :])
        return None if changed else str(decision.body["contender"])

    @property
    def contract(self) -> Mapping[str, Any] | None:
        """What the last model that served says of itself, though no change may have taken its place since; None before the first."""
        models = (entry for entry in reversed(self.entries) if entry.kind == "applied" and not entry.body["to"]["is_baseline"])
        return next((entry.body.get("facts") for entry in models), None)


def fold(entries: Sequence[Entry]) -> State:
    """What entries amount to, in order."""
    served: list[Served] = []
    mode: Mode = "auto"
    rolled_back_on: date | None = None
    underway: Entry | None = None
    for entry in entries:
        if entry.kind == "mode":
            mode = cast(Mode, entry.body["mode"])
        elif entry.kind == "intent":
            underway = entry
        elif entry.kind in {"applied", "aborted"}:
            if entry.kind == "applied":
                _serve(served, entry)
                if entry.body["action"] == "rollback" and entry.body["publication"]:
                    rolled_back_on = date.fromisoformat(entry.body["publication"])
            underway = None
    champion = served[-1] if served else None
    return State(tuple(entries), champion, tuple(served[:-1]), mode, rolled_back_on, underway)


def _serve(served: list[Served], applied: Entry) -> None:
    to = Served.from_document(applied.body["to"])
    if applied.body["action"] == "rollback" and len(served) > 1:
        served.pop()  # rolling back twice goes back two versions, not to the one that was left
    elif not served or served[-1] != to:
        served.append(to)


def due(state: State) -> Change | None:
    """The change that the ledger asks for by itself; None where the champion stays.

    A fall-back comes before a promotion, and acts in every mode: no change is never wrong to serve. A decision that was taken
    against another champion is void.
    """
    decision, floor = state.newest("decision"), state.newest("floor")
    if state.champion is None:
        if decision is None:
            return None
        to = Served.from_document(decision.body["baseline"])
        return _unless_tried(
            state, Change("first", to, None, "nothing was served", decision.body["publication"], decision.number)
        )
    if floor is not None and floor.body["decision"]["verdict"] == "fall_back":
        change = _change("fall_back", floor, floor.body["baseline"], state)
        if change is not None:
            return change
    if decision is not None and decision.body["decision"]["verdict"] == "promote" and state.mode == "auto":
        return _change("promote", decision, decision.body["challenger"], state)
    return None


def rollback(state: State, reason: str, publication: str | None) -> Change | None:
    """The change back to what was served before; None where nothing was."""
    return Change("rollback", state.before[-1], state.champion, reason, publication) if state.before else None


def _change(action: Action, asked: Entry, to: Mapping[str, Any], state: State) -> Change | None:
    against = asked.body["champion"]
    if against is None or Served.from_document(against) != state.champion or Served.from_document(to) == state.champion:
        return None
    if any(_replaces(entry) for entry in state.entries[asked.number :]):
        return None  # the champion changed since, and changed back: what was decided then is not decided now
    reason = asked.body["decision"]["reason"]
    change = Change(action, Served.from_document(to), state.champion, reason, asked.body["publication"], asked.number)
    return _unless_tried(state, change)


def _replaces(entry: Entry) -> bool:
    """Whether an entry puts another model in the champion's place. The first is no change, against which everything before it was
    judged already."""
    return entry.kind == "applied" and entry.body["action"] not in {"repair", "first"}


def failed_repairs(state: State) -> int:
    """How many repairs were aborted one after the other, up to now."""
    count = 0
    for entry in reversed(state.entries):
        if entry.kind == "applied":
            break
        count += entry.kind == "aborted" and entry.body["action"] == "repair"
    return count


def _unless_tried(state: State, change: Change) -> Change | None:
    return change if tries(state, change) < TRIES else None


def tries(state: State, change: Change) -> int:
    """How often a change was begun and aborted."""
    return sum(entry.kind == "aborted" and entry.body["cause"] == change.cause for entry in state.entries)


def _passed_on(entries: Sequence[Entry], contender: str) -> tuple[date, ...]:
    """Publications of the newest decisions in which a contender passed, back to the first that it did not, or another champion."""
    found: dict[date, bool] = {}
    for entry in reversed(entries):
        if _replaces(entry):
            break
        if entry.kind != "decision":
            continue
        day = date.fromisoformat(entry.body["publication"])
        if day in found:
            continue  # decided again: the newest counts
        if entry.body["contender"] != contender or not entry.body["decision"]["passed"]:
            break
        found[day] = True
    return tuple(sorted(found))
