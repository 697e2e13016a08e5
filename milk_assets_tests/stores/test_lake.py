"""The lake: the same behaviour on a folder and on S3."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pandas as pd
import pytest

from milk_assets.stores.lake import Lake, LakeError


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


def test_tables_documents_and_bytes_come_back_as_they_went(any_lake: Lake) -> None:
    table = pd.DataFrame({"day": pd.to_datetime(["2025-03-31", None]), "price": [26.15, None], "city": ["León", "Mérida"]})
    any_lake.write_table("prices/2025-03-31/prices.parquet", table)
    any_lake.write_json("prices/2025-03-31/vintage.json", {"sample": True, "ciudad": "León"})
    pd.testing.assert_frame_equal(any_lake.read_table("prices/2025-03-31/prices.parquet"), table)
    assert any_lake.read_json("prices/2025-03-31/vintage.json") == {"sample": True, "ciudad": "León"}
    assert any_lake.files("prices") == ["prices/2025-03-31/prices.parquet", "prices/2025-03-31/vintage.json"]


def test_a_file_is_created_once(any_lake: Lake) -> None:
    assert any_lake.create_bytes("raw/a.xlsx", b"first")
    assert not any_lake.create_bytes("raw/a.xlsx", b"second")
    assert any_lake.read_bytes("raw/a.xlsx") == b"first"


def test_a_file_is_replaced_only_by_who_has_read_it_as_it_is(any_lake: Lake) -> None:
    assert any_lake.read_tagged("serving/manifest.json") is None
    assert any_lake.replace_bytes("serving/manifest.json", b"one", None)
    assert not any_lake.replace_bytes("serving/manifest.json", b"another", None)
    content, tag = any_lake.read_tagged("serving/manifest.json") or (b"", "")
    assert content == b"one"
    assert any_lake.replace_bytes("serving/manifest.json", b"two", tag)
    assert not any_lake.replace_bytes("serving/manifest.json", b"three", tag)
    assert not any_lake.replace_bytes("serving/nothing.json", b"three", tag)
    assert any_lake.read_bytes("serving/manifest.json") == b"two"


def test_of_many_who_replace_at_once_one_succeeds(tmp_path: Path) -> None:
    folder = Lake(root=str(tmp_path / "lake"))
    folder.write_bytes("serving/manifest.json", b"old")
    tagged = folder.read_tagged("serving/manifest.json")
    assert tagged is not None
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: folder.replace_bytes("serving/manifest.json", b"%d" % n, tagged[1]), range(8)))
    assert won.count(True) == 1
    assert folder.read_bytes("serving/manifest.json") == b"%d" % won.index(True)


def test_the_newest_partition_is_the_greatest_key_that_is_whole(any_lake: Lake) -> None:
    for key in ("2025-03-31", "2025-03-26", "2025-03-28"):
        any_lake.write_json(f"prices/{key}/vintage.json", {})
    any_lake.write_bytes("prices/2025-04-02/prices.parquet", b"half a vintage")
    assert any_lake.newest("prices", "vintage.json") == "2025-03-31"
    assert any_lake.newest("prices", "vintage.json", until="2025-03-30") == "2025-03-28"
    assert any_lake.newest("nothing", "vintage.json") is None
    any_lake.write_json("prices/2025-04-04/abc/vintage.json", {})
    assert any_lake.partitions("prices", "vintage.json") == ["2025-03-26", "2025-03-28", "2025-03-31"]
    assert any_lake.partitions("nothing", "vintage.json") == []


def test_a_missing_file_is_named_with_what_to_do(any_lake: Lake) -> None:
    with pytest.raises(LakeError, match="prices/2025-03-31/vintage.json does not exist: materialize"):
        any_lake.read_json("prices/2025-03-31/vintage.json")
    assert not any_lake.exists("prices/2025-03-31/vintage.json")


def test_a_failed_write_leaves_the_old_file_whole(tmp_path: Path) -> None:
    lake = Lake(root=str(tmp_path / "lake"))
    lake.write_json("a/b.json", {"old": 1})
    with pytest.raises(ValueError, match="JSON"):
        lake.write_json("a/b.json", {"new": float("nan")})
    assert lake.read_json("a/b.json") == {"old": 1}
    assert [path.name for path in (tmp_path / "lake" / "a").iterdir()] == ["b.json"]
