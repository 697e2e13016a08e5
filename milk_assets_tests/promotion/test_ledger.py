"""The ledger, and the state that its entries add up to."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

import pytest

from milk_assets.promotion.floor import previous_skill
from milk_assets.promotion.ledger.entries import ModeBody
from milk_assets.promotion.ledger.ledger import Ledger, LedgerError, entry_path
from milk_assets.promotion.ledger.state import LedgerState, aborted_attempts, due_change, ledger_state, rollback_change
from milk_assets.stores.lake import Lake
from milk_assets_tests.promotion.conftest import MODEL, NO_CHANGE, OTHER
from milk_assets_tests.promotion.ledger_bodies import ledger_body

AT = datetime(2025, 3, 28, 18, 0, tzinfo=UTC)


def add(ledger: Ledger, kind: Any, **body: Any) -> int:
    return ledger.add(ledger_body(kind, **body), at=AT, actor="test").number


def change(
    ledger: Ledger, action: str, to: Any, end: str = "applied", cause: int | None = None, publication: str | None = "2025-03-28"
) -> None:
    body = {"action": action, "to": to.model_dump(), "cause": cause, "publication": publication, "reason": "because"}
    intent = add(ledger, "intent", **body)
    add(ledger, end, **body, intent=intent)


def add_decision(
    ledger: Ledger, verdict: str, day: str = "2025-03-28", champion: Any = NO_CHANGE, contender: str = "abc", passed: bool = True
) -> int:
    return add(
        ledger,
        "decision",
        publication=day,
        contender=contender,
        challenger=MODEL.model_dump(),
        champion=champion and champion.model_dump(),
        baseline=NO_CHANGE.model_dump(),
        decision={"verdict": verdict, "reason": "why", "passed": passed, "skill": 0.98, "rules": []},
    )


def add_floor_decision(ledger: Ledger, verdict: str, champion: Any, day: str = "2025-03-31") -> int:
    decision = {"verdict": verdict, "reason": "why", "skill": 1.06, "rules": []}
    return add(
        ledger, "floor", publication=day, champion=champion.model_dump(), baseline=NO_CHANGE.model_dump(), decision=decision
    )


def state(ledger: Ledger) -> LedgerState:
    return ledger_state(ledger.entries())


def test_entries_are_numbered_in_order_and_never_overwritten(ledger: Ledger, store: Lake) -> None:
    assert [add(ledger, "mode", mode="manual", reason="x") for _ in range(3)] == [1, 2, 3]
    before = store.read_bytes(entry_path(2))
    assert ledger.add_at(2, ModeBody(mode="auto", reason="x"), at=AT, actor="other") is None
    assert store.read_bytes(entry_path(2)) == before
    assert [entry.number for entry in Ledger(store).entries()] == [1, 2, 3]


def test_concurrent_entries_get_different_numbers(store: Lake) -> None:
    with ThreadPoolExecutor(6) as pool:
        numbers = list(pool.map(lambda n: add(Ledger(store), "mode", mode="auto", reason=str(n)), range(18)))
    assert sorted(numbers) == list(range(1, 19))


@pytest.mark.parametrize("damage", ["missing", "not json", "unknown kind", "other number", "missing field"])
def test_a_damaged_ledger_names_the_entry_and_what_to_do(ledger: Ledger, store: Lake, damage: str) -> None:
    for mode in ("manual", "auto", "frozen"):
        add(ledger, "mode", mode=mode, reason="x")
    if damage == "missing":
        store.remove(entry_path(2))
    else:
        document = store.read_json(entry_path(2)) | ({"kind": "joke"} if damage == "unknown kind" else {"number": 7})
        if damage == "missing field":
            document = {name: value for name, value in document.items() if name != "mode"}
        store.write_bytes(entry_path(2), b"{" if damage == "not json" else json.dumps(document).encode())
    with pytest.raises(LedgerError, match=r"\b0*2\b.*restore it|entries \[2\].*restore them"):
        Ledger(store).entries()


def test_evidence_that_was_changed_is_rejected(ledger: Ledger, store: Lake) -> None:
    sha256 = ledger.keep_evidence({"a": 1})
    assert ledger.read_evidence(sha256) == {"a": 1}
    store.write_bytes(f"ledger/evidence/{sha256[:16]}.json", b'{"a":2}\n')
    with pytest.raises(LedgerError, match="changed after the decision"):
        ledger.read_evidence(sha256)


def test_the_first_champion_is_no_change(ledger: Ledger) -> None:
    assert due_change(state(ledger)) is None
    number = add_decision(ledger, "trial", champion=None)
    first = due_change(state(ledger))
    assert first is not None
    assert (first.action, first.to, first.expected, first.cause) == ("first", NO_CHANGE, None, number)
    change(ledger, "first", NO_CHANGE, cause=number)
    assert due_change(state(ledger)) is None


def test_a_promotion_is_due_once_and_only_against_the_champion_it_was_decided_against(ledger: Ledger) -> None:
    change(ledger, "first", NO_CHANGE)
    number = add_decision(ledger, "promote")
    due = due_change(state(ledger))
    assert due is not None
    assert (due.action, due.to, due.cause) == ("promote", MODEL, number)
    change(ledger, "promote", MODEL, cause=number)
    assert due_change(state(ledger)) is None
    change(ledger, "rollback", NO_CHANGE)
    assert due_change(state(ledger)) is None  # the old decision does not promote again what was rolled back
    add_decision(ledger, "promote", champion=OTHER)
    assert due_change(state(ledger)) is None


@pytest.mark.parametrize("mode", ["manual", "frozen"])
def test_the_mode_stops_promotions_but_not_the_floor(ledger: Ledger, mode: str) -> None:
    change(ledger, "first", NO_CHANGE)
    add_decision(ledger, "promote")
    add(ledger, "mode", mode=mode, reason="x")
    assert due_change(state(ledger)) is None
    change(ledger, "promote", MODEL)
    add_floor_decision(ledger, "fall_back", MODEL)
    due = due_change(state(ledger))
    assert due is not None
    assert (due.action, due.to) == ("fall_back", NO_CHANGE)


def test_a_fall_back_comes_before_a_promotion_and_does_not_apply_to_another_champion(ledger: Ledger) -> None:
    change(ledger, "first", NO_CHANGE)
    change(ledger, "promote", OTHER)
    add_decision(ledger, "promote", champion=OTHER)
    add_floor_decision(ledger, "fall_back", OTHER)
    due = due_change(state(ledger))
    assert due is not None
    assert due.action == "fall_back"
    change(ledger, "fall_back", NO_CHANGE, cause=due.cause)
    assert due_change(state(ledger)) is None


def test_a_change_that_was_aborted_three_times_is_left_to_a_person(ledger: Ledger) -> None:
    change(ledger, "first", NO_CHANGE)
    number = add_decision(ledger, "promote")
    for attempts in range(3):
        due = due_change(state(ledger))
        assert due is not None
        assert aborted_attempts(state(ledger), due) == attempts
        change(ledger, "promote", MODEL, end="aborted", cause=number)
    assert due_change(state(ledger)) is None


def test_rolling_back_twice_goes_back_two_versions(ledger: Ledger) -> None:
    assert rollback_change(state(ledger), "drill", None) is None
    for action, version in (("first", NO_CHANGE), ("promote", MODEL), ("promote", OTHER)):
        change(ledger, action, version)
    for expected in (MODEL, NO_CHANGE):
        back = rollback_change(state(ledger), "drill", "2025-03-28")
        assert back is not None
        assert back.to == expected
        change(ledger, "rollback", back.to)
    assert rollback_change(state(ledger), "drill", None) is None
    assert state(ledger).champion == NO_CHANGE
    assert state(ledger).rolled_back_on == date(2025, 3, 28)


def test_passed_decisions_are_counted_back_to_the_last_failure(ledger: Ledger) -> None:
    change(ledger, "first", NO_CHANGE)
    add_decision(ledger, "keep", "2025-03-07", passed=False)
    add_decision(ledger, "trial", "2025-03-14")
    add_decision(ledger, "keep", "2025-03-21", passed=False)
    add_decision(ledger, "trial", "2025-03-21")  # decided again for a corrected workbook: the newest decision counts
    assert state(ledger).contender_history("abc").passed_on == (date(2025, 3, 14), date(2025, 3, 21))
    assert state(ledger).contender_history("other").passed_on == ()
    add_decision(ledger, "trial", "2025-03-28", contender="other")
    assert state(ledger).contender_history("abc").passed_on == ()
    assert state(ledger).on_trial == "other"
    change(ledger, "promote", MODEL)
    assert state(ledger).contender_history("other").passed_on == ()
    assert state(ledger).on_trial is None


def test_a_repair_and_the_first_champion_do_not_end_a_trial(ledger: Ledger) -> None:
    add_decision(ledger, "trial", "2025-03-21", champion=None)
    change(ledger, "first", NO_CHANGE)
    change(ledger, "repair", NO_CHANGE)
    assert state(ledger).on_trial == "abc"
    assert state(ledger).contender_history("abc").passed_on == (date(2025, 3, 21),)


def test_a_later_verdict_on_an_older_publication_is_not_the_newest(ledger: Ledger) -> None:
    change(ledger, "first", NO_CHANGE)
    change(ledger, "promote", MODEL)
    add_floor_decision(ledger, "fall_back", MODEL, "2025-03-31")
    add_floor_decision(ledger, "stand", MODEL, "2025-03-28")
    due = due_change(state(ledger))
    assert due is not None
    assert due.action == "fall_back"
    assert previous_skill(ledger.entries(), MODEL, "2025-04-02") == 1.06


def test_the_contract_of_the_last_model_survives_a_fall_back(ledger: Ledger) -> None:
    assert state(ledger).contract is None
    for to, facts in ((MODEL, {"family": "xgboost"}), (NO_CHANGE, {"kind": "baseline"})):
        body = {"action": "promote", "to": to.model_dump(), "cause": None, "publication": None, "reason": "x", "facts": facts}
        add(ledger, "applied", **body)
    assert state(ledger).contract == {"family": "xgboost"}


def test_an_intent_without_an_end_is_a_change_in_progress(ledger: Ledger) -> None:
    body = {"action": "promote", "to": MODEL.model_dump(), "cause": None, "publication": None, "reason": "x"}
    number = add(ledger, "intent", **body)
    open_intent = state(ledger).open_intent
    assert open_intent is not None
    assert open_intent.number == number
    add(ledger, "aborted", **body, intent=number)
    assert state(ledger).open_intent is None
