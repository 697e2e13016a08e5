"""Replay, history and explanation of a ledger."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from milk_assets.__main__ import main
from milk_assets.promotion.evidence import gather
from milk_assets.promotion.floor import judge
from milk_assets.promotion.gate import decide
from milk_assets.promotion.ledger.entries import DecisionBody, FloorBody, FloorInputs
from milk_assets.promotion.ledger.ledger import Ledger, entry_path
from milk_assets.promotion.ledger.state import ledger_state
from milk_assets.promotion.policy import Policy
from milk_assets.promotion.replay import decision_inputs, replay
from milk_assets.stores.lake import Lake
from milk_assets_tests.promotion.conftest import MODEL, NO_CHANGE, gate_inputs, scored_backtest
from milk_assets_tests.promotion.ledger_bodies import ledger_body

AT = datetime(2025, 3, 28, 18, 0, tzinfo=UTC)
EVIDENCE = gather(scored_backtest(challenger=0.95, champion=1.0))
NAMES = {"challenger": MODEL, "champion": NO_CHANGE, "baseline": NO_CHANGE}
MADE_OF = {"workbook": "a" * 64, "code": "b" * 12}


def add_decision(ledger: Ledger, day: date, policy: Policy | None = None) -> None:
    """Add a decision as the asset `evaluation` does."""
    inputs, policy = gate_inputs(publication=day), policy or Policy()
    history = ledger_state(ledger.entries()).contender_history(inputs.contender)
    document = decision_inputs(EVIDENCE, inputs, history, policy, NAMES, MADE_OF)
    body = DecisionBody(
        challenger=MODEL,
        champion=NO_CHANGE,
        baseline=NO_CHANGE,
        publication=day.isoformat(),
        contender=inputs.contender,
        decision=decide(EVIDENCE, inputs, history, policy),
        evidence=ledger.keep_evidence(document),
    )
    ledger.add(body, at=AT, actor="test")


def add_floor_decision(ledger: Ledger) -> None:
    """Add a decision as the asset `floor` does."""
    errors = {"1": {"dates": 20.0, "mae": 0.11, "mae_no_change": 0.1}}
    inputs = FloorInputs(errors=errors, previous=None, healthy=True, is_baseline=False, policy=Policy())
    decision = judge(errors, None, True, False)
    body = FloorBody(publication="2025-03-31", champion=MODEL, baseline=NO_CHANGE, decision=decision, inputs=inputs)
    ledger.add(body, at=AT, actor="test")


@pytest.fixture
def filled_ledger(ledger: Ledger) -> Ledger:
    """Two decisions of the gate and one of the floor."""
    add_decision(ledger, date(2025, 3, 21))
    add_decision(ledger, date(2025, 3, 28))
    add_floor_decision(ledger)
    return ledger


def forge(store: Lake, number: int, **fields: object) -> None:
    """Overwrite fields of an entry."""
    store.write_bytes(entry_path(number), json.dumps(store.read_json(entry_path(number)) | fields).encode())


def stored_decision(store: Lake, number: int) -> dict[str, Any]:
    return dict(store.read_json(entry_path(number))["decision"])


def test_every_verdict_follows_from_its_recorded_inputs(filled_ledger: Ledger) -> None:
    entries = filled_ledger.entries()
    assert [entry.body.decision.verdict for entry in entries] == ["trial", "promote", "fall_back"]
    assert replay(entries, filled_ledger.read_evidence) == []


def test_a_replay_uses_the_thresholds_of_the_decision(ledger: Ledger) -> None:
    add_decision(ledger, date(2025, 3, 28), Policy(least_gain=0.5))
    assert replay(ledger.entries(), ledger.read_evidence) == []


def test_a_verdict_that_does_not_follow_is_reported(filled_ledger: Ledger, store: Lake) -> None:
    forge(store, 3, decision={**stored_decision(store, 3), "verdict": "stand"})
    (difference,) = replay(Ledger(store).entries(), filled_ledger.read_evidence)
    assert difference.number == 3
    assert difference.recorded.startswith("stand")
    assert difference.recomputed.startswith("fall_back (clearly_worse_than_no_change)")


def test_a_changed_earlier_entry_is_reported(filled_ledger: Ledger, store: Lake) -> None:
    """The second decision counted the first one as passed; both are reported."""
    forge(store, 1, decision={**stored_decision(store, 1), "passed": False})
    assert [difference.number for difference in replay(Ledger(store).entries(), filled_ledger.read_evidence)] == [1, 2]


@pytest.mark.parametrize("is_missing", [True, False])
def test_missing_or_changed_evidence_is_reported(filled_ledger: Ledger, store: Lake, is_missing: bool) -> None:
    file = f"ledger/evidence/{store.read_json(entry_path(2))['evidence'][:16]}.json"
    if is_missing:
        store.remove(file)
    else:
        store.write_bytes(file, b"{}")
    (difference,) = replay(filled_ledger.entries(), filled_ledger.read_evidence)
    assert difference.number == 2
    assert ("is missing" if is_missing else "changed after the decision") in difference.recomputed


@pytest.mark.parametrize("forged", [{"challenger": NO_CHANGE.model_dump()}, {"publication": "2025-03-31"}])
def test_a_decision_with_another_version_or_date_than_its_evidence_is_reported(
    filled_ledger: Ledger, store: Lake, forged: dict[str, object]
) -> None:
    forge(store, 2, **forged)
    assert [difference.number for difference in replay(Ledger(store).entries(), filled_ledger.read_evidence)] == [2]


def test_a_floor_decision_with_another_previous_skill_than_the_ledger_is_reported(filled_ledger: Ledger, store: Lake) -> None:
    forge(store, 3, inputs={**store.read_json(entry_path(3))["inputs"], "previous": 0.97})
    (difference,) = replay(Ledger(store).entries(), filled_ledger.read_evidence)
    assert (difference.number, "a previous S of 0.97, the entries before it give None" in difference.recomputed) == (3, True)


def test_an_applied_change_to_another_version_than_its_cause_is_reported(filled_ledger: Ledger) -> None:
    filled_ledger.add(ledger_body("applied", action="promote", cause=2, to=NO_CHANGE), at=AT, actor="test")
    (difference,) = replay(filled_ledger.entries(), filled_ledger.read_evidence)
    assert (difference.recorded, difference.recomputed) == ("version 1", "entry 2 asks for version 2")


def test_the_commands_show_explain_and_replay(
    filled_ledger: Ledger, store: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILK_HOME", str(Path(store.root).parent))
    monkeypatch.delenv("MILK_ENV", raising=False)
    assert main(["model", "history"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["entry", "at", "what", "version", "skill", "why", "who"]
    assert lines[2].split()[:6] == ["2", "2025-03-28", "18:00", "gate:", "promote", "2"]
    assert main(["model", "explain", "1"]) == 0
    assert "passed in consecutive weeks" in (shown := capsys.readouterr().out)
    assert "no: must_pass_again_next_week" in shown
    assert main(["model", "replay"]) == 0
    assert capsys.readouterr().out == "3 verdicts recomputed, 0 differ\n"
    assert main(["model", "explain", "9"]) == 1
    assert "there is no entry 9: the ledger has 3" in capsys.readouterr().err


def test_the_replay_command_fails_if_a_verdict_differs(
    filled_ledger: Ledger, store: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Lake(root=str(tmp_path / "copy" / "artefacts"))  # another folder, because a process reads an entry only once
    for file in store.files("ledger"):
        copy.write_bytes(file, store.read_bytes(file))
    forge(copy, 3, decision={**stored_decision(store, 3), "verdict": "stand"})
    monkeypatch.setenv("MILK_HOME", str(tmp_path / "copy"))
    assert main(["model", "replay"]) == 1
    assert "entry 3: recorded stand" in capsys.readouterr().out
