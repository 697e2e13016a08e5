"""Changing the champion: all of it or nothing, whoever else tries and wherever the process dies."""

import multiprocessing
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from milk_assets.promotion import change_champion, manual
from milk_assets.promotion.change_champion import ApplyError, BusyError, Place, carry_out, disagreements, recover, repair
from milk_assets.promotion.state import Change, Served, rollback
from milk_assets_tests.promotion.conftest import MODEL, NO_CHANGE, OTHER
from milk_assets_tests.promotion.killed_process import die_at, place_of

STEPS = 7  # intent, proof, two aliases, manifest, smoke test, applied


class Aliases:
    """A registry that only knows aliases."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}

    def point(self, alias: str, version: int) -> None:
        self.names[alias] = version

    def number(self, alias: str) -> int | None:
        return self.names.get(alias)

    def drop(self, alias: str) -> None:
        self.names.pop(alias, None)


def with_bundles(place: Place) -> Place:
    for version in (NO_CHANGE, MODEL, OTHER):
        place.store.create_bytes(f"models/{version.bundle[:12]}/manifest.json", b"{}")
    return place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A place in memory and a folder, where no change is served."""
    made = place_of(str(tmp_path / "artefacts"), "sqlite:///nowhere.db")
    object.__setattr__(made, "registry", Aliases())
    with_bundles(made)
    carry_out(Change("first", NO_CHANGE, None, "nothing was served", "2025-03-28"), made)
    return made


def promotion(place: Place, to: Served = MODEL, cause: int | None = None) -> Change:
    return Change("promote", to, place.state().champion, "all_rules_hold", "2025-03-28", cause)


def agreed(place: Place) -> int:
    """The version that ledger, manifest and alias agree on, with nothing under way."""
    state, manifest = place.state(), place.manifest()
    assert state.open is None
    assert state.champion is not None
    assert disagreements(state, manifest, place.registry.number("champion")) == []
    return state.champion.version


def kinds(place: Place) -> list[str]:
    return [entry.kind for entry in place.ledger.entries()]


def test_a_promotion_changes_ledger_aliases_and_manifest_together(place: Place) -> None:
    applied = carry_out(promotion(place), place)
    assert (applied.kind, applied.body["to"]["version"]) == ("applied", 2)
    assert agreed(place) == 2
    assert place.registry.number("previous_champion") == 1
    manifest = place.manifest()
    assert manifest is not None
    assert {name: manifest[name] for name in ("version", "bundle", "is_baseline", "decided_on", "data")} == {
        "version": 2,
        "bundle": MODEL.bundle,
        "is_baseline": False,
        "decided_on": "2025-03-28",
        "data": None,
    }


def test_a_change_keeps_what_others_say_in_the_manifest(place: Place) -> None:
    content, tag = place.store.read_tagged(change_champion.SERVED) or (b"", "")
    with_data = content.replace(b'"data": null', b'"data": {"publication": "2025-03-31"}')
    assert place.store.replace_bytes(change_champion.SERVED, with_data, tag)
    carry_out(promotion(place), place)
    manual.roll_back(place, "drill", None)
    manifest = place.manifest()
    assert manifest is not None
    assert manifest["data"] == {"publication": "2025-03-31"}


def test_a_change_against_another_champion_is_refused_and_nothing_is_written(place: Place) -> None:
    before = kinds(place)
    with pytest.raises(ApplyError, match=r"decided against version 3, but version 1 \(no change\) is served: decide again"):
        carry_out(Change("promote", MODEL, OTHER, "why"), place)
    assert kinds(place) == before


@pytest.mark.parametrize("step", ["prove", "point", "manifest", "smoke"])
def test_a_step_that_fails_puts_everything_back_and_says_so(place: Place, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise OSError("no space left on device")

    before = place.manifest()
    if step == "point":
        calls = iter([False, True, False, False])  # the second alias

        def point(alias: str, version: int) -> None:
            if next(calls):
                fails()
            place.registry.names[alias] = version  # type: ignore[attr-defined]

        monkeypatch.setattr(place.registry, "point", point)
    elif step == "manifest":
        write = type(place.store).replace_bytes
        refused = iter([True, False])
        monkeypatch.setattr(type(place.store), "replace_bytes", lambda self, *a: fails() if next(refused) else write(self, *a))
    else:
        object.__setattr__(place, step, fails)
    with pytest.raises(OSError, match="no space"):
        carry_out(promotion(place), place)
    after = place.manifest()
    assert before is not None
    assert after is not None
    assert {name: after[name] for name in before} == before
    assert agreed(place) == 1
    assert place.registry.number("previous_champion") is None
    aborted = place.ledger.entries()[-1]
    assert (aborted.kind, aborted.body["outcome"]) == ("aborted", "OSError: no space left on device")


def test_of_two_promotions_at_once_one_is_applied_and_the_other_told(place: Place, tmp_path: Path) -> None:
    barrier = threading.Barrier(2)

    def race(to: Served) -> str:
        racer = place_of(str(tmp_path / "artefacts"), "sqlite:///nowhere.db")
        object.__setattr__(racer, "registry", place.registry)
        change = promotion(place, to)
        barrier.wait()
        try:
            return carry_out(change, racer).kind
        except ApplyError as error:  # BusyError is one
            return type(error).__name__

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(race, (MODEL, OTHER)))
    assert outcomes.count("applied") == 1
    assert agreed(place) == (MODEL, OTHER)[outcomes.index("applied")].version


def test_while_another_change_is_under_way_nobody_begins_until_its_lease_is_over(place: Place) -> None:
    state = place.state()
    body = change_champion._intent(promotion(place), place) | {"holder": {"host": "elsewhere", "process": 1}}
    place.ledger.add_at(state.head + 1, "intent", at=place.now(), actor="another run", body=body)
    with pytest.raises(BusyError, match="another run began a change at .* try again in two minutes"):
        carry_out(promotion(place, OTHER), place)
    later = place.now() + change_champion.LEASE + timedelta(seconds=1)
    object.__setattr__(place, "now", lambda: later)
    carry_out(promotion(place, OTHER), place)
    assert agreed(place) == 3
    assert kinds(place)[-3:] == ["aborted", "intent", "applied"]


def test_who_was_taken_for_dead_cannot_switch_the_manifest_any_more(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process sleeps before it switches; meanwhile another undoes its change."""
    prove = place.prove

    def sleeps(version: Served) -> Any:
        monkeypatch.setattr(change_champion, "is_abandoned", lambda *_: True)
        object.__setattr__(place, "prove", prove)
        recover(place)
        return prove(version)

    object.__setattr__(place, "prove", sleeps)
    with pytest.raises(ApplyError, match="undone by another|ended by another"):
        carry_out(promotion(place), place)
    assert agreed(place) == 1


def test_an_intent_that_lands_at_the_last_moment_keeps_others_out(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    state = place.state()
    body = change_champion._intent(promotion(place), place) | {"holder": {"host": "elsewhere", "process": 1}}
    monkeypatch.setattr(
        change_champion,
        "recover",
        lambda _: place.ledger.add_at(state.head + 1, "intent", at=place.now(), actor="other", body=body),
    )
    with pytest.raises(BusyError, match="other began a change at this moment"):
        carry_out(promotion(place, OTHER), place)
    assert kinds(place).count("intent") == 2  # the first champion's, and the other's


def test_a_promotion_is_not_carried_out_once_they_are_frozen(place: Place) -> None:
    asked = promotion(place, cause=1)
    manual.set_mode(place, "frozen", "audit")
    with pytest.raises(ApplyError, match="the mode is frozen since"):
        carry_out(asked, place)
    assert agreed(place) == 1


def write_manifest(place: Place, old: bytes, new: bytes) -> None:
    content, tag = place.store.read_tagged(change_champion.SERVED) or (b"", "")
    assert place.store.replace_bytes(change_champion.SERVED, content.replace(old, new), tag)


@pytest.mark.parametrize("damage", [(b'"version": 2', b'"version": 9'), (b"{", b"not json {")])
def test_a_manifest_that_somebody_changed_stops_no_change_that_is_due(place: Place, damage: tuple[bytes, bytes]) -> None:
    carry_out(promotion(place), place)
    write_manifest(place, *damage)
    floored = {"verdict": "fall_back", "reason": "champion_fails", "skill": None, "rules": []}
    body = {
        "publication": "2025-03-31",
        "champion": MODEL.to_document(),
        "baseline": NO_CHANGE.to_document(),
        "decision": floored,
    }
    place.ledger.add("floor", at=place.now(), actor="test", body=body)
    assert [entry.body["action"] for entry in change_champion.settle(place)] == ["repair", "fall_back"]
    assert agreed(place) == 1
    assert change_champion.settle(place) == []


def test_a_change_that_meets_a_foreign_manifest_ends_and_leaves_it_to_the_repair(place: Place) -> None:
    change = promotion(place)
    write_manifest(place, b'"version": 1', b'"version": 9')
    with pytest.raises(ApplyError, match="version 9 is served, which nobody expected"):
        carry_out(change, place)
    assert kinds(place)[-1] == "aborted"
    assert [entry.body["action"] for entry in change_champion.settle(place)] == ["repair"]
    assert agreed(place) == 1


def test_what_differs_from_the_ledger_is_named_and_put_back(place: Place) -> None:
    carry_out(promotion(place), place)
    place.registry.point("champion", 3)
    content, tag = place.store.read_tagged(change_champion.SERVED) or (b"", "")
    place.store.replace_bytes(change_champion.SERVED, content.replace(b'"version": 2', b'"version": 9'), tag)
    differing = disagreements(place.state(), place.manifest(), place.registry.number("champion"))
    assert differing == [
        "the manifest names version 9, the ledger version 2",
        "the alias names version 3, the ledger version 2",
    ]
    mending = repair(place.state())
    assert mending is not None
    carry_out(mending, place)
    assert agreed(place) == 2
    assert place.registry.number("previous_champion") == 1
    assert [version.version for version in place.state().before] == [1]


def test_rollback_drill(place: Place) -> None:
    for to in (MODEL, OTHER):
        carry_out(promotion(place, to), place)
    assert manual.roll_back(place, "it forecast 200 pesos", "2025-03-31").body["to"]["version"] == 2
    assert agreed(place) == 2
    assert manual.roll_back(place, "that one too", "2025-03-31").body["to"]["version"] == 1
    assert agreed(place) == 1
    assert place.state().rolled_back_on is not None
    with pytest.raises(ApplyError, match="nothing to go back to"):
        manual.roll_back(place, "again", None)


def test_what_a_person_does_needs_a_reason_and_is_recorded(place: Place) -> None:
    with pytest.raises(ApplyError, match="say why"):
        manual.promote(place, MODEL, " ", None)
    manual.set_mode(place, "frozen", "audit")
    with pytest.raises(ApplyError, match="frozen already|mode is frozen"):
        manual.set_mode(place, "frozen", "audit")
    with pytest.raises(ApplyError, match="promotions are frozen"):
        manual.promote(place, MODEL, "I know better", None)
    manual.set_mode(place, "auto", "audit is over")
    entry = manual.promote(place, MODEL, "I know better", None)
    assert (entry.actor, entry.body["reason"]) == ("test", "I know better")
    with pytest.raises(ApplyError, match="served already"):
        manual.promote(place, MODEL, "again", None)


@pytest.fixture(scope="module")
def processes() -> Any:
    """A server of processes that have MLflow loaded; forking it costs milliseconds, importing MLflow seconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mlflow.tracking", "milk_assets_tests.promotion.killed_process"])
    return context


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A real registry with three versions."""
    folder = tmp_path_factory.mktemp("registry")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    client = place_of(str(folder), uri).registry.client()  # type: ignore[attr-defined]
    client.create_registered_model("milk-price")
    for _ in range(3):
        client.create_model_version("milk-price", source=folder.as_uri())
    return uri


@pytest.mark.integration
def test_a_change_whose_process_is_killed_between_any_two_steps_is_finished_or_undone(
    tmp_path: Path, processes: Any, registered: str
) -> None:
    """Promotion, rollback and fall-back, killed before each of their steps: 21 of 21 recover, and the next change goes through."""
    recovered = 0
    for action in ("promote", "rollback", "fall_back"):
        for step in range(STEPS):
            root = str(tmp_path / f"{action}{step}")
            place = with_bundles(place_of(root, registered))
            for alias in ("champion", "previous_champion"):
                place.registry.drop(alias)
            carry_out(Change("first", NO_CHANGE, None, "nothing was served"), place)
            if action != "promote":
                carry_out(promotion(place), place)
            before = agreed(place)
            change = {
                "promote": promotion(place),
                "rollback": rollback(place.state(), "drill", None),
                "fall_back": Change("fall_back", NO_CHANGE, MODEL, "worse_than_no_change_twice"),
            }[action]
            assert change is not None
            process = processes.Process(target=die_at, args=(step, root, registered, change))
            process.start()
            process.join(60)
            assert process.exitcode == -signal.SIGKILL, (action, step)
            assert (place.state().open is not None) == (step > 0), (action, step)
            ended = recover(place)
            switched = step >= STEPS - 2
            assert (ended and ended.kind) == ("applied" if switched else "aborted" if step else None), (action, step)
            assert agreed(place) == (change.to.version if switched else before)
            carry_out(Change("promote", OTHER, place.state().champion, "the next one"), place)
            assert agreed(place) == 3
            recovered += 1
    assert recovered == 21
