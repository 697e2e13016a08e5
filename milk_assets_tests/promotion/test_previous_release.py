"""Files of the previous release: its ledger and manifest, in `previous_release/`, are read, replayed and continued."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from milk_assets.promotion.ledger.entries import DecisionBody, FloorBody, IntentBody, ModeBody
from milk_assets.promotion.ledger.history import history_table, skill_series
from milk_assets.promotion.ledger.ledger import Ledger
from milk_assets.promotion.ledger.state import disagreements, ledger_state
from milk_assets.promotion.manifest import ChampionManifest
from milk_assets.promotion.replay import replay
from milk_assets.stores.lake import Lake, json_bytes
from milk_assets_tests.promotion.conftest import NO_CHANGE
from milk_model.artefact_paths import SERVED

FILES = Path(__file__).parent / "previous_release"


@pytest.fixture
def old_store(tmp_path: Path) -> Lake:
    shutil.copytree(FILES, tmp_path / "artefacts")
    return Lake(root=str(tmp_path / "artefacts"))


def test_a_ledger_of_the_previous_release_is_read_and_adds_up_to_the_same_state(old_store: Lake) -> None:
    state = ledger_state(Ledger(old_store).entries())
    assert (state.champion, state.mode) == (NO_CHANGE, "manual")
    assert [version.version for version in state.served_before] == [1, 2]
    assert str(state.rolled_back_on) == "2025-03-31"
    assert state.open_intent is None
    assert state.contract is not None
    assert state.contract["recipe"] == {"month": {"depth": 4}}
    manifest = ChampionManifest.parse(old_store.read_bytes(SERVED))
    assert disagreements(state, manifest, 1) == []


def test_every_kind_of_entry_of_the_previous_release_has_its_fields(old_store: Lake) -> None:
    entries = Ledger(old_store).entries()
    assert {entry.kind for entry in entries} == {"decision", "floor", "mode", "intent", "applied", "aborted"}
    bodies = [entry.body for entry in entries]
    decision = next(body for body in bodies if isinstance(body, DecisionBody))
    assert (decision.decision.verdict, decision.decision.reason) == ("keep", "gain_is_not_significant")
    floor = next(body for body in bodies if isinstance(body, FloorBody))
    assert (floor.decision.verdict, floor.alarm) == ("fall_back", "live error is 10 % above no change")
    assert next(body for body in bodies if isinstance(body, ModeBody)).reason == "audit"
    intent = next(body for body in bodies if isinstance(body, IntentBody) and body.action == "fall_back")
    assert intent.before.aliases == {"champion": 2, "previous_champion": 1}
    assert intent.before.manifest is not None
    assert intent.before.manifest["facts"]["recipe"] == {"month": {"depth": 4}}


def test_a_ledger_of_the_previous_release_is_replayed_without_a_difference(old_store: Lake) -> None:
    ledger = Ledger(old_store)
    assert replay(ledger.entries(), ledger.read_evidence) == []


def test_a_ledger_of_the_previous_release_is_shown_and_continued(old_store: Lake) -> None:
    ledger = Ledger(old_store)
    rows = history_table(ledger.entries())
    assert rows[9]["what"] == "fall back: aborted"
    assert rows[9]["why"] == "clearly worse than no change; OSError: no space left on device"
    assert skill_series(ledger.entries())["champion, live"] == [("2025-03-31", pytest.approx(1.1))]
    added = ledger.add(ModeBody(mode="auto", reason="audit is over"), at=datetime(2025, 4, 1, tzinfo=UTC), actor="test")
    assert added.number == len(rows) + 1
    assert ledger_state(Ledger(old_store).entries()).mode == "auto"


def test_entries_keep_the_keys_of_the_previous_release(old_store: Lake) -> None:
    for entry in Ledger(old_store).entries():
        document = old_store.read_json(f"ledger/{entry.number:06d}.json")
        assert entry.to_document() == {**document, "schema_version": 1}


def test_a_manifest_of_the_previous_release_is_written_again_with_the_same_bytes(old_store: Lake) -> None:
    content = old_store.read_bytes(SERVED)
    manifest = ChampionManifest.parse(content)
    assert manifest is not None
    assert manifest.data is not None
    assert (manifest.schema_version, manifest.model_version, manifest.undone) == (1, NO_CHANGE, 9)
    assert json_bytes(manifest.to_document()) == content
