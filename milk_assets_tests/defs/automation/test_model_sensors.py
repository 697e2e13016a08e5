"""Sensors, called as functions with an ephemeral instance and a lake in a folder."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
import pytest

from milk_assets.defs.automation import model_sensors
from milk_assets.defs.automation.publication_sensor import publication_sensor
from milk_assets.defs.common.training_code import training_code
from milk_assets.defs.resources.sniim_site import SniimSource, SourceError
from milk_assets.sniim.samples.publisher import GeneratedWorkbooks, Publisher
from milk_assets.stores import champion_manifest
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import candidates, evaluations, features, forecasts, prices
from milk_assets.stores.model_registry import ModelRegistry
from milk_assets_tests.promotion.ledger_bodies import ledger_body
from milk_model.artefact_paths import SERVED

MONDAY, WEDNESDAY, FRIDAY = date(2025, 3, 24), date(2025, 3, 26), date(2025, 3, 28)


@pytest.fixture
def site() -> Iterator[Publisher]:
    with Publisher(GeneratedWorkbooks(), MONDAY) as found:
        yield found


def on_friday() -> datetime:
    """The clock of these tests."""
    return datetime(2025, 3, 28, 18, tzinfo=UTC)


def look(instance: dg.DagsterInstance, site: Publisher, lake: Lake, cursor: str | None = None) -> Any:
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    return publication_sensor(15, clock=on_friday)(context, sniim=SniimSource(base_url=site.url), lake=lake)


def keys(answer: dg.SensorResult) -> list[str | None]:
    return [request.partition_key for request in answer.run_requests or []]


def validated(lake: Lake, day: date, sha256: str) -> None:
    prices.Vintage(sha256=sha256).write(lake, prices.LAYER.path(str(day)))
    lake.write_bytes(features.LAYER.path(str(day)), b"")


def evaluated(lake: Lake, day: date, workbook: str, code: str) -> None:
    """A candidate of a publication, with its evaluation."""
    candidate = candidates.Candidate(
        **version(2), hyperparameters={}, contender="abc", tuned_through="2024-12-01", workbook=workbook, code=code
    )
    candidates.write_candidate(lake, day.isoformat(), candidate)
    lake.write_json(evaluations.LAYER.path(day.isoformat()), {})


def version(number: int, baseline: bool = False) -> dict[str, Any]:
    return {"version": number, "bundle": str(number) * 64, "is_baseline": baseline}


def test_a_first_start_requests_the_newest_publication_only(instance: dg.DagsterInstance, site: Publisher, lake: Lake) -> None:
    answer = look(instance, site, lake)
    assert keys(answer) == ["2025-03-24"]
    (added,) = answer.dynamic_partitions_requests
    assert list(added.partition_keys) == ["2025-03-24"]


def test_each_later_publication_is_requested_once(instance: dg.DagsterInstance, site: Publisher, lake: Lake) -> None:
    instance.add_dynamic_partitions("publications", ["2025-03-24"])
    validated(lake, MONDAY, SniimSource(base_url=site.url).fetch(MONDAY).sha256)
    assert keys(look(instance, site, lake)) == []
    site.advance(FRIDAY)
    answer = look(instance, site, lake)
    assert keys(answer) == ["2025-03-26", "2025-03-28"]
    again = look(instance, site, lake)
    assert [request.run_key for request in again.run_requests] == [request.run_key for request in answer.run_requests]


def test_a_lost_cursor_repeats_no_run_and_a_kept_one_saves_the_download(
    instance: dg.DagsterInstance, site: Publisher, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance.add_dynamic_partitions("publications", ["2025-03-24"])
    validated(lake, MONDAY, SniimSource(base_url=site.url).fetch(MONDAY).sha256)
    first = look(instance, site, lake)
    assert "nothing new" in first.skip_reason.skip_message
    assert json.loads(first.cursor)["2025-03-24"][1] > 0
    fetched: list[date] = []
    fetch = SniimSource.fetch
    monkeypatch.setattr(SniimSource, "fetch", lambda self, day: fetched.append(day) or fetch(self, day))
    look(instance, site, lake, first.cursor)
    assert fetched == []
    look(instance, site, lake)
    assert fetched == [MONDAY]


def test_a_corrected_workbook_gives_a_new_run_key(instance: dg.DagsterInstance, site: Publisher, lake: Lake) -> None:
    instance.add_dynamic_partitions("publications", ["2025-03-24"])
    validated(lake, MONDAY, "digest of the workbook before its correction")
    answer = look(instance, site, lake)
    assert keys(answer) == ["2025-03-24"]
    assert answer.dynamic_partitions_requests[0].partition_keys == []


def test_one_bad_file_does_not_keep_the_others_from_being_read(
    instance: dg.DagsterInstance, site: Publisher, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance.add_dynamic_partitions("publications", ["2025-03-24"])
    validated(lake, MONDAY, SniimSource(base_url=site.url).fetch(MONDAY).sha256)
    site.advance(FRIDAY)
    fetch = SniimSource.fetch

    def bad_on_wednesday(self: SniimSource, day: date) -> Any:
        if day == WEDNESDAY:
            raise SourceError("expected an .xlsx, found a web page")
        return fetch(self, day)

    with monkeypatch.context() as bad:
        bad.setattr(SniimSource, "fetch", bad_on_wednesday)
        answer = look(instance, site, lake)
    assert keys(answer) == ["2025-03-28"]
    assert "2025-03-26" not in json.loads(answer.cursor)
    assert "2025-03-26" in keys(look(instance, site, lake, answer.cursor))


def test_a_source_without_any_expected_date_is_not_an_error(instance: dg.DagsterInstance, site: Publisher, lake: Lake) -> None:
    instance.add_dynamic_partitions("publications", ["2025-04-30"])
    assert "nothing new" in look(instance, site, lake).skip_reason.skip_message


def test_a_local_publisher_may_be_ahead_of_the_calendar(instance: dg.DagsterInstance, site: Publisher, lake: Lake) -> None:
    instance.add_dynamic_partitions("publications", ["2025-03-28"])
    site.advance(date(2025, 4, 2))
    assert keys(look(instance, site, lake)) == ["2025-03-28"]
    context = dg.build_sensor_context(instance=instance)
    ahead = publication_sensor(15, look_ahead_days=14, clock=on_friday)(context, sniim=SniimSource(base_url=site.url), lake=lake)
    assert keys(ahead) == ["2025-03-28", "2025-03-31", "2025-04-02"]


def test_a_site_that_is_down_fails_the_tick(instance: dg.DagsterInstance, lake: Lake) -> None:
    source = SniimSource(base_url="http://127.0.0.1:9", attempts=1, timeout_seconds=1)
    with pytest.raises(SourceError):
        publication_sensor(15, clock=on_friday)(dg.build_sensor_context(instance=instance), sniim=source, lake=lake)


def retrain(instance: dg.DagsterInstance, lake: Lake, artefacts: Lake | None = None) -> Any:
    artefacts = artefacts or Lake(root=f"{lake.root}-artefacts")
    return model_sensors.retrain_sensor(dg.build_sensor_context(instance=instance), lake=lake, artefacts=artefacts)


def test_a_backlog_gives_one_training_on_its_newest_publication(instance: dg.DagsterInstance, lake: Lake) -> None:
    assert isinstance(retrain(instance, lake), dg.SkipReason)
    for day, sha256 in ((MONDAY, "a" * 64), (WEDNESDAY, "b" * 64), (FRIDAY, "c" * 64)):
        validated(lake, day, sha256)
    request = retrain(instance, lake)
    assert (request.partition_key, request.run_key) == ("2025-03-28", f"2025-03-28:{'c' * 12}:{training_code()}")
    assert request.tags == {"milk/reason": "no model yet"}
    evaluated(lake, FRIDAY, "c" * 64, training_code())
    assert isinstance(retrain(instance, lake), dg.SkipReason)
    evaluated(lake, FRIDAY, "c" * 64, "older")
    assert retrain(instance, lake).tags == {"milk/reason": "training code changed"}


def test_a_performance_alarm_starts_one_training(instance: dg.DagsterInstance, lake: Lake, artefacts: Lake) -> None:
    validated(lake, MONDAY, "a" * 64)
    evaluated(lake, MONDAY, "a" * 64, training_code())
    validated(lake, WEDNESDAY, "b" * 64)
    assert isinstance(retrain(instance, lake, artefacts), dg.SkipReason)  # mid-week, without an alarm
    record(artefacts, "floor", publication=str(MONDAY), alarm="an alarm of an older publication")
    assert isinstance(retrain(instance, lake, artefacts), dg.SkipReason)
    record(artefacts, "floor", publication=str(WEDNESDAY), alarm="error over that of no change 1.031")
    request = retrain(instance, lake, artefacts)
    assert request.partition_key == str(WEDNESDAY)
    assert request.tags == {"milk/reason": "performance alarm: error over that of no change 1.031"}
    evaluated(lake, WEDNESDAY, "b" * 64, training_code())
    assert isinstance(retrain(instance, lake, artefacts), dg.SkipReason)


def test_no_training_starts_while_an_ingest_is_running(instance: dg.DagsterInstance, lake: Lake) -> None:
    validated(lake, MONDAY, "a" * 64)
    instance.add_run(dg.DagsterRun(job_name="ingest", run_id="r1", status=dg.DagsterRunStatus.STARTED))
    assert "running" in retrain(instance, lake).skip_message


class RegistryWithAlias(ModelRegistry):
    """A registry whose champion alias names a given version."""

    named: int | None = None

    def alias_version_without_mlflow(self, alias: str) -> int | None:
        return self.named


def promote(instance: dg.DagsterInstance, lake: Lake, artefacts: Lake, alias: int | None = None) -> Any:
    tracking = RegistryWithAlias(tracking_uri="", artefact_root="", named=alias)
    context = dg.build_sensor_context(instance=instance)
    return model_sensors.promotion_sensor(context, lake=lake, artefacts=artefacts, tracking=tracking)


def record(artefacts: Lake, kind: Any, at: datetime | None = None, **body: Any) -> int:
    return champion_manifest.ledger(artefacts).add(ledger_body(kind, **body), at=at or datetime.now(UTC), actor="test").number


def test_promotion_starts_only_for_a_change_that_the_ledger_asks_for(
    instance: dg.DagsterInstance, lake: Lake, artefacts: Lake
) -> None:
    assert isinstance(promote(instance, lake, artefacts), dg.SkipReason)
    decision = {"verdict": "trial", "reason": "must_pass_again_next_week", "passed": True, "skill": 0.98, "rules": []}
    known = {"publication": "2025-03-28", "contender": "abc", "challenger": version(2), "baseline": version(1, True)}
    first = record(artefacts, "decision", champion=None, decision=decision, **known)
    assert promote(instance, lake, artefacts).run_key.startswith(f"first:{first}:0:")
    change = {"action": "first", "to": version(1, True), "publication": "2025-03-28", "cause": first, "reason": "x"}
    for kind in ("intent", "applied"):
        record(artefacts, kind, **change)
    artefacts.write_json(SERVED, version(1, True))
    assert "must_pass_again" in promote(instance, lake, artefacts, alias=1).skip_message
    number = record(artefacts, "decision", champion=version(1, True), decision=decision | {"verdict": "promote"}, **known)
    request = promote(instance, lake, artefacts, alias=1)
    assert request.run_key.startswith(f"promote:{number}:0:")
    assert request.tags["milk/reason"] == "promote to version 2: must_pass_again_next_week"
    instance.add_run(dg.DagsterRun(job_name="promote", run_id="r1", status=dg.DagsterRunStatus.STARTED))
    assert "running" in promote(instance, lake, artefacts, alias=1).skip_message


def test_promotion_starts_for_differences_from_the_ledger_and_interrupted_changes(
    instance: dg.DagsterInstance, lake: Lake, artefacts: Lake
) -> None:
    change = {"action": "first", "to": version(1, True), "publication": "2025-03-28", "cause": None, "reason": "x"}
    for kind in ("intent", "applied"):
        record(artefacts, kind, **change)
    artefacts.write_json(SERVED, version(1, True))
    assert isinstance(promote(instance, lake, artefacts, alias=1), dg.SkipReason)
    assert "the alias names version 7" in promote(instance, lake, artefacts, alias=7).tags["milk/reason"]
    artefacts.write_json(SERVED, version(2))
    assert "the manifest names version 2" in promote(instance, lake, artefacts, alias=1).tags["milk/reason"]
    holder = {"holder": {"host": "elsewhere", "process": 1}}
    number = record(artefacts, "intent", at=datetime.now(UTC), **change, **holder)
    assert isinstance(promote(instance, lake, artefacts, alias=1), dg.SkipReason)
    record(artefacts, "aborted", **change)
    number = record(artefacts, "intent", at=datetime(2025, 3, 28, tzinfo=UTC), **change, **holder)
    assert promote(instance, lake, artefacts, alias=1).run_key.startswith(f"finish:{number}:")


def test_forecasts_follow_an_ingest_and_a_promotion(instance: dg.DagsterInstance, lake: Lake, artefacts: Lake) -> None:
    def ask() -> Any:
        return model_sensors.forecast_sensor(dg.build_sensor_context(instance=instance), lake=lake, artefacts=artefacts)

    assert isinstance(ask(), dg.SkipReason)
    validated(lake, MONDAY, "a" * 64)
    assert "no champion" in ask().skip_message
    artefacts.write_json(SERVED, version(1, True))
    assert (ask().partition_key, ask().run_key) == ("2025-03-24", f"2025-03-24:{'a' * 12}:{'1' * 12}")
    source = forecasts.ForecastSource(**version(1, True), trained_through="2025-03-24", workbook="a" * 64, sample=True)
    source.write(lake, forecasts.LAYER.path("2025-03-24"))
    assert "already" in ask().skip_message
    artefacts.write_json(SERVED, version(2))
    assert ask().run_key.endswith("2" * 12)


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
def test_a_run_that_has_not_ended_is_active(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> None:
    assert not model_sensors.is_active(instance, "ingest")
    instance.add_run(dg.DagsterRun(job_name="ingest", run_id="r1", status=status))
    assert model_sensors.is_active(instance, "ingest")


def test_a_run_that_has_ended_is_not_active(instance: dg.DagsterInstance) -> None:
    instance.add_run(dg.DagsterRun(job_name="ingest", run_id="r1", status=dg.DagsterRunStatus.CANCELED))
    assert not model_sensors.is_active(instance, "ingest")
