"""Change champion: replaces the served model completely or not at all, under races and when a process dies.

Belongs here: the order of the steps, undoing them, and finishing or undoing an interrupted change. Not here: deciding on a change
(`promotion.gate`, `promotion.floor`, `promotion.ledger.state`).

The ledger is the lock. An intent is an entry whose number no one else can take, and while it has no end no other change begins. The steps
are: intent, bundle verified, aliases, manifest (compare-and-swap), smoke test, applied. When a process dies in between, its intent remains:
if the manifest names the new version already, the change is finished, otherwise it is undone.
"""

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from milk_assets.promotion.ledger.entries import (
    AbortedBody,
    AnyEntry,
    AppliedBody,
    ChangeBody,
    EndBody,
    Entry,
    Holder,
    IntentBody,
    ServedBefore,
)
from milk_assets.promotion.ledger.ledger import Ledger, LedgerStore
from milk_assets.promotion.ledger.state import (
    Change,
    LedgerState,
    disagreements,
    due_change,
    ledger_state,
    repair_change,
    version_label,
)
from milk_assets.promotion.manifest import ChampionManifest, ModelVersion
from milk_model.artefact_paths import SERVED

CHAMPION, PREVIOUS_CHAMPION = "champion", "previous_champion"  # aliases
LEASE = timedelta(seconds=120)  # a change takes seconds: a holder on another machine without an end after this is considered dead
SWAP_ATTEMPTS = 5  # of the manifest, when data are published at the same time
MANIFEST_SCHEMA = 1

End = TypeVar("End", bound=EndBody)


class ChampionChangeError(RuntimeError):
    """A change of champion was not carried out: why, and what to do. The served version is still the same."""


class ChangeInProgressError(ChampionChangeError):
    """Another change is in progress."""


class AliasRegistry(Protocol):
    """The aliases of the model registry."""

    def set_alias(self, alias: str, version: int) -> None: ...
    def version_number_of_alias(self, alias: str) -> int | None: ...
    def delete_alias(self, alias: str) -> None: ...


class ArtefactStore(LedgerStore, Protocol):
    """The store of the ledger and the manifest. `Lake` is one."""

    def read_tagged(self, path: str) -> tuple[bytes, str] | None: ...
    def replace_json(self, path: str, document: Any, tag: str | None) -> bool: ...
    def remove(self, path: str) -> None: ...


@dataclass(frozen=True)
class PromotionContext:
    """What a change of champion works with.

    Attributes:
        ledger: The ledger.
        store: Store of the manifest.
        registry: Aliases of the model registry.
        verify_bundle: Reads a version's bundle, scores its golden rows and returns its facts.
        smoke_test: Forecasts with the version that a manifest names; raises if the forecasts are not plausible prices.
        now: Current time, UTC.
        actor: Person or run, for the ledger.
    """

    ledger: Ledger
    store: ArtefactStore
    registry: AliasRegistry
    verify_bundle: Callable[[ModelVersion], Mapping[str, Any]]
    smoke_test: Callable[[ChampionManifest], None]
    now: Callable[[], datetime]
    actor: str

    def state(self) -> LedgerState:
        """The current state of the ledger."""
        return ledger_state(self.ledger.entries())

    def manifest(self) -> ChampionManifest | None:
        """The manifest as a reader sees it; None if it does not exist or is damaged."""
        stored = self.store.read_tagged(SERVED)
        return None if stored is None else ChampionManifest.parse(stored[0])


def carry_out(change: Change, context: PromotionContext) -> Entry[AppliedBody]:
    """Carry out a change of champion.

    Returns:
        The ledger entry that records it as applied.

    Raises:
        ChangeInProgressError: Another change is in progress.
        ChampionChangeError: Another champion is served than the change expects, or the mode no longer allows it.
        Exception: A step failed; everything was put back, and the ledger has an entry `aborted`.
    """
    recover(context)
    state = context.state()
    if state.open_intent is not None:  # another process began since `recover` looked
        raise ChangeInProgressError(f"{state.open_intent.actor} began a change at this moment: try again in two minutes")
    if change.action == "promote" and change.cause is not None and state.mode != "auto":
        raise ChampionChangeError(f"the mode is {state.mode} since the promotion was decided: a person has to promote")
    if state.champion != change.expected:
        raise ChampionChangeError(
            f"{change.action} was decided against {version_label(change.expected)}, but {version_label(state.champion)} is served: "
            "decide again"
        )
    intent = context.ledger.add_at(state.head + 1, _intent_body(change, context), at=context.now(), actor=context.actor)
    if intent is None:
        raise ChangeInProgressError("another entry was added to the ledger at the same moment: try again")
    try:
        facts = context.verify_bundle(change.to)
        if change.expected is not None and change.action != "repair":
            context.registry.set_alias(PREVIOUS_CHAMPION, change.expected.version)
        context.registry.set_alias(CHAMPION, change.to.version)
        _swap_manifest(context, intent, lambda manifest: _new_manifest(manifest, intent, facts))
        _smoke_test(context, intent)
    except Exception as error:
        _undo(context, intent)
        _abort(context, intent, f"{type(error).__name__}: {error}")
        raise
    return _apply(context, intent, facts)


def reconcile(context: PromotionContext) -> list[AnyEntry]:
    """Bring manifest, aliases and champion to what the ledger calls for.

    Finishes or undoes an interrupted change, repairs a manifest that names another version, carries out the change that is due, and
    repairs aliases.

    Returns:
        The ledger entries that ended a change.

    Raises:
        Exception: As `carry_out` does.
    """
    recovered = recover(context)
    ended: list[AnyEntry] = [] if recovered is None else [recovered]
    # First only the manifest, because the due change refuses a manifest that names a third version; the alias it sets itself.
    state = context.state()
    expected_alias = state.champion.version if state.champion else None
    ended += _repair(context, state, expected_alias)
    change = due_change(context.state())
    if change is not None:
        ended.append(carry_out(change, context))
    state = context.state()
    if state.champion is not None:
        ended += _repair(context, state, context.registry.version_number_of_alias(CHAMPION))
    return ended


def recover(context: PromotionContext) -> Entry[EndBody] | None:
    """Finish or undo the change that a dead process left. It may itself be interrupted and run again.

    Returns:
        The ledger entry that ends the change; None if there was nothing to recover.

    Raises:
        ChangeInProgressError: The process that began the change may still be working.
    """
    intent = context.state().open_intent
    if intent is None:
        return None
    if not is_abandoned(intent, context.now()):
        raise ChangeInProgressError(
            f"{intent.actor} began a change at {intent.at:%H:%M:%S} UTC that has not ended: try again in two minutes"
        )
    manifest, change = context.manifest(), intent.body
    if manifest is None or manifest.change != intent.number or manifest.model_version != change.to:
        _undo(context, intent)
        return _abort(context, intent, "its process died before the manifest was replaced")
    try:
        facts = context.verify_bundle(change.to)
        _smoke_test(context, intent)
    except Exception as error:
        _undo(context, intent)
        return _abort(context, intent, f"{type(error).__name__}: {error}")
    if change.expected is not None and change.action != "repair":
        context.registry.set_alias(PREVIOUS_CHAMPION, change.expected.version)
    context.registry.set_alias(CHAMPION, change.to.version)
    return _apply(context, intent, facts, "finished after its process died")


def is_abandoned(intent: Entry[IntentBody], now: datetime) -> bool:
    """Whether the process that began a change is gone.

    On this machine the process list says so. A process on another machine is considered gone when the lease is over.
    """
    holder = intent.body.holder
    if holder.host == socket.gethostname() and holder.process != os.getpid():
        try:
            os.kill(holder.process, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
    return now - intent.at > LEASE


def _repair(context: PromotionContext, state: LedgerState, alias: int | None) -> list[AnyEntry]:
    change = repair_change(state)
    if change is None or not disagreements(state, context.manifest(), alias):
        return []
    return [carry_out(change, context)]


def _intent_body(change: Change, context: PromotionContext) -> IntentBody:
    manifest = context.manifest()
    return IntentBody(
        action=change.action,
        to=change.to,
        expected=change.expected,
        publication=change.publication,
        cause=change.cause,
        reason=change.reason,
        before=ServedBefore(
            aliases={alias: context.registry.version_number_of_alias(alias) for alias in (PREVIOUS_CHAMPION, CHAMPION)},
            manifest=None if manifest is None else manifest.champion_fields(),
        ),
        holder=Holder(host=socket.gethostname(), process=os.getpid()),
    )


def _new_manifest(manifest: ChampionManifest | None, intent: Entry[IntentBody], facts: Mapping[str, Any]) -> dict[str, Any]:
    if manifest is not None and manifest.undone == intent.number:
        raise ChampionChangeError(
            f"the change of entry {intent.number} was undone by another process, which considered this one dead"
        )
    return {
        "data": None,
        **(manifest.to_document() if manifest else {}),
        "schema": MANIFEST_SCHEMA,
        **intent.body.to.model_dump(),
        "facts": dict(facts),
        "since": intent.at.isoformat(),
        "decided_on": intent.body.publication,
        "change": intent.number,
    }


def _undo(context: PromotionContext, intent: Entry[IntentBody]) -> None:
    """Put manifest and aliases back to what the intent recorded.

    The manifest is written even if it is unchanged, so that a process which read it before and still intends to replace it finds that
    it has changed. A manifest that names a third version is left for the repair.
    """
    before, manifest = intent.body.before, context.manifest()
    if before.manifest is None:
        context.store.remove(SERVED)
    elif manifest is None or _names_a_version_of(manifest, intent):
        restored = {**before.manifest, "undone": intent.number}
        _swap_manifest(context, intent, lambda current: {**(current.to_document() if current else {}), **restored})
    for alias, version in before.aliases.items():
        if version is None:
            context.registry.delete_alias(alias)
        else:
            context.registry.set_alias(alias, version)


def _swap_manifest(
    context: PromotionContext,
    intent: Entry[IntentBody],
    replacement: Callable[[ChampionManifest | None], dict[str, Any]],
) -> None:
    """Replace the manifest by compare-and-swap. Data may be published in between, but no other champion.

    Not `Lake.update_json`, which cannot replace a damaged document.
    """
    for _ in range(SWAP_ATTEMPTS):
        stored = context.store.read_tagged(SERVED)
        manifest = ChampionManifest.parse(stored[0]) if stored else None
        if manifest is not None and not _names_a_version_of(manifest, intent):
            raise ChampionChangeError(
                f"version {manifest.version} is served, which the ledger does not expect: it is repaired at the next run of `promote`"
            )
        if context.store.replace_json(SERVED, replacement(manifest), stored[1] if stored else None):
            return
    raise ChampionChangeError(f"the manifest changed at each of {SWAP_ATTEMPTS} attempts to replace it: try again")


def _names_a_version_of(manifest: ChampionManifest, intent: Entry[IntentBody]) -> bool:
    """Whether the manifest names the old or the new version of a change. A repair accepts any version."""
    return intent.body.action == "repair" or manifest.model_version in (intent.body.expected, intent.body.to)


def _smoke_test(context: PromotionContext, intent: Entry[IntentBody]) -> None:
    """Read the manifest as a reader does, and forecast with the version it names."""
    manifest = context.manifest()
    if manifest is None or manifest.model_version != intent.body.to:
        raise ChampionChangeError(f"the manifest does not name version {intent.body.to.version} after it was replaced")
    context.smoke_test(manifest)


def _apply(
    context: PromotionContext, intent: Entry[IntentBody], facts: Mapping[str, Any], outcome: str = ""
) -> Entry[AppliedBody]:
    body = AppliedBody(**_change_fields(intent), intent=intent.number, outcome=outcome, facts=dict(facts))
    return _end_change(context, intent, body)


def _abort(context: PromotionContext, intent: Entry[IntentBody], outcome: str) -> Entry[AbortedBody]:
    body = AbortedBody(**_change_fields(intent), intent=intent.number, outcome=outcome, facts={})
    return _end_change(context, intent, body)


def _change_fields(intent: Entry[IntentBody]) -> dict[str, Any]:
    return {name: getattr(intent.body, name) for name in ChangeBody.model_fields}


def _end_change(context: PromotionContext, intent: Entry[IntentBody], body: End) -> Entry[End]:
    """Add the entry that ends a change.

    Raises:
        ChampionChangeError: Another process has ended it, because it considered this one dead.
    """
    while True:
        state = context.state()
        if state.open_intent != intent:
            raise ChampionChangeError(f"the change of entry {intent.number} was ended by another process: see `history`")
        entry = context.ledger.add_at(state.head + 1, body, at=context.now(), actor=context.actor)
        if entry is not None:
            return entry
