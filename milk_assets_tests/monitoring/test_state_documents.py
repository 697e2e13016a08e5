"""Alert state documents: a file of the previous release is read, and the keys on disk stay the same."""

from datetime import UTC, datetime, timedelta

from milk_assets.monitoring.alerts.incidents import Observation, open_incidents, update_incidents
from milk_assets.monitoring.alerts.outbox import REPETITION_NOTE, claim_message
from milk_assets.stores.alert_state import ALERT_STATE_PATH, read_alert_state, update_alert_state
from milk_assets.stores.lake import Lake

SINCE = "2025-03-31T18:00:00+00:00"
OLD_FILE = {
    "schema": 1,
    "incidents": {
        "market_drift|returns uht/store|": {
            "rule": "market_drift",
            "segment": "returns uht/store",
            "model": "",
            "since": SINCE,
            "at": "2025-03-31",
            "seen": 2,
            "open": True,
            "text": "2025-03-31: mean change of uht, store",
        }
    },
    "told": ["champion_promoted|promote|3|ledger 7"],
    "digest": "2025-03-30",
    "outbox": [
        {
            "id": "0123456789",
            "text": "milk OPEN: A market left its own history\n#0123456789",
            "at": SINCE,
            "channels": {
                "telegram": {"step": "sending", "attempts": 1, "not_before": SINCE, "reason": "ReadTimeout"},
                "webhook": {"step": "queued", "attempts": 0, "not_before": "2025-03-31T18:00:00.123456+00:00"},
            },
        }
    ],
    "adopted": True,
}
"""`monitoring/alerts.json` as release 0.1 wrote it."""


def test_a_file_of_the_previous_release_is_read(lake: Lake) -> None:
    lake.write_json(ALERT_STATE_PATH, OLD_FILE)
    state = read_alert_state(lake)
    (incident,) = open_incidents(state)
    assert (incident.rule, incident.breaches, incident.since) == ("market_drift", 2, datetime(2025, 3, 31, 18, tzinfo=UTC))
    assert (state.digest_day, state.is_initialized) == ("2025-03-30", True)
    _, message = claim_message(state, "telegram", datetime(2025, 3, 31, 19, tzinfo=UTC))
    assert message is not None
    assert message.message_id == "0123456789"
    assert message.text.endswith(REPETITION_NOTE), "its first attempt got no answer"


def test_its_incidents_and_events_are_not_announced_again(lake: Lake) -> None:
    lake.write_json(ALERT_STATE_PATH, OLD_FILE)
    state = read_alert_state(lake)
    observations = [
        Observation("market_drift", "2025-04-02", "still drifting", "returns uht/store"),
        Observation("champion_promoted", "ledger 7", "version 2 → 3", "promote", "3"),
    ]
    after = update_incidents(state, observations, datetime(2025, 4, 2, tzinfo=UTC), channels=("telegram",))
    assert len(after.outbox) == 1
    assert open_incidents(after)[0].breaches == 3


def test_the_keys_on_disk_stay_the_same(lake: Lake) -> None:
    lake.write_json(ALERT_STATE_PATH, OLD_FILE)
    update_alert_state(lake, lambda state: state.model_copy(update={"digest_day": "2025-03-31"}))
    deliveries = {**OLD_FILE["outbox"][0]["channels"]}  # type: ignore[index]  # a literal of mixed values
    deliveries["webhook"] = {**deliveries["webhook"], "reason": ""}
    message = {**OLD_FILE["outbox"][0], "channels": deliveries}  # type: ignore[index]  # as above
    assert lake.read_json(ALERT_STATE_PATH) == {**OLD_FILE, "digest": "2025-03-31", "outbox": [message]}


def test_a_file_without_the_newer_keys_is_read(lake: Lake) -> None:
    lake.write_json(ALERT_STATE_PATH, {"incidents": {}, "told": ["x"], "an unknown key": 1})
    state = read_alert_state(lake)
    assert (state.announced_events, state.outbox, state.is_initialized) == (("x",), (), False)


def test_times_are_stored_with_their_offset_and_message_ids_stay_the_same(lake: Lake) -> None:
    now = datetime(2025, 3, 31, 18, 0, 0, 999, tzinfo=UTC)

    def change(state):  # type: ignore[no-untyped-def]  # AlertState to AlertState
        return update_incidents(state, [Observation("feed_frozen", "2025-03-31", "x")], now, channels=("telegram",))

    state = update_alert_state(lake, change)
    stored = lake.read_json(ALERT_STATE_PATH)
    assert stored["incidents"]["feed_frozen||"]["since"] == SINCE
    assert stored["outbox"][0]["at"] == SINCE
    resolved = update_incidents(
        state, [Observation("feed_frozen", "2", is_breach=False)], now + timedelta(days=1), channels=("telegram",)
    )
    # sha256 of "OPEN\nfeed_frozen\n||<since>" and of the same with RESOLVED, as release 0.1 computed them
    assert [message.message_id for message in resolved.outbox] == ["828a416909", "326221f7c2"]
