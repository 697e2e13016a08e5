"""Alert sensors, called as functions: what they read, which messages follow, and which do not."""

import json
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from milk_assets.defs.automation import alert_sensors
from milk_assets.defs.common import check_names
from milk_assets.defs.resources.telegram import Telegram
from milk_assets.defs.resources.webhook import Webhook
from milk_assets.monitoring.alerts.incidents import REMEMBERED_EVENTS
from milk_assets.monitoring.alerts.observations import ledger_observations
from milk_assets.promotion.ledger.ledger import Ledger
from milk_assets.reporting.file_names import DIGEST
from milk_assets.stores import alert_state
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import monitoring, prices, reports
from milk_assets.stores.layers.layer import Layer
from milk_assets_tests.defs.automation.conftest import START, Clock
from milk_assets_tests.promotion.ledger_bodies import ledger_body
from milk_assets_tests.support.chat_server import Chat
from milk_model.artefact_paths import TRACK_RECORD


def tick(instance: dg.DagsterInstance, lake: Lake, artefacts: Lake) -> str:
    context = dg.build_sensor_context(instance=instance)
    result = alert_sensors.alert_sensor(context, lake=lake, artefacts=artefacts, telegram=Telegram(), webhook=Webhook())
    assert isinstance(result, dg.SkipReason)
    return result.skip_message or ""


DAY = "2025-03-31"


def write_documents(lake: Lake, artefacts: Lake, *, unchanged: int = 0, alarm: bool = False, repeated: bool = False) -> None:
    """Write the documents of DAY, with these problems in them."""
    lake.write_json(prices.LAYER.path(DAY), {"sha256": "a" * 64})
    restated = {"against": "2025-03-28", "prices": 0, "dates": 0, "first": None, "last": None}
    feed = {"publication": DAY, "workbook": "a" * 64, "unchanged": unchanged, "restated": restated}
    lake.write_json(monitoring.FEED.path(DAY), feed)
    signal = {"signal": "returns", "milk": "uht", "channel": "store", "statistic": 4.0, "threshold": 2.0}
    signal |= {"current": 1.0, "reference": 0.1, "outcome": "breached", "repeated": repeated}
    coverage = {"outcome": "quiet", "missing_states": [], "priced": 185, "usual": 185}
    drift = {"publication": DAY, "outcome": "breached", "coverage": coverage, "unchanged": unchanged, "signals": [signal]}
    lake.write_json(monitoring.DRIFT.path(DAY), drift)
    alarms = [{"rule": "skill", "text": f"{DAY}: worse"}] if alarm else []
    newest = {"skill": 0.987, "cover80": 0.82}
    artefacts.write_json(TRACK_RECORD, {"publication": DAY, "version": "3", "alarms": alarms, "newest": newest})


def test_a_quiet_platform_sends_no_message_and_writes_a_heartbeat(
    instance: dg.DagsterInstance, lake: Lake, artefacts: Lake, chat: Chat
) -> None:
    assert tick(instance, lake, artefacts) == "0 incidents open, nothing to send", "an empty lake is not an error"
    write_documents(lake, artefacts)
    assert tick(instance, lake, artefacts) == "0 incidents open, nothing to send"
    assert chat.texts == []
    assert lake.read_json(alert_state.HEARTBEAT_PATH) == {"at": "2025-03-31T12:00:00+00:00"}


@pytest.mark.parametrize(
    ("problem", "title"),
    [
        ({"unchanged": 2}, "The feed is frozen"),
        ({"alarm": True}, "The served model performs poorly"),
        ({"repeated": True}, "A market behaves unusually"),
    ],
)
def test_a_problem_in_a_document_is_announced_once_and_resolved_once(
    instance: dg.DagsterInstance, lake: Lake, artefacts: Lake, chat: Chat, clock: Clock, problem: dict[str, Any], title: str
) -> None:
    write_documents(lake, artefacts, **problem)
    for _ in range(3):
        assert tick(instance, lake, artefacts).startswith("1 incidents open")
        clock.forward(seconds=30)
    assert chat.heads == [f"milk OPEN: {title}"]
    write_documents(lake, artefacts)
    tick(instance, lake, artefacts)
    assert chat.heads == [f"milk OPEN: {title}", f"milk RESOLVED: {title}"]


def test_a_missing_publication_is_announced_after_its_deadline(
    instance: dg.DagsterInstance, lake: Lake, artefacts: Lake, chat: Chat, clock: Clock
) -> None:
    write_documents(lake, artefacts)
    tick(instance, lake, artefacts)
    clock.now = datetime(2025, 4, 3, 17, 59, tzinfo=UTC)  # 11:59 in Mexico City, the day after a Wednesday
    tick(instance, lake, artefacts)
    assert [head for head in chat.heads if "OPEN" in head] == []
    clock.forward(minutes=1)
    tick(instance, lake, artefacts)
    assert "milk OPEN: An expected publication is missing" in chat.heads
    lake.write_json(prices.LAYER.path("2025-04-02"), {"sha256": "b" * 64})
    tick(instance, lake, artefacts)
    assert chat.heads[-1] == "milk RESOLVED: An expected publication is missing"


def add_change(ledger: Ledger, kind: str, action: str, version: int) -> None:
    body = {
        "action": action,
        "to": {"version": version, "is_baseline": action == "fall_back"},
        "expected": {"version": 1},
        "reason": "because",
    }
    ledger.add(ledger_body(kind, **body), at=START, actor="promotion_sensor")


def test_promotions_rollbacks_and_failed_changes_are_announced_and_earlier_ones_are_not(
    instance: dg.DagsterInstance, lake: Lake, artefacts: Lake, chat: Chat
) -> None:
    ledger = Ledger(artefacts)
    add_change(ledger, "applied", "first", 1)
    tick(instance, lake, artefacts)
    assert chat.texts == [], "changes before the first complete read are history"
    for kind, action, version in (
        ("applied", "promote", 2),
        ("aborted", "promote", 3),
        ("applied", "fall_back", 1),
        ("applied", "repair", 1),
    ):
        add_change(ledger, "intent", action, version)
        add_change(ledger, kind, action, version)
    tick(instance, lake, artefacts)
    tick(instance, lake, artefacts)
    assert sorted(chat.heads) == [
        "milk NEWS: A model change failed and was rolled back",
        "milk NEWS: A new model is served",
        "milk NEWS: The served model was rolled back",
    ]
    assert any(
        "Switch to the baseline by promotion_sensor: version 1 → 1 (no-change baseline). Reason: because." in text
        for text in chat.texts
    )


def test_a_long_ledger_is_never_announced_again() -> None:
    entries = [
        {"kind": "applied", "number": n, "action": "promote", "actor": "x", "to": {"version": n}}
        for n in range(2 * REMEMBERED_EVENTS)
    ]
    observations = ledger_observations(entries)
    assert len(observations) < REMEMBERED_EVENTS
    assert observations[-1].observation_id == f"ledger {2 * REMEMBERED_EVENTS - 1}"


def test_an_unreadable_document_fails_the_tick_and_hides_no_other_problem(
    instance: dg.DagsterInstance, lake: Lake, artefacts: Lake, chat: Chat
) -> None:
    write_documents(lake, artefacts, unchanged=2)
    lake.write_bytes(monitoring.DRIFT.path(DAY), b"half a docum")
    with pytest.raises(json.JSONDecodeError):
        tick(instance, lake, artefacts)
    assert chat.heads == ["milk OPEN: The feed is frozen"]


def test_a_day_has_one_digest_with_the_digest_of_the_report(
    instance: dg.DagsterInstance, lake: Lake, artefacts: Lake, chat: Chat, clock: Clock
) -> None:
    write_documents(lake, artefacts)
    lake.write_bytes(reports.latest_path(DIGEST), b"Leche: sin cambios")
    clock.now = datetime(2025, 3, 31, 13, 30, tzinfo=UTC)
    for _ in range(3):
        tick(instance, lake, artefacts)
        clock.forward(minutes=10)
    (text,) = chat.texts
    assert text.split("\n")[:5] == [
        "milk 2025-03-31: no open incidents",
        "Newest publication: 2025-03-31. Served model: none.",
        "Error relative to no change: 0.987 (below 1 is better). Prices inside the 80 % interval: 82%.",
        "",
        "Leche: sin cambios",
    ]


def run_with_check(instance: dg.DagsterInstance, passed: bool) -> None:
    """Materialize `prices` with a check that has this outcome."""

    @dg.asset(check_specs=[dg.AssetCheckSpec("names_are_known", asset="prices")])
    def prices():  # type: ignore[no-untyped-def]  # Dagster reads the hint as that of one output
        warn = dg.AssetCheckSeverity.WARN
        result = dg.AssetCheckResult(check_name="names_are_known", passed=passed, severity=warn, description="found '<Zapopan>'")
        return dg.MaterializeResult(check_results=[result])

    assert dg.materialize([prices], instance=instance).success


def check_tick(instance: dg.DagsterInstance, lake: Lake, cursor: str | None) -> str:
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    result = alert_sensors.check_alert(context, lake=lake, telegram=Telegram(), webhook=Webhook())
    assert isinstance(result, dg.SensorResult)
    return str(result.cursor)


def test_a_failed_check_that_does_not_stop_its_run_is_announced_and_resolved_once(
    instance: dg.DagsterInstance, lake: Lake, chat: Chat, clock: Clock
) -> None:
    assert dg.AssetCheckKey(dg.AssetKey("prices"), "names_are_known") in check_names.WATCHED_CHECKS
    run_with_check(instance, False)
    cursor = check_tick(instance, lake, None)
    assert chat.texts == [], "results before the first start are history"
    for passed, message_count in ((False, 1), (False, 1), (True, 2), (None, 2), (False, 3)):
        clock.forward(minutes=1)
        if passed is not None:
            run_with_check(instance, passed)
        cursor = check_tick(instance, lake, cursor)
        assert len(chat.texts) == message_count
    assert "prices:names_are_known: found '&lt;Zapopan&gt;'" in chat.texts[0]
    assert chat.heads[1] == "milk RESOLVED: A price check failed"


def test_a_failed_check_is_announced_even_if_it_passed_again_before_the_tick(
    instance: dg.DagsterInstance, lake: Lake, chat: Chat
) -> None:
    for passed in (False, True):
        run_with_check(instance, passed)
    check_tick(instance, lake, "0")
    assert [head.split(":")[0] for head in chat.heads] == ["milk OPEN", "milk RESOLVED"]


def run_ingest(instance: dg.DagsterInstance, lake: Lake, *, succeeds: bool = False) -> None:
    """Run a job named `ingest`; if it fails, call the failure sensor for it."""

    @dg.asset
    def prices_() -> None:
        if not succeeds:
            raise dg.Failure("Leche31032025.xlsx, block of 2025-03-28: averages 25.31, its cities 25.40")

    job = dg.define_asset_job("ingest", selection=[prices_])
    resolved_job = dg.Definitions(assets=[prices_], jobs=[job]).resolve_job_def("ingest")
    result = resolved_job.execute_in_process(instance=instance, raise_on_error=False)
    if succeeds:
        return
    context = dg.build_run_status_sensor_context(
        sensor_name="failure_alert",
        dagster_event=next(event for event in result.all_events if event.event_type == dg.DagsterEventType.RUN_FAILURE),
        dagster_instance=instance,
        dagster_run=result.dagster_run,
    ).for_run_failure()
    alert_sensors.failure_alert(context, lake=lake, telegram=Telegram(), webhook=Webhook())


def test_failed_runs_of_a_job_are_one_incident_that_its_next_success_resolves(
    instance: dg.DagsterInstance, lake: Lake, artefacts: Lake, chat: Chat
) -> None:
    run_ingest(instance, lake)
    run_ingest(instance, lake)
    (text,) = chat.texts
    assert text.startswith("milk OPEN: A run failed\ningest\nprices_: Leche31032025.xlsx, block of 2025-03-28")
    tick(instance, lake, artefacts)
    assert len(chat.texts) == 1, "the newest run still failed"
    run_ingest(instance, lake, succeeds=True)
    tick(instance, lake, artefacts)
    assert chat.heads[1:] == ["milk RESOLVED: A run failed"]


def test_a_dead_chat_fails_no_sensor(instance: dg.DagsterInstance, lake: Lake, artefacts: Lake, chat: Chat) -> None:
    chat.close()
    run_ingest(instance, lake)
    write_documents(lake, artefacts, unchanged=3)
    assert tick(instance, lake, artefacts).startswith("2 incidents open")


def test_every_source_reads_a_document_that_a_layer_writes(
    lake: Lake, artefacts: Lake, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    write_documents(lake, artefacts, unchanged=2, alarm=True, repeated=True)
    add_change(Ledger(artefacts), "applied", "promote", 2)
    for source in alert_sensors.observation_sources(lake, artefacts, clock.now):
        assert document_reads(source, monkeypatch) != [], f"{source} reads no document of a layer"


def test_a_source_with_a_path_that_no_layer_writes_is_noticed(
    lake: Lake, artefacts: Lake, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    write_documents(lake, artefacts, unchanged=2)
    monkeypatch.setattr(monitoring, "FEED", Layer("feed_reports", marker="feed.json"))
    (feed,) = [
        source
        for source in alert_sensors.observation_sources(lake, artefacts, clock.now)
        if source.complete_rules == ("feed_frozen",)
    ]
    assert document_reads(feed, monkeypatch) == []


def document_reads(source: alert_sensors.ObservationSource, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The existing files that a source finds: those it reads, and the marker files that it looks for."""
    paths: list[str] = []
    read_bytes, exists = Lake.read_bytes, Lake.exists

    def recording_read(self: Lake, path: str) -> bytes:
        content = read_bytes(self, path)
        paths.append(path)
        return content

    def recording_exists(self: Lake, path: str) -> bool:
        if exists(self, path):
            paths.append(path)
            return True
        return False

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "read_bytes", recording_read)
        patched.setattr(Lake, "exists", recording_exists)
        source.read()
    return paths
