"""Hot swap: a promotion is served within one TTL, and the last good model answers when anything fails."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from lambda_service.serving.artefact_reader import ArtefactError, ArtefactReader
from lambda_service.serving.champion import MAX_WAIT_SECONDS, Champion, UnavailableError
from lambda_service_tests.conftest import TTL, Caller, Clock, Store, build_test_frontend
from lambda_service_tests.s3_emulator import BUCKET, FaultyS3
from milk_assets.stores.lake import Lake
from milk_model.artefact_paths import SERVED

STORE_TIMEOUT = 0.4  # seconds


@pytest.fixture
def s3(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyS3]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server = FaultyS3(store.root)
    yield server
    server.close()


@pytest.fixture
def bucket(s3: FaultyS3) -> ArtefactReader:
    return ArtefactReader(f"s3://{BUCKET}", timeout=STORE_TIMEOUT, endpoint=s3.endpoint)


@pytest.fixture
def champion(bucket: ArtefactReader, clock: Clock) -> Champion:
    return Champion(bucket, clock, ttl=TTL)


def version(champion: Champion) -> int:
    return int(champion.current().manifest.version)


def test_the_store_is_not_read_within_a_ttl_and_read_once_conditionally_after_it(
    champion: Champion, s3: FaultyS3, clock: Clock
) -> None:
    assert version(champion) == 2
    s3.requests.clear()
    clock.seconds += TTL - 1
    assert version(champion) == 2
    assert s3.requests == []
    clock.seconds += 1
    assert version(champion) == 2
    assert s3.requests == [(SERVED, 304)]
    assert champion.last_refresh.outcome == "unchanged"


def test_a_promotion_and_a_rollback_are_each_served_within_one_ttl(champion: Champion, store: Store, clock: Clock) -> None:
    assert version(champion) == 2
    moved = champion.current().forecasts["aguascalientes/aguascalientes/uht/store"]["months"][-1]["forecast"]
    store.promote(1)
    assert version(champion) == 2
    clock.seconds += TTL
    assert version(champion) == 1
    entry = champion.current().forecasts["aguascalientes/aguascalientes/uht/store"]["months"][-1]
    assert entry["forecast"] == entry["no_change"] != moved
    store.promote(2)
    clock.seconds += TTL
    assert version(champion) == 2
    assert champion.last_refresh.outcome == "loaded"


@pytest.mark.parametrize("damaged", ["model.json", "month.ubj", "manifest.json"])
def test_a_corrupt_bundle_is_rejected_once_and_remembered(
    damaged: str, champion: Champion, store: Store, s3: FaultyS3, clock: Clock
) -> None:
    store.promote(1)
    assert version(champion) == 1
    bundle = store.bundles[2]
    content = bytearray(bundle.files[damaged])
    content[len(content) // 2] ^= 0x01
    store.write(f"{bundle.prefix}/{damaged}", bytes(content))
    store.promote(2)
    clock.seconds += TTL
    assert version(champion) == 1
    assert champion.last_refresh.outcome == "bad artefact"
    assert damaged in (champion.last_refresh.reason or "")
    s3.requests.clear()
    clock.seconds += TTL
    assert version(champion) == 1
    assert s3.requests == [(SERVED, 304)]
    assert (champion.last_refresh.outcome, champion.last_refresh.failures) == ("bad artefact", 2)
    store.promote(1)
    clock.seconds += TTL
    assert version(champion) == 1
    assert (champion.last_refresh.outcome, champion.last_refresh.failures) == ("loaded", 0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data": None}, "names no data"),
        ({"schema": 2}, "has schema 2, expected 1"),
        ({"since": "yesterday"}, "field since: Input should be a valid datetime"),
        ({"bundle": "0" * 64}, "does not exist"),
        ({"bundle": 7}, "field bundle: Input should be a valid string"),
        ({"data": {"path": "serving/data/none.json", "sha256": "0" * 64}}, "none.json does not exist"),
    ],
)
def test_a_manifest_that_cannot_be_served_keeps_the_last_good_model(
    changes: dict[str, object], reason: str, champion: Champion, store: Store, clock: Clock
) -> None:
    assert version(champion) == 2
    store.promote(1, **changes)
    clock.seconds += TTL
    assert version(champion) == 2
    assert champion.last_refresh.outcome == "bad artefact"
    assert reason in (champion.last_refresh.reason or "")


@pytest.mark.parametrize("kind", [RuntimeError, IndexError, MemoryError, OSError])
def test_any_exception_while_reading_a_bundle_keeps_the_last_good_model(
    kind: type[Exception], champion: Champion, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(_: object) -> None:
        raise kind("this text must not be reported")

    assert version(champion) == 2
    store.promote(1)
    clock.seconds += TTL
    monkeypatch.setattr("lambda_service.serving.champion.Forecaster.from_files", explode)
    assert version(champion) == 2
    assert champion.last_refresh.outcome == "bad artefact"
    assert champion.last_refresh.reason == f"the bundle or the data cannot be scored: {kind.__name__}"


def test_a_manifest_that_is_not_json_keeps_the_last_good_model(champion: Champion, store: Store, clock: Clock) -> None:
    assert version(champion) == 2
    store.write(SERVED, b"\xff{")
    clock.seconds += TTL
    assert version(champion) == 2
    assert champion.last_refresh.outcome == "bad artefact"


@pytest.mark.parametrize("fault", ["broken", "slow", "denied"])
def test_a_failing_store_is_checked_at_growing_intervals_and_the_last_good_model_answers(
    fault: str, champion: Champion, store: Store, s3: FaultyS3, clock: Clock
) -> None:
    assert version(champion) == 2
    store.promote(1)
    s3.fault = fault
    waits = []
    for _ in range(5):
        clock.seconds = champion._next_check
        assert version(champion) == 2
        assert champion.last_refresh.outcome == "store unavailable"
        waits.append(champion._next_check - clock.seconds)
    assert waits == [60, 120, 240, MAX_WAIT_SECONDS, MAX_WAIT_SECONDS]
    s3.fault = "none"
    clock.seconds = champion._next_check
    assert version(champion) == 1
    assert champion.last_refresh.failures == 0


def test_an_unreachable_store_keeps_the_last_good_model(champion: Champion, s3: FaultyS3, clock: Clock) -> None:
    assert version(champion) == 2
    s3.close()
    clock.seconds += TTL
    assert version(champion) == 2
    assert champion.last_refresh.outcome == "store unavailable"


def test_a_bundle_is_read_again_after_the_store_failed_during_the_read(
    champion: Champion, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lambda_service.serving import champion as module

    assert version(champion) == 2
    store.promote(1)
    clock.seconds += TTL
    with monkeypatch.context() as patched:
        patched.setattr(module, "_read", lambda *_: (_ for _ in ()).throw(ArtefactError("gone")))
        assert version(champion) == 2
    assert champion.last_refresh.outcome == "store unavailable"
    clock.seconds += TTL
    assert version(champion) == 1


def test_a_cold_start_without_a_store_serves_the_packaged_model_until_the_store_is_back(
    store: Store, s3: FaultyS3, bucket: ArtefactReader, clock: Clock, tmp_path: Path
) -> None:
    image = Store(tmp_path / "image", store.bundles, store.data)
    image.promote(1)
    s3.fault = "broken"
    call = Caller(build_test_frontend(bucket, clock, fallback=ArtefactReader(str(image.root))))
    health = call.get("/v1/health").json
    assert (health["model"]["version"], health["from_image"], health["degraded"]) == (1, True, True)
    assert (health["refresh"]["outcome"], health["refresh"]["failures"]) == ("store unavailable", 1)
    assert str(store.root) not in str(health)
    assert call.get("/v1/forecasts/aguascalientes/aguascalientes/uht/store").json["model"]["is_baseline"] is True
    s3.fault = "none"
    clock.seconds += TTL
    health = call.get("/v1/health").json
    assert (health["model"]["version"], health["from_image"], health["degraded"]) == (2, False, False)


def test_a_file_that_the_store_refuses_and_that_was_never_read_is_not_found(
    bucket: ArtefactReader, s3: FaultyS3, clock: Clock
) -> None:
    call = Caller(build_test_frontend(bucket, clock))
    assert call.get("/v1/health").status == 200
    s3.fault = "denied"
    assert call.get("/v1/track-record").status == 404


def test_a_cold_start_with_nothing_to_serve_answers_503_and_recovers(
    store: Store, s3: FaultyS3, bucket: ArtefactReader, clock: Clock
) -> None:
    s3.fault = "broken"
    call = Caller(build_test_frontend(bucket, clock))
    for route in ("/v1/health", "/v1/model", "/v1/forecasts/aguascalientes/aguascalientes/uht/store"):
        answer = call.get(route)
        assert answer.status == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] == "60"
    s3.fault = "none"
    clock.seconds += TTL
    assert call.get("/v1/health").status == 200


def test_files_that_the_platform_writes_to_s3_are_served_from_s3(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3
    from moto.server import ThreadedMotoServer

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint, bucket = f"http://{host}:{port}", f"milk-test-{uuid4()}"
        boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=bucket)
        lake = Lake(root=f"s3://{bucket}", endpoint=endpoint)

        def sync() -> None:
            for file in (path for path in store.root.rglob("*") if path.is_file()):
                lake.write_bytes(file.relative_to(store.root).as_posix(), file.read_bytes())

        sync()
        champion = Champion(ArtefactReader(lake.root, endpoint=endpoint), clock, ttl=TTL)
        assert version(champion) == 2
        clock.seconds += TTL
        assert version(champion) == 2
        assert champion.last_refresh.outcome == "unchanged"
        store.promote(1)
        sync()
        clock.seconds += TTL
        assert version(champion) == 1
    finally:
        server.stop()


def test_a_missing_folder_is_reported(tmp_path: Path, clock: Clock) -> None:
    champion = Champion(ArtefactReader(str(tmp_path / "nothing")), clock)
    with pytest.raises(UnavailableError, match="the folder .*nothing does not exist.*MILK_ARTEFACTS"):
        champion.current()


def test_new_data_for_the_same_model_are_served(store: Store, champion: Champion, clock: Clock) -> None:
    from dataclasses import replace

    from milk_model.snapshot import pack_snapshot, read_snapshot

    assert version(champion) == 2
    old = read_snapshot(store.data)
    prices = old.prices.copy()
    prices[-1] = 40.0
    store.data = pack_snapshot(replace(old, prices=prices))
    store.promote(2)
    clock.seconds += TTL
    assert champion.current().forecasts["aguascalientes/aguascalientes/uht/store"]["last_price"] == 40.0


def test_a_clock_set_back_does_not_stop_refreshes(champion: Champion, store: Store, clock: Clock) -> None:
    assert version(champion) == 2
    store.promote(1)
    clock.seconds -= 86400
    assert version(champion) == 1
