"""Alert sensors, called as functions: what they gather, what is told of it, and what is not."""

import json
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from milk_assets.defs.automation import alert_sensors
from milk_assets.defs.common import check_names
from milk_assets.defs.resources.telegram import Telegram
from milk_assets.defs.resources.webhook import Webhook
from milk_assets.monitoring.alerts.alert_facts import ledger_facts
from milk_assets.monitoring.alerts.incidents import EVENTS_KEPT
from milk_assets.promotion.ledger.ledger import Ledger
from milk_assets.stores.lake import Lake
from milk_assets_tests.defs.automation.conftest import START, Clock
from milk_assets_tests.promotion.ledger_bodies import ledger_body
from milk_assets_tests.support.chat_server import Chat
from milk_model.artefact_paths import TRACK_RECORD


def tick(instance: dg.DagsterInstance, lake: Lake, artefacts: Lake) -> str:
    context = dg.build_sensor_context(instance=instance)
    answer = alert_sensors.alert_sensor(context, lake=lake, artefacts=artefacts, telegram=Telegram(), webhook=Webhook())
    assert isinstance(answer, dg.SkipReason)
    return answer.skip_message or ""


def documents(lake: Lake, artefacts: Lake, *, unchanged: int = 0, alarm: bool = False, repeated: bool = False) -> None:
    """What the platform leaves behind at 2025-03-31, with these faults in it."""
    day = "2025-03-31"
    lake.write_json(f"prices/{day}/vintage.json", {"sha256": "a" * 64})
    past = {"against": "2025-03-28", "prices": 0, "dates": 0, "first": None, "last": None}
    lake.write_json(
        f"feed_report/{day}/feed.json", {"publication": day, "workbook": "a" * 64, "unchanged": unchanged, "restated": past}
    )
    signal = {"signal": "returns", "milk": "uht", "channel": "store", "statistic": 4.0, "threshold": 2.0, "current": 1.0}
    coverage = {"outcome": "quiet", "missing_states": [], "priced": 185, "usual": 185}
    drift = {"publication": day, "coverage": coverage, "unchanged": unchanged}
    drift["signals"] = [signal | {"reference": 0.1, "outcome": "breached", "repeated": repeated}]
    lake.write_json(f"drift_report/{day}/drift.json", drift)
    alarms = [{"rule": "skill", "text": f"{day}: worse"}] if alarm else []
    newest = {"skill": 0.987, "cover80": 0.82}
    artefacts.write_json(TRACK_RECORD, {"publication": day, "version": "3", "alarms": alarms, "newest": newest})


def test_a_quiet_platform_tells_nobody_and_leaves_a_beat(
    instance: dg.DagsterInstance, lake: Lake, artefacts: Lake, chat: Chat
) -> None:
    assert tick(instance, lake, artefacts) == "0 incidents open, nothing to send", "an empty lake is no fault"
    documents(lake, artefacts)
    assert tick(instance, lake, artefacts) == "0 incidents open, nothing to send"
    assert chat.texts == []
    assert lake.read_json(alert_sensors.BEAT) == {"at": "2025-03-31T12:00:00+00:00"}


@pytest.mark.parametrize(
    ("fault", "title"),
    [
        ({"unchanged": 2}, "The feed is frozen"),
        ({"alarm": True}, "The served model does worse than it should"),
        ({"repeated": True}, "A market left its own history"),
    ],
)
def test_a_fault_in_a_document_is_told_once_and_its_end_too(
    instance: dg.DagsterInstance, lake: Lake, artefacts: Lake, chat: Chat, clock: Clock, fault: dict[str, Any], title: str
) -> None:
    documents(lake, artefacts, **fault)
    for _ in range(3):
        assert tick(instance, lake, artefacts).startswith("1 incidents open")
        clock.forward(seconds=30)
    assert chat.heads == [f"milk OPEN: {title}"]
    documents(lake, artefacts)
    tick(instance, lake, artefacts)
    assert chat.heads == [f"milk OPEN: {title}", f"milk RESOLVED: {title}"]


def test_a_publication_that_does_not_come_is_told_after_its_deadline(
    instance: dg.DagsterInstance, lake: Lake, artefacts: Lake, chat: Chat, clock: Clock
) -> None:
    documents(lake, artefacts)
    tick(instance, lake, artefacts)
    clock.now = datetime(2025, 4, 3, 17, 59, tzinfo=UTC)  # 11:59 in Mexico City, the day after a Wednesday
    tick(instance, lake, artefacts)
    assert [head for head in chat.heads if "OPEN" in head] == []
    clock.forward(minutes=1)
    tick(instance, lake, artefacts)
    assert "milk OPEN: An expected publication is missing" in chat.heads
    lake.write_json("prices/2025-04-02/vintage.json", {"sha256": "b" * 64})
    tick(instance, lake, artefacts)
    assert chat.heads[-1] == "milk RESOLVED: An expected publication is missing"


def change(ledger: Ledger, kind: str, action: str, version: int) -> None:
    body = {
        "action": action,
        "to": {"version": version, "is_baseline": action == "fall_back"},
        "expected": {"version": 1},
        "reason": "because",
    }
    ledger.add(ledger_body(kind, **body), at=START, actor="promotion_sensor")


def test_promotions_rollbacks_and_aborts_are_told_and_the_past_is_not(
    instance: dg.DagsterInstance, lake: Lake, artefacts: Lake, chat: Chat
) -> None:
    ledger = Ledger(artefacts)
    change(ledger, "applied", "first", 1)
    tick(instance, lake, artefacts)
    assert chat.texts == [], "what happened before anybody looked is no news"
    for kind, action, version in (
        ("applied", "promote", 2),
        ("aborted", "promote", 3),
        ("applied", "fall_back", 1),
        ("applied", "repair", 1),
    ):
        change(ledger, "intent", action, version)
        change(ledger, kind, action, version)
    tick(instance, lake, artefacts)
    tick(instance, lake, artefacts)
    assert sorted(chat.heads) == [
        "milk NEWS: A change of model was begun and put back",
        "milk NEWS: Another model is served",
        "milk NEWS: The served model was taken back",
    ]
    assert any("fall_back, version 1 → 1 (no change), by promotion_sensor: because" in text for text in chat.texts)


def test_a_long_ledger_is_never_told_again() -> None:
    entries = [
        {"kind": "applied", "number": n, "action": "promote", "actor": "x", "to": {"version": n}} for n in range(2 * EVENTS_KEPT)
    ]
    found = ledger_facts(entries)
    assert len(found) < EVENTS_KEPT
    assert found[-1].at == f"ledger {2 * EVENTS_KEPT - 1}"


def test_one_unreadable_document_fails_the_tick_and_hides_no_other_fault(
    instance: dg.DagsterInstance, lake: Lake, artefacts: Lake, chat: Chat
) -> None:
    documents(lake, artefacts, unchanged=2)
    lake.write_bytes("drift_report/2025-03-31/drift.json", b"half a docum")
    with pytest.raises(json.JSONDecodeError):
        tick(instance, lake, artefacts)
    assert chat.heads == ["milk OPEN: The feed is frozen"]


def test_a_day_has_one_digest_after_the_report(
    instance: dg.DagsterInstance, lake: Lake, artefacts: Lake, chat: Chat, clock: Clock
) -> None:
    documents(lake, artefacts)
    lake.write_bytes("price_report/latest/digest.txt", b"Leche: sin cambios")
    clock.now = datetime(2025, 3, 31, 13, 30, tzinfo=UTC)
    for _ in range(3):
        tick(instance, lake, artefacts)
        clock.forward(minutes=10)
    (text,) = chat.texts
    assert text.split("\n")[:5] == [
        "milk 2025-03-31: all is well",
        "newest publication 2025-03-31, version none served",
        "error over that of no change 0.987, inside 80 %: 82%",
        "",
        "Leche: sin cambios",
    ]


def check_run(instance: dg.DagsterInstance, passed: bool) -> None:
    """Materialize prices with a check of this outcome."""

    @dg.asset(check_specs=[dg.AssetCheckSpec("names_are_known", asset="prices")])
    def prices():  # type: ignore[no-untyped-def]  # Dagster reads the hint as that of one output
        warn = dg.AssetCheckSeverity.WARN
        result = dg.AssetCheckResult(check_name="names_are_known", passed=passed, severity=warn, description="found '<Zapopan>'")
        return dg.MaterializeResult(check_results=[result])

    assert dg.materialize([prices], instance=instance).success


def check_tick(instance: dg.DagsterInstance, lake: Lake, cursor: str | None) -> str:
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    answer = alert_sensors.check_alert(context, lake=lake, telegram=Telegram(), webhook=Webhook())
    assert isinstance(answer, dg.SensorResult)
    return str(answer.cursor)


def test_a_failed_check_that_stops_no_run_is_told_once_and_so_is_its_end(
    instance: dg.DagsterInstance, lake: Lake, chat: Chat, clock: Clock
) -> None:
    assert dg.AssetCheckKey(dg.AssetKey("prices"), "names_are_known") in check_names.WATCHED
    check_run(instance, False)
    cursor = check_tick(instance, lake, None)
    assert chat.texts == [], "a first start tells nothing of the past"
    for passed, told in ((False, 1), (False, 1), (True, 2), (None, 2), (False, 3)):
        clock.forward(minutes=1)
        if passed is not None:
            check_run(instance, passed)
        cursor = check_tick(instance, lake, cursor)
        assert len(chat.texts) == told
    assert "prices:names_are_known : found '&lt;Zapopan&gt;'" in chat.texts[0]
    assert chat.heads[1] == "milk RESOLVED: A check of the prices failed"


def test_a_failed_check_is_told_though_a_later_one_passed_before_anybody_looked(
    instance: dg.DagsterInstance, lake: Lake, chat: Chat
) -> None:
    for passed in (False, True):
        check_run(instance, passed)
    check_tick(instance, lake, "0")
    assert [head.split(":")[0] for head in chat.heads] == ["milk OPEN", "milk RESOLVED"]


def fail(instance: dg.DagsterInstance, lake: Lake, *, well: bool = False) -> None:
    """Run `ingest`; where it fails, look at it as the failure sensor does."""

    @dg.asset
    def prices_() -> None:
        if not well:
            raise dg.Failure("Leche31032025.xlsx, block of 2025-03-28: averages 25.31, its cities 25.40")

    job = dg.define_asset_job("ingest", selection=[prices_])
    made = dg.Definitions(assets=[prices_], jobs=[job]).resolve_job_def("ingest")
    result = made.execute_in_process(instance=instance, raise_on_error=False)
    if well:
        return
    context = dg.build_run_status_sensor_context(
        sensor_name="failure_alert",
        dagster_event=next(event for event in result.all_events if event.event_type == dg.DagsterEventType.RUN_FAILURE),
        dagster_instance=instance,
        dagster_run=result.dagster_run,
    ).for_run_failure()
    alert_sensors.failure_alert(context, lake=lake, telegram=Telegram(), webhook=Webhook())


def test_failed_runs_of_a_job_are_one_incident_that_ends_with_its_next_success(
    instance: dg.DagsterInstance, lake: Lake, artefacts: Lake, chat: Chat
) -> None:
    fail(instance, lake)
    fail(instance, lake)
    (text,) = chat.texts
    assert text.startswith("milk OPEN: A run failed\ningest\nprices_: Leche31032025.xlsx, block of 2025-03-28")
    tick(instance, lake, artefacts)
    assert len(chat.texts) == 1, "the newest run still is a failed one"
    fail(instance, lake, well=True)
    tick(instance, lake, artefacts)
    assert chat.heads[1:] == ["milk RESOLVED: A run failed"]


def test_a_dead_chat_fails_no_sensor(instance: dg.DagsterInstance, lake: Lake, artefacts: Lake, chat: Chat) -> None:
    chat.close()
    fail(instance, lake)
    documents(lake, artefacts, unchanged=3)
    assert tick(instance, lake, artefacts).startswith("2 incidents open")
