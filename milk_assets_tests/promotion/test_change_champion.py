"""A change of champion is complete or undone, under races and when its process dies."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from milk_assets.promotion import change_champion, manual
from milk_assets.promotion.change_champion import (
    ChampionChangeError,
    ChangeInProgressError,
    PromotionContext,
    carry_out,
    reconcile,
    recover,
)
from milk_assets.promotion.ledger.entries import AnyEntry, FloorBody, FloorDecision, Holder, IntentBody
from milk_assets.promotion.ledger.state import Change, disagreements, repair_change
from milk_assets.promotion.manifest import ModelVersion
from milk_assets_tests.promotion.conftest import MODEL, NO_CHANGE, OTHER
from milk_assets_tests.promotion.contexts import agreed_version, context_of, promotion, with_bundles
from milk_model.artefact_paths import SERVED

DATA = b'"data": {"path": "x", "sha256": "x", "publication": "2025-03-31", "at": "x"}, "added_later": true'


class Aliases:
    """A registry with aliases only."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}

    def set_alias(self, alias: str, version: int) -> None:
        self.names[alias] = version

    def version_number_of_alias(self, alias: str) -> int | None:
        return self.names.get(alias)

    def delete_alias(self, alias: str) -> None:
        self.names.pop(alias, None)


@pytest.fixture
def context(tmp_path: Path) -> PromotionContext:
    """A context with a folder as store and aliases in memory, in which the baseline is served."""
    context = context_of(str(tmp_path / "artefacts"), "sqlite:///nowhere.db")
    object.__setattr__(context, "registry", Aliases())
    with_bundles(context)
    carry_out(Change("first", NO_CHANGE, None, "nothing was served", "2025-03-28"), context)
    return context


def actions(entries: list[AnyEntry]) -> list[str]:
    return [entry.body.action for entry in entries]  # type: ignore[attr-defined]  # all are ends of a change


def intent_of_another_host(context: PromotionContext) -> IntentBody:
    body = change_champion._intent_body(promotion(context), context)
    return body.model_copy(update={"holder": Holder(host="elsewhere", process=1)})


def kinds(context: PromotionContext) -> list[str]:
    return [entry.kind for entry in context.ledger.entries()]


def test_a_promotion_changes_ledger_aliases_and_manifest_together(context: PromotionContext) -> None:
    applied = carry_out(promotion(context), context)
    assert (applied.kind, applied.body.to.version) == ("applied", 2)
    assert agreed_version(context) == 2
    assert context.registry.version_number_of_alias("previous_champion") == 1
    manifest = context.manifest()
    assert manifest is not None
    assert manifest.model_dump(include={"version", "bundle", "is_baseline", "decided_on", "data"}) == {
        "version": 2,
        "bundle": MODEL.bundle,
        "is_baseline": False,
        "decided_on": "2025-03-28",
        "data": None,
    }


def test_a_change_keeps_the_data_and_unknown_fields_of_the_manifest(context: PromotionContext) -> None:
    content, tag = context.store.read_tagged(SERVED) or (b"", "")
    with_data = content.replace(b'"data": null', DATA)
    assert context.store.replace_bytes(SERVED, with_data, tag)
    carry_out(promotion(context), context)
    manual.roll_back(context, "drill", None)
    manifest = context.manifest()
    assert manifest is not None
    assert manifest.data is not None
    assert manifest.data.publication == "2025-03-31"
    assert manifest.to_document()["added_later"] is True


def test_a_change_against_another_champion_is_refused_and_nothing_is_written(context: PromotionContext) -> None:
    before = kinds(context)
    with pytest.raises(
        ChampionChangeError, match=r"decided against version 3, but version 1 \(no change\) is served: decide again"
    ):
        carry_out(Change("promote", MODEL, OTHER, "why"), context)
    assert kinds(context) == before


@pytest.mark.parametrize("step", ["verify_bundle", "set_alias", "manifest", "smoke_test"])
def test_a_failed_step_restores_everything_and_is_recorded(
    context: PromotionContext, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise OSError("no space left on device")

    before = context.manifest()
    if step == "set_alias":
        calls = iter([False, True, False, False])  # the second alias

        def set_alias(alias: str, version: int) -> None:
            if next(calls):
                fails()
            context.registry.names[alias] = version  # type: ignore[attr-defined]

        monkeypatch.setattr(context.registry, "set_alias", set_alias)
    elif step == "manifest":
        write = type(context.store).replace_bytes
        refused = iter([True, False])
        monkeypatch.setattr(type(context.store), "replace_bytes", lambda self, *a: fails() if next(refused) else write(self, *a))
    else:
        object.__setattr__(context, step, fails)
    with pytest.raises(OSError, match="no space"):
        carry_out(promotion(context), context)
    after = context.manifest()
    assert before is not None
    assert after is not None
    assert {**after.to_document(), "undone": None} == {**before.to_document(), "undone": None}
    assert agreed_version(context) == 1
    assert context.registry.version_number_of_alias("previous_champion") is None
    aborted = context.ledger.entries()[-1]
    assert (aborted.kind, aborted.body.outcome) == ("aborted", "OSError: no space left on device")


def test_of_two_promotions_at_once_one_is_applied_and_the_other_gets_an_error(context: PromotionContext, tmp_path: Path) -> None:
    barrier = threading.Barrier(2)

    def race(to: ModelVersion) -> str:
        racer = context_of(str(tmp_path / "artefacts"), "sqlite:///nowhere.db")
        object.__setattr__(racer, "registry", context.registry)
        change = promotion(context, to)
        barrier.wait()
        try:
            return carry_out(change, racer).kind
        except ChampionChangeError as error:  # ChangeInProgressError is a subclass
            return type(error).__name__

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(race, (MODEL, OTHER)))
    assert outcomes.count("applied") == 1
    assert agreed_version(context) == (MODEL, OTHER)[outcomes.index("applied")].version


def test_no_change_begins_while_another_is_in_progress_until_its_lease_is_over(context: PromotionContext) -> None:
    state = context.state()
    context.ledger.add_at(state.head + 1, intent_of_another_host(context), at=context.now(), actor="another run")
    with pytest.raises(ChangeInProgressError, match="another run began a change at .* try again in two minutes"):
        carry_out(promotion(context, OTHER), context)
    later = context.now() + change_champion.LEASE + timedelta(seconds=1)
    object.__setattr__(context, "now", lambda: later)
    carry_out(promotion(context, OTHER), context)
    assert agreed_version(context) == 3
    assert kinds(context)[-3:] == ["aborted", "intent", "applied"]


def test_a_process_that_was_considered_dead_can_no_longer_replace_the_manifest(
    context: PromotionContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process sleeps before it replaces the manifest; meanwhile another undoes its change."""
    verify_bundle = context.verify_bundle

    def sleeps(version: ModelVersion) -> Any:
        monkeypatch.setattr(change_champion, "is_abandoned", lambda *_: True)
        object.__setattr__(context, "verify_bundle", verify_bundle)
        recover(context)
        return verify_bundle(version)

    object.__setattr__(context, "verify_bundle", sleeps)
    with pytest.raises(ChampionChangeError, match="undone by another process|ended by another process"):
        carry_out(promotion(context), context)
    assert agreed_version(context) == 1


def test_an_intent_that_is_added_at_the_last_moment_keeps_other_changes_out(
    context: PromotionContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = context.state()
    body = intent_of_another_host(context)
    monkeypatch.setattr(
        change_champion,
        "recover",
        lambda _: context.ledger.add_at(state.head + 1, body, at=context.now(), actor="other"),
    )
    with pytest.raises(ChangeInProgressError, match="other began a change at this moment"):
        carry_out(promotion(context, OTHER), context)
    assert kinds(context).count("intent") == 2  # of the first champion and of the other change


def test_a_promotion_that_was_decided_before_a_freeze_is_not_carried_out(context: PromotionContext) -> None:
    decided = promotion(context, cause=1)
    manual.set_mode(context, "frozen", "audit")
    with pytest.raises(ChampionChangeError, match="the mode is frozen since"):
        carry_out(decided, context)
    assert agreed_version(context) == 1


def write_manifest(context: PromotionContext, old: bytes, new: bytes) -> None:
    content, tag = context.store.read_tagged(SERVED) or (b"", "")
    assert context.store.replace_bytes(SERVED, content.replace(old, new), tag)


@pytest.mark.parametrize("damage", [(b'"version": 2', b'"version": 9'), (b"{", b"not json {")])
def test_a_damaged_manifest_does_not_stop_a_change_that_is_due(context: PromotionContext, damage: tuple[bytes, bytes]) -> None:
    carry_out(promotion(context), context)
    write_manifest(context, *damage)
    decision = FloorDecision("fall_back", "champion_fails", None, ())
    body = FloorBody(publication="2025-03-31", champion=MODEL, baseline=NO_CHANGE, decision=decision)
    context.ledger.add(body, at=context.now(), actor="test")
    assert actions(reconcile(context)) == ["repair", "fall_back"]
    assert agreed_version(context) == 1
    assert reconcile(context) == []


def test_a_change_that_finds_a_third_version_in_the_manifest_is_aborted_and_a_repair_follows(context: PromotionContext) -> None:
    change = promotion(context)
    write_manifest(context, b'"version": 1', b'"version": 9')
    with pytest.raises(ChampionChangeError, match="version 9 is served, which the ledger does not expect"):
        carry_out(change, context)
    assert kinds(context)[-1] == "aborted"
    assert actions(reconcile(context)) == ["repair"]
    assert agreed_version(context) == 1


def test_differences_from_the_ledger_are_reported_and_repaired(context: PromotionContext) -> None:
    carry_out(promotion(context), context)
    context.registry.set_alias("champion", 3)
    content, tag = context.store.read_tagged(SERVED) or (b"", "")
    context.store.replace_bytes(SERVED, content.replace(b'"version": 2', b'"version": 9'), tag)
    differences = disagreements(context.state(), context.manifest(), context.registry.version_number_of_alias("champion"))
    assert differences == [
        "the manifest names version 9, the ledger version 2",
        "the alias names version 3, the ledger version 2",
    ]
    repair = repair_change(context.state())
    assert repair is not None
    carry_out(repair, context)
    assert agreed_version(context) == 2
    assert context.registry.version_number_of_alias("previous_champion") == 1
    assert [version.version for version in context.state().served_before] == [1]


def test_rollback_drill(context: PromotionContext) -> None:
    for to in (MODEL, OTHER):
        carry_out(promotion(context, to), context)
    assert manual.roll_back(context, "it forecast 200 pesos", "2025-03-31").body.to.version == 2
    assert agreed_version(context) == 2
    assert manual.roll_back(context, "that one too", "2025-03-31").body.to.version == 1
    assert agreed_version(context) == 1
    assert context.state().rolled_back_on is not None
    with pytest.raises(ChampionChangeError, match="nothing to go back to"):
        manual.roll_back(context, "again", None)


def test_a_manual_change_needs_a_reason_and_is_recorded(context: PromotionContext) -> None:
    with pytest.raises(ChampionChangeError, match="the reason is empty: say why"):
        manual.promote(context, MODEL, " ", None)
    manual.set_mode(context, "frozen", "audit")
    with pytest.raises(ChampionChangeError, match="frozen already|mode is frozen"):
        manual.set_mode(context, "frozen", "audit")
    with pytest.raises(ChampionChangeError, match="promotions are frozen"):
        manual.promote(context, MODEL, "I know better", None)
    manual.set_mode(context, "auto", "audit is over")
    entry = manual.promote(context, MODEL, "I know better", None)
    assert (entry.actor, entry.body.reason) == ("test", "I know better")
    with pytest.raises(ChampionChangeError, match="served already"):
        manual.promote(context, MODEL, "again", None)
