"""The lake: the same behaviour on a folder and on S3."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pandas as pd
import pytest

from milk_assets.stores.lake import ConcurrentChangeError, Lake, LakeError


@pytest.fixture(params=["folder", "s3"])
def any_lake(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    if request.param == "folder":
        yield Lake(root=str(tmp_path / "lake"))
        return
    import boto3
    from moto.server import ThreadedMotoServer

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    bucket = f"milk-test-{uuid4()}"  # servers of one process share their buckets
    endpoint = f"http://{host}:{port}"
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=bucket)
    yield Lake(root=f"s3://{bucket}", endpoint=endpoint)
    server.stop()


def test_tables_and_documents_are_read_as_they_were_written(any_lake: Lake) -> None:
    table = pd.DataFrame({"day": pd.to_datetime(["2025-03-31", None]), "price": [26.15, None], "city": ["León", "Mérida"]})
    any_lake.write_table("prices/2025-03-31/prices.parquet", table)
    any_lake.write_json("prices/2025-03-31/vintage.json", {"sample": True, "ciudad": "León"})
    pd.testing.assert_frame_equal(any_lake.read_table("prices/2025-03-31/prices.parquet"), table)
    assert any_lake.read_json("prices/2025-03-31/vintage.json") == {"sample": True, "ciudad": "León"}
    assert any_lake.files("prices") == ["prices/2025-03-31/prices.parquet", "prices/2025-03-31/vintage.json"]


def test_an_existing_file_is_not_created_again(any_lake: Lake) -> None:
    assert any_lake.create_bytes("raw/a.xlsx", b"first")
    assert not any_lake.create_bytes("raw/a.xlsx", b"second")
    assert any_lake.read_bytes("raw/a.xlsx") == b"first"


def test_a_file_is_replaced_only_if_it_has_not_changed_since_it_was_read(any_lake: Lake) -> None:
    assert any_lake.read_tagged("serving/manifest.json") is None
    assert any_lake.replace_bytes("serving/manifest.json", b"one", None)
    assert not any_lake.replace_bytes("serving/manifest.json", b"another", None)
    content, tag = any_lake.read_tagged("serving/manifest.json") or (b"", "")
    assert content == b"one"
    assert any_lake.replace_bytes("serving/manifest.json", b"two", tag)
    assert not any_lake.replace_bytes("serving/manifest.json", b"three", tag)
    assert not any_lake.replace_bytes("serving/nothing.json", b"three", tag)
    assert any_lake.read_bytes("serving/manifest.json") == b"two"


def test_one_of_many_concurrent_replacements_succeeds(tmp_path: Path) -> None:
    folder = Lake(root=str(tmp_path / "lake"))
    folder.write_bytes("serving/manifest.json", b"old")
    tagged = folder.read_tagged("serving/manifest.json")
    assert tagged is not None
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: folder.replace_bytes("serving/manifest.json", b"%d" % n, tagged[1]), range(8)))
    assert won.count(True) == 1
    assert folder.read_bytes("serving/manifest.json") == b"%d" % won.index(True)


def test_the_newest_partition_is_the_greatest_complete_key(any_lake: Lake) -> None:
    for key in ("2025-03-31", "2025-03-26", "2025-03-28"):
        any_lake.write_json(f"prices/{key}/vintage.json", {})
    any_lake.write_bytes("prices/2025-04-02/prices.parquet", b"half a vintage")
    assert any_lake.newest("prices", "vintage.json") == "2025-03-31"
    assert any_lake.newest("prices", "vintage.json", until="2025-03-30") == "2025-03-28"
    assert any_lake.newest("nothing", "vintage.json") is None
    any_lake.write_json("prices/2025-04-04/abc/vintage.json", {})
    assert any_lake.partitions("prices", "vintage.json") == ["2025-03-26", "2025-03-28", "2025-03-31"]
    assert any_lake.partitions("nothing", "vintage.json") == []


def test_the_error_for_a_missing_file_names_it_and_the_remedy(any_lake: Lake) -> None:
    with pytest.raises(LakeError, match="prices/2025-03-31/vintage.json does not exist: materialize"):
        any_lake.read_json("prices/2025-03-31/vintage.json")
    assert not any_lake.exists("prices/2025-03-31/vintage.json")


def test_a_failed_write_leaves_the_old_file_unchanged(tmp_path: Path) -> None:
    lake = Lake(root=str(tmp_path / "lake"))
    lake.write_json("a/b.json", {"old": 1})
    with pytest.raises(ValueError, match="JSON"):
        lake.write_json("a/b.json", {"new": float("nan")})
    assert lake.read_json("a/b.json") == {"old": 1}
    assert [path.name for path in (tmp_path / "lake" / "a").iterdir()] == ["b.json"]


def test_an_update_sees_the_stored_document_and_returns_the_new_one(any_lake: Lake) -> None:
    assert any_lake.update_json("monitoring/count.json", lambda document: {"count": 1 if document is None else 2}) == {"count": 1}
    assert any_lake.update_json("monitoring/count.json", lambda document: {"count": document["count"] + 1}) == {"count": 2}
    assert any_lake.read_json("monitoring/count.json") == {"count": 2}


def test_an_update_is_applied_again_when_another_writer_was_first(any_lake: Lake) -> None:
    seen = []

    def change(document: dict[str, int] | None) -> dict[str, int]:
        count = 0 if document is None else document["count"]
        seen.append(count)
        if len(seen) == 1:
            any_lake.write_json("monitoring/count.json", {"count": 10})
        return {"count": count + 1}

    assert any_lake.update_json("monitoring/count.json", change) == {"count": 11}
    assert seen == [0, 10]


def test_an_update_gives_up_when_others_are_always_first(any_lake: Lake) -> None:
    counts = iter(range(100))

    def change(document: dict[str, int] | None) -> dict[str, int]:
        any_lake.write_json("monitoring/count.json", {"count": next(counts)})
        return {"count": -1}

    with pytest.raises(ConcurrentChangeError, match=r"monitoring/count.json was changed by others at each of 3 attempts"):
        any_lake.update_json("monitoring/count.json", change, attempts=3)
    assert any_lake.read_json("monitoring/count.json") == {"count": 2}


def test_concurrent_updates_lose_nothing(tmp_path: Path) -> None:
    folder = Lake(root=str(tmp_path / "lake"))
    folder.write_json("monitoring/count.json", {"count": 0})
    with ThreadPoolExecutor(4) as pool:
        updates = [
            pool.submit(
                folder.update_json, "monitoring/count.json", lambda document: {"count": document["count"] + 1}, attempts=200
            )
            for _ in range(20)
        ]
        for update in updates:
            update.result()
    assert folder.read_json("monitoring/count.json") == {"count": 20}
