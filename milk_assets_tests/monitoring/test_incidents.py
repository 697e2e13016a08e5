"""Incidents and outbox as pure functions: announced once, then silence, then resolved; no message is lost or sent twice without a note."""

from datetime import UTC, datetime, timedelta

import pytest

from milk_assets.monitoring.alerts.incidents import (
    LINES_PER_MESSAGE,
    Observation,
    open_incidents,
    queue_digest,
    update_incidents,
)
from milk_assets.monitoring.alerts.outbox import (
    CLAIM_EXPIRES_AFTER,
    REPETITION_NOTE,
    RETRY_WAITS,
    Attempt,
    claim_message,
    count_waiting,
    settle_delivery,
)
from milk_assets.monitoring.alerts.rules import RULES
from milk_assets.monitoring.alerts.state_documents import AlertState

NOW = datetime(2025, 3, 31, 18, 0, tzinfo=UTC)
CHAT = ("telegram",)


def update(state, *observations, now=NOW, **options):
    return update_incidents(state, observations, now, channels=CHAT, **options)


def texts(state):
    return [message.text for message in state.outbox]


def statuses(state):
    """The first words of each message, such as `milk OPEN`."""
    return [text.split(":")[0] for text in texts(state)]


def frozen(day="2025-03-31", is_breach=True):
    return Observation("feed_frozen", day, f"frozen on {day}", is_breach=is_breach)


def test_an_incident_is_announced_once_and_resolved_once():
    state = update(AlertState(), frozen())
    lines = [
        "milk OPEN: The feed is frozen",
        "frozen on 2025-03-31",
        f"What to do: {RULES['feed_frozen'].action}",
        "Runbook: docs/runbook.md#feed-frozen",
        f"#{state.outbox[0].message_id}",
    ]
    assert texts(state) == ["\n".join(lines)]
    for day in ("2025-03-31", "2025-04-02", "2025-04-04"):
        state = update(state, frozen(day))
    assert len(texts(state)) == 1
    (incident,) = open_incidents(state)
    assert (incident.breaches, incident.text) == (3, "frozen on 2025-04-04")
    state = update(state, frozen(is_breach=False), now=NOW + timedelta(hours=1))
    assert open_incidents(state) == []
    assert texts(state)[1].startswith("milk RESOLVED: The feed is frozen\n")
    assert "It was open since 2025-03-31 18:00 UTC." in texts(state)[1]
    assert "What to do" not in texts(state)[1]


def test_the_same_observations_applied_twice_change_nothing():
    once = update(AlertState(), frozen())
    assert update(once, frozen(), now=NOW + timedelta(minutes=1)) == once
    assert update(AlertState(), frozen(is_breach=False)) == AlertState()


def test_an_incident_that_comes_back_is_announced_again():
    state = AlertState()
    for minute, is_breach in enumerate((True, False, True)):
        state = update(state, frozen(is_breach=is_breach), now=NOW + timedelta(minutes=minute))
    assert statuses(state) == ["milk OPEN", "milk RESOLVED", "milk OPEN"]
    assert len({message.message_id for message in state.outbox}) == 3


def test_a_failure_and_a_success_in_one_update_send_both_messages():
    assert statuses(update(AlertState(), frozen(), frozen("2025-04-02", is_breach=False))) == ["milk OPEN", "milk RESOLVED"]


def test_one_unhealthy_answer_of_the_endpoint_is_not_announced_and_a_second_is():
    first = update(AlertState(), Observation("api_unhealthy", "run 1", "503"))
    again = update(first, Observation("api_unhealthy", "run 1", "503"))
    assert texts(again) == [], "the same observation twice counts once"
    healthy = update(first, Observation("api_unhealthy", "run 2", is_breach=False))
    assert texts(healthy) == [], "an incident that was not announced ends silently"
    assert texts(update(healthy, Observation("api_unhealthy", "run 3", "503"))) == []
    assert len(texts(update(first, Observation("api_unhealthy", "run 2", "503")))) == 1


def test_each_market_has_its_own_incident_and_all_share_one_message():
    markets = [Observation("market_drift", "2025-03-31", f"market {n}", str(n)) for n in range(LINES_PER_MESSAGE + 2)]
    state = update(AlertState(), *markets)
    assert len(open_incidents(state)) == LINES_PER_MESSAGE + 2
    (text,) = texts(state)
    assert "market 7" in text
    assert "market 8" not in text
    assert "and 2 more" in text
    fewer = update(state, *markets[1:], complete_rules=["market_drift"])
    assert texts(fewer)[1].split("\n")[:2] == ["milk RESOLVED: A market behaves unusually", "market 0"]


def test_an_incident_that_is_not_observed_is_resolved_only_for_complete_rules():
    state = update(AlertState(), frozen(), Observation("check_failed", "1", "x", "names"))
    assert len(open_incidents(update(state))) == 2
    (remaining,) = open_incidents(update(state, complete_rules=["feed_frozen"]))
    assert remaining.rule == "check_failed"


def test_each_model_version_has_its_own_incident():
    worse = {model: Observation("model_performance", "2025-03-31", "worse", "skill", model) for model in ("3", "4")}
    state = update(update(AlertState(), worse["3"]), worse["4"], complete_rules=["model_performance"])
    assert statuses(state) == ["milk OPEN", "milk OPEN", "milk RESOLVED"]
    assert [incident.model for incident in open_incidents(state)] == ["4"]


def test_an_event_is_announced_once_however_often_it_is_observed():
    promoted = Observation("champion_promoted", "ledger 7", "version 2 → 3", "promote", "3")
    state = update(AlertState(), promoted)
    state = update(state, promoted, now=NOW + timedelta(days=9))
    assert [text.split("\n")[:2] for text in texts(state)] == [["milk NEWS: A new model is served", "version 2 → 3"]]
    assert open_incidents(state) == []


def test_an_unknown_rule_is_rejected():
    with pytest.raises(KeyError):
        update(AlertState(), Observation("nonsense", "1"))


def test_a_day_has_one_digest():
    state = update(AlertState(), frozen())
    once = queue_digest(state, "2025-03-31", ["newest publication 2025-03-31"], NOW, channels=CHAT)
    assert texts(once)[1].split("\n")[:3] == [
        "milk 2025-03-31: 1 open incident",
        "The feed is frozen (since 2025-03-31 18:00 UTC): frozen on 2025-03-31",
        "newest publication 2025-03-31",
    ]
    assert queue_digest(once, "2025-03-31", [], NOW, channels=CHAT) == once
    assert queue_digest(once, "2025-03-30", [], NOW, channels=CHAT) == once, "a clock that goes back sends no digest again"
    assert "no open incidents" in texts(queue_digest(AlertState(), "2025-04-01", [], NOW, channels=CHAT))[0]


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.name)
def test_a_rule_says_in_short_sentences_what_happened_and_what_to_do(rule):
    assert len(rule.title) <= 60
    assert 0 < len(rule.action) <= 140
    assert rule.action.endswith(".")


def queued(count=1, channels=CHAT):
    """A state with the messages of `count` failed runs."""
    state = AlertState()
    for n in range(count):
        failure = Observation("run_failed", f"run {n}", "boom", segment=f"job {n}")
        state = update_incidents(state, [failure], NOW, channels=channels)
    return state


SENT, FAILED = Attempt("sent"), Attempt("failed", reason="HTTP 500")


def test_a_message_is_claimed_sent_and_removed():
    claimed, message = claim_message(queued(), "telegram", NOW)
    assert message.text.startswith("milk OPEN: A run failed\nboom")
    assert claim_message(claimed, "telegram", NOW) == (claimed, None), "another sender does not send it too"
    assert count_waiting(settle_delivery(claimed, "telegram", message.message_id, SENT, NOW)) == 0


def test_a_failed_message_waits_longer_each_time_and_is_never_dropped():
    state, now, waits = queued(), NOW, []
    for _ in range(len(RETRY_WAITS) + 3):
        state, message = claim_message(state, "telegram", now)
        assert REPETITION_NOTE not in message.text, "it certainly did not arrive"
        state = settle_delivery(state, "telegram", message.message_id, FAILED, now)
        next_attempt = state.outbox[0].deliveries["telegram"].not_before
        waits.append((next_attempt - now).total_seconds())
        now = next_attempt
    assert waits == [*RETRY_WAITS, RETRY_WAITS[-1], RETRY_WAITS[-1], RETRY_WAITS[-1]]


def test_the_wait_that_a_server_asks_for_is_respected():
    state, message = claim_message(queued(), "telegram", NOW)
    state = settle_delivery(state, "telegram", message.message_id, Attempt("failed", 17.0, "HTTP 429"), NOW)
    assert claim_message(state, "telegram", NOW + timedelta(seconds=16))[1] is None
    assert claim_message(state, "telegram", NOW + timedelta(seconds=17))[1] is not None


def test_a_claim_expires_and_the_next_sender_adds_the_repetition_note():
    claimed, first = claim_message(queued(), "telegram", NOW)
    assert claim_message(claimed, "telegram", NOW + CLAIM_EXPIRES_AFTER - timedelta(seconds=1))[1] is None
    _, second = claim_message(claimed, "telegram", NOW + CLAIM_EXPIRES_AFTER)
    assert second.message_id == first.message_id
    assert second.text == f"{first.text}\n{REPETITION_NOTE}"


def test_a_message_without_an_answer_is_repeated_with_the_note():
    state, message = claim_message(queued(), "telegram", NOW)
    state = settle_delivery(state, "telegram", message.message_id, Attempt("unsure", reason="ReadTimeout"), NOW)
    assert REPETITION_NOTE in claim_message(state, "telegram", NOW + timedelta(hours=1))[1].text


def test_messages_are_sent_in_order_and_channels_do_not_wait_for_each_other():
    state = queued(2, ("telegram", "webhook"))
    state, first = claim_message(state, "telegram", NOW)
    state = settle_delivery(state, "telegram", first.message_id, FAILED, NOW)
    assert claim_message(state, "telegram", NOW)[1] is None, "the messages behind it wait too"
    sent = []
    for _ in range(2):
        state, message = claim_message(state, "webhook", NOW)
        state = settle_delivery(state, "webhook", message.message_id, SENT, NOW)
        sent.append(message.message_id)
    assert sent == [message.message_id for message in queued(2).outbox]
    assert claim_message(state, "webhook", NOW)[1] is None
    assert count_waiting(state) == 2
    assert settle_delivery(state, "webhook", "unknown", SENT, NOW) == state
