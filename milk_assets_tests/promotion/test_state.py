"""The ledger and what it amounts to."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

import pytest

from milk_assets.promotion.floor import previous_skill
from milk_assets.promotion.ledger import Ledger, LedgerError, path
from milk_assets.promotion.state import State, due, fold, rollback, tries
from milk_assets.stores.lake import Lake
from milk_assets_tests.promotion.conftest import MODEL, NO_CHANGE, OTHER

AT = datetime(2025, 3, 28, 18, 0, tzinfo=UTC)


def add(ledger: Ledger, kind: Any, **body: Any) -> int:
    return ledger.add(kind, at=AT, actor="test", body=body).number


def change(
    ledger: Ledger, action: str, to: Any, end: str = "applied", cause: int | None = None, publication: str | None = "2025-03-28"
) -> None:
    body = {"action": action, "to": to.to_document(), "cause": cause, "publication": publication, "reason": "because"}
    intent = add(ledger, "intent", **body)
    add(ledger, end, **body, intent=intent)


def decided(
    ledger: Ledger, verdict: str, day: str = "2025-03-28", champion: Any = NO_CHANGE, contender: str = "abc", passed: bool = True
) -> int:
    return add(
        ledger,
        "decision",
        publication=day,
        contender=contender,
        challenger=MODEL.to_document(),
        champion=champion and champion.to_document(),
        baseline=NO_CHANGE.to_document(),
        decision={"verdict": verdict, "reason": "why", "passed": passed, "skill": 0.98, "rules": []},
    )


def floored(ledger: Ledger, verdict: str, champion: Any, day: str = "2025-03-31") -> int:
    decision = {"verdict": verdict, "reason": "why", "skill": 1.06, "rules": []}
    return add(
        ledger, "floor", publication=day, champion=champion.to_document(), baseline=NO_CHANGE.to_document(), decision=decision
    )


def state(ledger: Ledger) -> State:
    return fold(ledger.entries())


def test_entries_are_numbered_as_they_come_and_never_written_over(ledger: Ledger, store: Lake) -> None:
    assert [add(ledger, "mode", mode="manual", reason="x") for _ in range(3)] == [1, 2, 3]
    before = store.read_bytes(path(2))
    assert ledger.add_at(2, "mode", at=AT, actor="other", body={"mode": "auto"}) is None
    assert store.read_bytes(path(2)) == before
    assert [entry.number for entry in Ledger(store).entries()] == [1, 2, 3]


def test_of_many_who_add_at_once_each_gets_a_number_of_its_own(store: Lake) -> None:
    with ThreadPoolExecutor(6) as pool:
        numbers = list(pool.map(lambda n: add(Ledger(store), "mode", mode="auto", reason=str(n)), range(18)))
    assert sorted(numbers) == list(range(1, 19))


@pytest.mark.parametrize("damage", ["missing", "not json", "unknown kind", "other number"])
def test_a_damaged_ledger_says_which_entry_and_what_to_do(ledger: Ledger, store: Lake, damage: str) -> None:
    for mode in ("manual", "auto", "frozen"):
        add(ledger, "mode", mode=mode, reason="x")
    if damage == "missing":
        store.remove(path(2))
    else:
        document = store.read_json(path(2)) | ({"kind": "joke"} if damage == "unknown kind" else {"number": 7})
        store.write_bytes(path(2), b"{" if damage == "not json" else json.dumps(document).encode())
    with pytest.raises(LedgerError, match=r"\b0*2\b.*restore it|entry 2 is of kind|entries \[2\].*restore them"):
        Ledger(store).entries()


def test_evidence_that_was_changed_is_refused(ledger: Ledger, store: Lake) -> None:
    sha256 = ledger.keep_evidence({"a": 1})
    assert ledger.read_evidence(sha256) == {"a": 1}
    store.write_bytes(f"ledger/evidence/{sha256[:16]}.json", b'{"a":2}\n')
    with pytest.raises(LedgerError, match="changed after the decision"):
        ledger.read_evidence(sha256)


def test_the_first_champion_is_no_change(ledger: Ledger) -> None:
    assert due(state(ledger)) is None
    number = decided(ledger, "trial", champion=None)
    first = due(state(ledger))
    assert first is not None
    assert (first.action, first.to, first.expected, first.cause) == ("first", NO_CHANGE, None, number)
    change(ledger, "first", NO_CHANGE, cause=number)
    assert due(state(ledger)) is None


def test_a_promotion_is_due_once_and_only_against_the_champion_it_was_decided_on(ledger: Ledger) -> None:
    change(ledger, "first", NO_CHANGE)
    number = decided(ledger, "promote")
    asked = due(state(ledger))
    assert asked is not None
    assert (asked.action, asked.to, asked.cause) == ("promote", MODEL, number)
    change(ledger, "promote", MODEL, cause=number)
    assert due(state(ledger)) is None
    change(ledger, "rollback", NO_CHANGE)
    assert due(state(ledger)) is None  # what was rolled back is not promoted again by the old decision
    decided(ledger, "promote", champion=OTHER)
    assert due(state(ledger)) is None


@pytest.mark.parametrize("mode", ["manual", "frozen"])
def test_the_mode_stops_promotions_and_never_the_floor(ledger: Ledger, mode: str) -> None:
    change(ledger, "first", NO_CHANGE)
    decided(ledger, "promote")
    add(ledger, "mode", mode=mode, reason="x")
    assert due(state(ledger)) is None
    change(ledger, "promote", MODEL)
    floored(ledger, "fall_back", MODEL)
    asked = due(state(ledger))
    assert asked is not None
    assert (asked.action, asked.to) == ("fall_back", NO_CHANGE)


def test_a_fall_back_comes_before_a_promotion_and_is_not_asked_of_another_champion(ledger: Ledger) -> None:
    change(ledger, "first", NO_CHANGE)
    change(ledger, "promote", OTHER)
    decided(ledger, "promote", champion=OTHER)
    floored(ledger, "fall_back", OTHER)
    asked = due(state(ledger))
    assert asked is not None
    assert asked.action == "fall_back"
    change(ledger, "fall_back", NO_CHANGE, cause=asked.cause)
    assert due(state(ledger)) is None


def test_what_was_aborted_three_times_is_left_to_a_person(ledger: Ledger) -> None:
    change(ledger, "first", NO_CHANGE)
    number = decided(ledger, "promote")
    for times in range(3):
        asked = due(state(ledger))
        assert asked is not None
        assert tries(state(ledger), asked) == times
        change(ledger, "promote", MODEL, end="aborted", cause=number)
    assert due(state(ledger)) is None


def test_rolling_back_twice_goes_back_two_versions(ledger: Ledger) -> None:
    assert rollback(state(ledger), "drill", None) is None
    for action, version in (("first", NO_CHANGE), ("promote", MODEL), ("promote", OTHER)):
        change(ledger, action, version)
    for expected in (MODEL, NO_CHANGE):
        back = rollback(state(ledger), "drill", "2025-03-28")
        assert back is not None
        assert back.to == expected
        change(ledger, "rollback", back.to)
    assert rollback(state(ledger), "drill", None) is None
    assert state(ledger).champion == NO_CHANGE
    assert state(ledger).rolled_back_on == date(2025, 3, 28)


def test_decisions_in_a_row_are_counted_back_to_the_first_that_failed(ledger: Ledger) -> None:
    change(ledger, "first", NO_CHANGE)
    decided(ledger, "keep", "2025-03-07", passed=False)
    decided(ledger, "trial", "2025-03-14")
    decided(ledger, "keep", "2025-03-21", passed=False)
    decided(ledger, "trial", "2025-03-21")  # decided again on a corrected workbook: the newest counts
    assert state(ledger).standing("abc").passed_on == (date(2025, 3, 14), date(2025, 3, 21))
    assert state(ledger).standing("other").passed_on == ()
    decided(ledger, "trial", "2025-03-28", contender="other")
    assert state(ledger).standing("abc").passed_on == ()
    assert state(ledger).on_trial == "other"
    change(ledger, "promote", MODEL)
    assert state(ledger).standing("other").passed_on == ()
    assert state(ledger).on_trial is None


def test_a_repair_and_the_first_champion_end_no_trial(ledger: Ledger) -> None:
    decided(ledger, "trial", "2025-03-21", champion=None)
    change(ledger, "first", NO_CHANGE)
    change(ledger, "repair", NO_CHANGE)
    assert state(ledger).on_trial == "abc"
    assert state(ledger).standing("abc").passed_on == (date(2025, 3, 21),)


def test_what_is_judged_again_for_an_older_publication_is_not_the_newest(ledger: Ledger) -> None:
    change(ledger, "first", NO_CHANGE)
    change(ledger, "promote", MODEL)
    floored(ledger, "fall_back", MODEL, "2025-03-31")
    floored(ledger, "stand", MODEL, "2025-03-28")
    asked = due(state(ledger))
    assert asked is not None
    assert asked.action == "fall_back"
    assert previous_skill(ledger.entries(), MODEL, "2025-04-02") == 1.06


def test_what_the_last_model_said_of_itself_outlives_a_fall_back(ledger: Ledger) -> None:
    assert state(ledger).contract is None
    for to, facts in ((MODEL, {"family": "xgboost"}), (NO_CHANGE, {"kind": "baseline"})):
        body = {"action": "promote", "to": to.to_document(), "cause": None, "publication": None, "reason": "x", "facts": facts}
        add(ledger, "applied", **body)
    assert state(ledger).contract == {"family": "xgboost"}


def test_an_intent_without_an_end_is_under_way(ledger: Ledger) -> None:
    body = {"action": "promote", "to": MODEL.to_document(), "cause": None, "publication": None, "reason": "x"}
    number = add(ledger, "intent", **body)
    underway = state(ledger).open
    assert underway is not None
    assert underway.number == number
    add(ledger, "aborted", **body, intent=number)
    assert state(ledger).open is None
