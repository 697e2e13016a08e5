"""The ledger can be replayed, read and explained."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from milk_assets.commands import model as command
from milk_assets.promotion.evidence import gather
from milk_assets.promotion.floor import judge
from milk_assets.promotion.gate import decide
from milk_assets.promotion.ledger import Ledger, path
from milk_assets.promotion.policy import Policy
from milk_assets.promotion.replay import decision_inputs, replay
from milk_assets.promotion.state import fold
from milk_assets.stores.lake import Lake
from milk_assets_tests.promotion.conftest import MODEL, NO_CHANGE, facts, scored

AT = datetime(2025, 3, 28, 18, 0, tzinfo=UTC)
EVIDENCE = gather(scored(challenger=0.95, champion=1.0))


NAMES = {"challenger": MODEL.to_document(), "champion": NO_CHANGE.to_document(), "baseline": NO_CHANGE.to_document()}
MADE_OF = {"workbook": "a" * 64, "code": "b" * 12}


def decided(ledger: Ledger, day: date, policy: Policy | None = None) -> int:
    """A decision as the evaluation records it."""
    state, known, used = fold(ledger.entries()), facts(publication=day), policy or Policy()
    decision = decide(EVIDENCE, known, state.standing(known.contender), used)
    inputs = decision_inputs(EVIDENCE, known, state.standing(known.contender), used, NAMES, MADE_OF)
    body = {
        **NAMES,
        "publication": day.isoformat(),
        "contender": known.contender,
        "decision": decision.as_document(),
        "evidence": ledger.keep_evidence(inputs),
    }
    return ledger.add("decision", at=AT, actor="test", body=body).number


def floored(ledger: Ledger) -> int:
    errors = {"1": {"dates": 20.0, "mae": 0.11, "mae_no_change": 0.1}}
    decision = judge(errors, None, True, False).as_document()
    inputs = {"errors": errors, "previous": None, "healthy": True, "is_baseline": False, "policy": Policy().to_document()}
    body = {"publication": "2025-03-31", "champion": MODEL.to_document(), "baseline": NO_CHANGE.to_document()}
    return ledger.add("floor", at=AT, actor="test", body={**body, "decision": decision, "inputs": inputs}).number


@pytest.fixture
def told(ledger: Ledger) -> Ledger:
    decided(ledger, date(2025, 3, 21))
    decided(ledger, date(2025, 3, 28))
    floored(ledger)
    return ledger


def changed(store: Lake, number: int, **body: object) -> None:
    store.write_bytes(path(number), json.dumps(store.read_json(path(number)) | body).encode())


def test_every_verdict_follows_from_what_is_recorded_with_it(told: Ledger) -> None:
    entries = told.entries()
    assert [entry.body["decision"]["verdict"] for entry in entries] == ["trial", "promote", "fall_back"]
    assert replay(entries, told.read_evidence) == []


def test_thresholds_are_those_of_the_day(ledger: Ledger) -> None:
    decided(ledger, date(2025, 3, 28), Policy(least_gain=0.5))
    assert replay(ledger.entries(), ledger.read_evidence) == []


def test_a_verdict_that_does_not_follow_is_named(told: Ledger, store: Lake) -> None:
    changed(store, 3, decision={**told.entries()[2].body["decision"], "verdict": "stand"})
    (differing,) = replay(Ledger(store).entries(), told.read_evidence)
    assert differing.number == 3
    assert differing.recorded.startswith("stand")
    assert differing.recomputed.startswith("fall_back (clearly_worse_than_no_change)")


def test_a_past_that_was_rewritten_is_named(told: Ledger, store: Lake) -> None:
    """The second decision counted on the first; without it the verdict had no ground to stand on."""
    first = told.entries()[0].body["decision"]
    changed(store, 1, decision={**first, "passed": False})
    assert [one.number for one in replay(Ledger(store).entries(), told.read_evidence)] == [1, 2]


@pytest.mark.parametrize("gone", [True, False])
def test_evidence_that_is_gone_or_changed_is_named(told: Ledger, store: Lake, gone: bool) -> None:
    file = f"ledger/evidence/{told.entries()[1].body['evidence'][:16]}.json"
    if gone:
        store.remove(file)
    else:
        store.write_bytes(file, b"{}")
    (differing,) = replay(told.entries(), told.read_evidence)
    assert differing.number == 2
    assert ("is gone" if gone else "changed after the decision") in differing.recomputed


@pytest.mark.parametrize("forged", [{"challenger": NO_CHANGE.to_document()}, {"publication": "2025-03-31"}])
def test_a_decision_that_names_another_version_or_date_than_it_was_taken_on_is_named(
    told: Ledger, store: Lake, forged: dict[str, object]
) -> None:
    changed(store, 2, **forged)
    assert [one.number for one in replay(Ledger(store).entries(), told.read_evidence)] == [2]


def test_a_floor_judged_on_another_past_than_the_ledgers_is_named(told: Ledger, store: Lake) -> None:
    changed(store, 3, inputs={**told.entries()[2].body["inputs"], "previous": 0.97})
    (differing,) = replay(Ledger(store).entries(), told.read_evidence)
    assert (differing.number, "an S of 0.97 before, the ledger says None" in differing.recomputed) == (3, True)


def test_an_applied_change_to_another_version_than_its_cause_asks_for_is_named(told: Ledger) -> None:
    body = {"action": "promote", "cause": 2, "publication": "2025-03-28", "reason": "x", "to": NO_CHANGE.to_document()}
    told.add("applied", at=AT, actor="test", body=body)
    (differing,) = replay(told.entries(), told.read_evidence)
    assert (differing.recorded, differing.recomputed) == ("version 1", "entry 2 asks for version 2")


def test_the_commands_show_explain_and_replay(
    told: Ledger, store: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILK_HOME", str(Path(store.root).parent))
    monkeypatch.delenv("MILK_ENV", raising=False)
    assert command.main(["history"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["entry", "at", "what", "version", "skill", "why", "who"]
    assert lines[2].split()[:6] == ["2", "2025-03-28", "18:00", "gate:", "promote", "2"]
    assert command.main(["explain", "1"]) == 0
    assert "passed in consecutive weeks" in (shown := capsys.readouterr().out)
    assert "no: must_pass_again_next_week" in shown
    assert command.main(["replay"]) == 0
    assert capsys.readouterr().out == "3 verdicts recomputed, 0 differ\n"
    assert command.main(["explain", "9"]) == 1
    assert "there is no entry 9; the ledger has 3" in capsys.readouterr().err


def test_a_replay_that_differs_ends_with_an_error(
    told: Ledger, store: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Lake(root=str(tmp_path / "copy" / "artefacts"))  # a process reads an entry once
    for file in store.files("ledger"):
        copy.write_bytes(file, store.read_bytes(file))
    changed(copy, 3, decision={**told.entries()[2].body["decision"], "verdict": "stand"})
    monkeypatch.setenv("MILK_HOME", str(tmp_path / "copy"))
    assert command.main(["replay"]) == 1
    assert "entry 3: recorded stand" in capsys.readouterr().out
