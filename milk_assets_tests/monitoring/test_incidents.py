"""Incidents and the outbox as pure functions: told once, then silence, then resolved; never lost, doubled only where it says so."""

from datetime import UTC, datetime, timedelta

import pytest

from milk_assets.monitoring.alerts.incidents import LINES, Fact, digest, new_state, observe, open_incidents
from milk_assets.monitoring.alerts.outbox import CLAIM, REPEATED, WAITS, claim, settle, waiting

NOW = datetime(2025, 3, 31, 18, 0, tzinfo=UTC)
CHAT = ("telegram",)


def told(state):
    return [message["text"] for message in state["outbox"]]


def frozen(day="2025-03-31", breached=True):
    return Fact("feed_frozen", day, f"frozen on {day}", breached=breached)


def test_an_incident_is_told_once_then_silence_then_resolved():
    state = observe(new_state(), [frozen()], NOW, channels=CHAT)
    lines = [
        "milk OPEN: The feed is frozen",
        "frozen on 2025-03-31",
        "→ docs/runbook.md#feed-frozen",
        f"#{state['outbox'][0]['id']}",
    ]
    assert told(state) == ["\n".join(lines)]
    for day in ("2025-03-31", "2025-04-02", "2025-04-04"):
        state = observe(state, [frozen(day)], NOW, channels=CHAT)
    assert len(told(state)) == 1
    (standing,) = open_incidents(state)
    assert (standing["seen"], standing["text"]) == (3, "frozen on 2025-04-04")
    state = observe(state, [frozen(breached=False)], NOW + timedelta(hours=1), channels=CHAT)
    assert open_incidents(state) == []
    assert told(state)[1].startswith("milk RESOLVED: The feed is frozen\n")
    assert "since 2025-03-31T18:00:00+00:00" in told(state)[1]


def test_the_same_facts_seen_again_change_nothing():
    once = observe(new_state(), [frozen()], NOW, channels=CHAT)
    assert observe(once, [frozen()], NOW + timedelta(minutes=1), channels=CHAT) == once
    well = observe(new_state(), [frozen(breached=False)], NOW, channels=CHAT)
    assert well == new_state()


def test_an_incident_that_comes_back_is_told_anew():
    state = new_state()
    for minute, breached in enumerate((True, False, True)):
        state = observe(state, [frozen(breached=breached)], NOW + timedelta(minutes=minute), channels=CHAT)
    assert [text.split(":")[0] for text in told(state)] == ["milk OPEN", "milk RESOLVED", "milk OPEN"]
    assert len({message["id"] for message in state["outbox"]}) == 3


def test_one_failed_look_at_the_endpoint_tells_nobody_and_a_second_does():
    first = observe(new_state(), [Fact("api_unhealthy", "run 1", "503")], NOW, channels=CHAT)
    again = observe(first, [Fact("api_unhealthy", "run 1", "503")], NOW, channels=CHAT)
    assert told(again) == [], "the same observation twice is one"
    well = observe(first, [Fact("api_unhealthy", "run 2", breached=False)], NOW, channels=CHAT)
    assert told(well) == [], "what nobody was told of is not resolved"
    assert told(observe(well, [Fact("api_unhealthy", "run 3", "503")], NOW, channels=CHAT)) == []
    assert len(told(observe(first, [Fact("api_unhealthy", "run 2", "503")], NOW, channels=CHAT))) == 1


def test_markets_of_one_rule_are_incidents_of_their_own_and_one_message():
    markets = [Fact("market_drift", "2025-03-31", f"market {n}", str(n)) for n in range(LINES + 2)]
    state = observe(new_state(), markets, NOW, channels=CHAT)
    assert len(open_incidents(state)) == LINES + 2
    (text,) = told(state)
    assert "market 7" in text
    assert "market 8" not in text
    assert "and 2 more" in text
    fewer = observe(state, markets[1:], NOW, whole=["market_drift"], channels=CHAT)
    assert told(fewer)[1].split("\n")[:2] == ["milk RESOLVED: A market left its own history", "market 0"]


def test_what_a_whole_look_does_not_name_is_well_and_what_a_part_does_not_name_stands():
    state = observe(new_state(), [frozen(), Fact("check_failed", "1", "x", "names")], NOW, channels=CHAT)
    assert len(open_incidents(observe(state, [], NOW, channels=CHAT))) == 2
    (left,) = open_incidents(observe(state, [], NOW, whole=["feed_frozen"], channels=CHAT))
    assert left["rule"] == "check_failed"


def test_another_model_is_another_incident():
    facts = [Fact("model_performance", "2025-03-31", "worse", "skill", model) for model in ("3", "4")]
    state = observe(
        observe(new_state(), facts[:1], NOW, channels=CHAT), facts[1:], NOW, whole=["model_performance"], channels=CHAT
    )
    assert [text.split(":")[0] for text in told(state)] == ["milk OPEN", "milk OPEN", "milk RESOLVED"]
    assert [one["model"] for one in open_incidents(state)] == ["4"]


def test_an_event_is_told_once_however_often_it_is_seen():
    promoted = Fact("champion_promoted", "ledger 7", "version 2 → 3", "promote", "3")
    state = observe(new_state(), [promoted], NOW, channels=CHAT)
    state = observe(state, [promoted], NOW + timedelta(days=9), channels=CHAT)
    assert [text.split("\n")[:2] for text in told(state)] == [["milk NEWS: Another model is served", "version 2 → 3"]]
    assert open_incidents(state) == []


def test_an_unknown_rule_is_refused():
    with pytest.raises(KeyError):
        observe(new_state(), [Fact("nonsense", "1")], NOW, channels=CHAT)


def test_a_day_has_one_digest():
    state = observe(new_state(), [frozen()], NOW, channels=CHAT)
    once = digest(state, "2025-03-31", ["newest publication 2025-03-31"], NOW, channels=CHAT)
    assert told(once)[1].split("\n")[:3] == [
        "milk 2025-03-31: 1 open",
        "The feed is frozen since 2025-03-31T18:00: frozen on 2025-03-31",
        "newest publication 2025-03-31",
    ]
    assert digest(once, "2025-03-31", [], NOW, channels=CHAT) == once
    assert digest(once, "2025-03-30", [], NOW, channels=CHAT) == once, "a clock that goes back tells nothing again"
    assert "all is well" in told(digest(new_state(), "2025-04-01", [], NOW, channels=CHAT))[0]


def queued(count=1, channels=CHAT):
    state = new_state()
    for n in range(count):
        state = observe(state, [Fact("run_failed", f"run {n}", "boom", segment=f"job {n}")], NOW, channels=channels)
    return state


def test_a_message_is_claimed_sent_and_forgotten():
    claimed, message = claim(queued(), "telegram", NOW)
    assert message["text"].startswith("milk OPEN: A run failed\nboom")
    assert claim(claimed, "telegram", NOW) == (claimed, None), "another sender does not send it too"
    assert waiting(settle(claimed, "telegram", message["id"], "sent", NOW)) == 0


def test_a_failed_message_waits_longer_each_time_and_is_never_given_up():
    state, now, waits = queued(), NOW, []
    for _ in range(len(WAITS) + 3):
        state, message = claim(state, "telegram", now)
        assert REPEATED not in message["text"], "it certainly did not arrive"
        state = settle(state, "telegram", message["id"], "failed", now, reason="HTTP 500")
        due = datetime.fromisoformat(state["outbox"][0]["channels"]["telegram"]["not_before"])
        waits.append((due - now).total_seconds())
        now = due
    assert waits == [*WAITS, WAITS[-1], WAITS[-1], WAITS[-1]]


def test_the_wait_a_server_asks_for_is_kept():
    state, message = claim(queued(), "telegram", NOW)
    state = settle(state, "telegram", message["id"], "failed", NOW, wait=17.0, reason="HTTP 429")
    assert claim(state, "telegram", NOW + timedelta(seconds=16))[1] is None
    assert claim(state, "telegram", NOW + timedelta(seconds=17))[1] is not None


def test_a_sender_that_died_is_replaced_and_the_message_says_that_it_may_be_a_repetition():
    claimed, first = claim(queued(), "telegram", NOW)
    assert claim(claimed, "telegram", NOW + CLAIM - timedelta(seconds=1))[1] is None
    _, second = claim(claimed, "telegram", NOW + CLAIM)
    assert second["id"] == first["id"]
    assert second["text"] == f"{first['text']}\n{REPEATED}"


def test_no_answer_is_repeated_with_a_mark():
    state, message = claim(queued(), "telegram", NOW)
    state = settle(state, "telegram", message["id"], "unsure", NOW, reason="ReadTimeout")
    assert REPEATED in claim(state, "telegram", NOW + timedelta(hours=1))[1]["text"]


def test_messages_go_out_in_order_and_one_channel_does_not_hold_the_other():
    state = queued(2, ("telegram", "webhook"))
    state, first = claim(state, "telegram", NOW)
    state = settle(state, "telegram", first["id"], "failed", NOW)
    assert claim(state, "telegram", NOW)[1] is None, "what is behind it waits too"
    for text in ("job 0", "job 1"):
        state, message = claim(state, "webhook", NOW)
        state = settle(state, "webhook", message["id"], "sent", NOW)
        assert message["id"] in {one["id"] for one in queued(2)["outbox"]}, text
    assert claim(state, "webhook", NOW)[1] is None
    assert waiting(state) == 2
    assert settle(state, "webhook", "unknown", "sent", NOW) == state
