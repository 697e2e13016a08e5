"""Ledger state: what the entries of the ledger add up to.

Belongs here: who is served, who decides, which change is in progress and which is due, as pure functions of entries. Not here: carrying
a change out (`promotion.change_champion`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar, cast

from milk_assets.promotion.ledger.entries import (
    AbortedBody,
    Action,
    AnyEntry,
    AppliedBody,
    DecisionBody,
    Entry,
    FloorBody,
    IntentBody,
    Mode,
    ModeBody,
    VerdictBody,
)
from milk_assets.promotion.manifest import ChampionManifest, ModelVersion

MAX_ATTEMPTS = 3  # of a change that starts by itself; after that a person has to look, who got an alert for each failure

AnyVerdict = TypeVar("AnyVerdict", bound=VerdictBody)


@dataclass(frozen=True)
class Change:
    """A change of champion.

    Attributes:
        action: Why the champion changes.
        to: Version to serve.
        expected: Champion that the change was decided against; None before the first.
        reason: Why, as a code or in a person's words.
        publication: Newest publication when it was decided, YYYY-MM-DD.
        cause: Number of the entry that it follows from; None for a person's.
    """

    action: Action
    to: ModelVersion
    expected: ModelVersion | None
    reason: str
    publication: str | None = None
    cause: int | None = None


@dataclass(frozen=True)
class ContenderHistory:
    """What the gate uses of the ledger when it judges a contender.

    Attributes:
        mode: Who decides.
        passed_on: Publications on which the contender has passed, without a failure in between, ascending.
        rolled_back_on: Newest publication at the last rollback; None if it never happened.
    """

    mode: Mode = "auto"
    passed_on: tuple[date, ...] = ()
    rolled_back_on: date | None = None


@dataclass(frozen=True)
class LedgerState:
    """What the entries add up to.

    Attributes:
        entries: All entries in order.
        champion: Version of the last change that was applied; None before the first.
        served_before: Versions served before the champion, newest last.
        mode: Who decides.
        rolled_back_on: Newest publication at the last rollback; None if it never happened.
        open_intent: Begin of the change that is in progress; None without one.
    """

    entries: tuple[AnyEntry, ...]
    champion: ModelVersion | None
    served_before: tuple[ModelVersion, ...]
    mode: Mode
    rolled_back_on: date | None
    open_intent: Entry[IntentBody] | None

    @property
    def head(self) -> int:
        """Number of the last entry; 0 in an empty ledger."""
        return len(self.entries)

    def contender_history(self, contender: str) -> ContenderHistory:
        """What the gate uses of the ledger when it judges a contender."""
        return ContenderHistory(self.mode, _passed_on(self.entries, contender), self.rolled_back_on)

    def newest(self, body_type: type[AnyVerdict]) -> Entry[AnyVerdict] | None:
        """The newest verdict of a kind.

        Newest is that of the newest publication, because older publications are judged again when they are corrected.
        """
        verdicts = [cast("Entry[AnyVerdict]", entry) for entry in self.entries if isinstance(entry.body, body_type)]
        return max(verdicts, key=lambda entry: (entry.body.publication, entry.number), default=None)

    @property
    def on_trial(self) -> str | None:
        """The contender that has passed and must be judged again, fitted again but not tuned; None without one."""
        decision = self.newest(DecisionBody)
        if decision is None or decision.body.decision.verdict not in {"trial", "hold"}:
            return None
        has_changed = any(_replaces_champion(entry) for entry in self.entries[decision.number :])
        return None if has_changed else decision.body.contender

    @property
    def contract(self) -> Mapping[str, Any] | None:
        """Facts of the last served version that was not the baseline, even if the baseline has replaced it; None before the first."""
        for entry in reversed(self.entries):
            if isinstance(entry.body, AppliedBody) and not entry.body.to.is_baseline:
                return entry.body.facts
        return None


def ledger_state(entries: Sequence[AnyEntry]) -> LedgerState:
    """The state that entries add up to.

    Args:
        entries: All entries, or the first of them for the state at that time, in order.
    """
    served: list[ModelVersion] = []
    mode: Mode = "auto"
    rolled_back_on: date | None = None
    open_intent: Entry[IntentBody] | None = None
    for entry in entries:
        body = entry.body
        if isinstance(body, ModeBody):
            mode = body.mode
        elif isinstance(body, IntentBody):
            open_intent = cast("Entry[IntentBody]", entry)
        elif isinstance(body, AbortedBody):
            open_intent = None
        elif isinstance(body, AppliedBody):
            open_intent = None
            _update_served(served, body)
            if body.action == "rollback" and body.publication:
                rolled_back_on = date.fromisoformat(body.publication)
    champion = served[-1] if served else None
    return LedgerState(tuple(entries), champion, tuple(served[:-1]), mode, rolled_back_on, open_intent)


def due_change(state: LedgerState) -> Change | None:
    """The change that the ledger calls for without a person; None if the champion stays.

    A fall-back comes before a promotion and happens in every mode, because no change is always safe to serve. A decision that was taken
    against another champion does not count.
    """
    decision, floor = state.newest(DecisionBody), state.newest(FloorBody)
    if state.champion is None:
        if decision is None:
            return None
        baseline, publication = decision.body.baseline, decision.body.publication
        return _unless_exhausted(state, Change("first", baseline, None, "nothing was served", publication, decision.number))
    if floor is not None and floor.body.decision.verdict == "fall_back":
        change = _change_from_verdict("fall_back", floor, floor.body.decision.reason, floor.body.baseline, state)
        if change is not None:
            return change
    if decision is not None and decision.body.decision.verdict == "promote" and state.mode == "auto":
        return _change_from_verdict("promote", decision, decision.body.decision.reason, decision.body.challenger, state)
    return None


def rollback_change(state: LedgerState, reason: str, publication: str | None) -> Change | None:
    """The change back to the version served before; None without one."""
    if not state.served_before:
        return None
    return Change("rollback", state.served_before[-1], state.champion, reason, publication)


def repair_change(state: LedgerState) -> Change | None:
    """The change that puts aliases and manifest back to what the ledger says; None before the first champion."""
    if state.champion is None:
        return None
    return Change("repair", state.champion, state.champion, "manifest or alias differed from the ledger")


def aborted_attempts(state: LedgerState, change: Change) -> int:
    """How many attempts at a change were aborted."""
    return sum(isinstance(entry.body, AbortedBody) and entry.body.cause == change.cause for entry in state.entries)


def failed_repairs(state: LedgerState) -> int:
    """How many repairs were aborted since the last change that was applied."""
    count = 0
    for entry in reversed(state.entries):
        if isinstance(entry.body, AppliedBody):
            break
        count += isinstance(entry.body, AbortedBody) and entry.body.action == "repair"
    return count


def disagreements(state: LedgerState, manifest: ChampionManifest | None, alias: int | None) -> list[str]:
    """How the manifest and the alias differ from the ledger, in words; empty during a change and before the first champion.

    Args:
        state: State of the ledger.
        manifest: The manifest as a reader sees it.
        alias: Version that the alias `champion` points to.
    """
    if state.open_intent is not None or state.champion is None:
        return []
    differences = []
    if manifest is None or manifest.model_version != state.champion:
        differences.append(f"the manifest names {version_label(manifest)}")
    if alias != state.champion.version:
        differences.append(f"the alias names {'nothing' if alias is None else f'version {alias}'}")
    return [f"{difference}, the ledger {state.champion.label}" for difference in differences]


def version_label(version: ModelVersion | None) -> str:
    """A version in words; `nothing` for None."""
    return "nothing" if version is None else version.label


def _update_served(served: list[ModelVersion], applied: AppliedBody) -> None:
    if applied.action == "rollback" and len(served) > 1:
        served.pop()  # rolling back twice goes back two versions, not to the one that was left
    elif not served or served[-1] != applied.to:
        served.append(applied.to)


def _change_from_verdict(
    action: Action, verdict: Entry[VerdictBody], reason: str, to: ModelVersion, state: LedgerState
) -> Change | None:
    judged_champion = verdict.body.champion
    if judged_champion is None or judged_champion != state.champion or to == state.champion:
        return None
    if any(_replaces_champion(entry) for entry in state.entries[verdict.number :]):
        return None  # the champion was replaced since, even if it is served again now
    return _unless_exhausted(state, Change(action, to, state.champion, reason, verdict.body.publication, verdict.number))


def _unless_exhausted(state: LedgerState, change: Change) -> Change | None:
    return change if aborted_attempts(state, change) < MAX_ATTEMPTS else None


def _replaces_champion(entry: AnyEntry) -> bool:
    """Whether an entry replaces the champion by another model.

    The first champion does not count: it is the baseline, with which every decision before it was compared already.
    """
    return isinstance(entry.body, AppliedBody) and entry.body.action not in {"repair", "first"}


def _passed_on(entries: Sequence[AnyEntry], contender: str) -> tuple[date, ...]:
    """Publications of the newest decisions that a contender passed, back to a failure, another contender or another champion."""
    publications: list[date] = []
    for entry in reversed(entries):
        if _replaces_champion(entry):
            break
        if not isinstance(entry.body, DecisionBody):
            continue
        publication = date.fromisoformat(entry.body.publication)
        if publication in publications:
            continue  # the publication was decided again later: the newest decision counts
        if entry.body.contender != contender or not entry.body.decision.passed:
            break
        publications.append(publication)
    return tuple(sorted(publications))
