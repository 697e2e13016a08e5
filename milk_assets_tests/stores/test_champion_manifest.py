"""Publishing data changes only the data in the manifest, also when others change it at the same time."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from milk_assets.stores.champion_manifest import SWAP_ATTEMPTS, PublishError, publish_data, read_manifest
from milk_assets.stores.lake import Lake, json_bytes
from milk_assets_tests.forecasting.conftest import market
from milk_model.artefact_paths import SERVED
from milk_model.snapshot import read_snapshot

NOW = datetime(2024, 5, 29, 12, tzinfo=UTC)
CHAMPION = {
    "schema": 1,
    "version": 7,
    "bundle": "ab" * 32,
    "is_baseline": False,
    "facts": {"kind": "model"},
    "since": "x",
    "data": None,
    "added_by_a_newer_release": 1,
}
NEWEST = "2024-06-14"


@pytest.fixture
def artefacts(tmp_path: Any) -> Lake:
    lake = Lake(root=str(tmp_path / "artefacts"))
    lake.write_bytes(SERVED, json_bytes(CHAMPION))
    return lake


def ingest(lake: Lake, publication: str, sha256: str = "cd" * 32) -> None:
    """Validated prices of a publication, as the asset `prices` writes them."""
    prices, averages = market()
    folder = f"prices/{publication}/{sha256[:12]}"
    lake.write_table(f"{folder}/prices.parquet", prices)
    lake.write_table(f"{folder}/averages.parquet", averages)
    lake.write_json(f"prices/{publication}/vintage.json", {"sha256": sha256, "sample": True})


def test_the_manifest_names_the_new_data_and_keeps_everything_else(lake: Lake, artefacts: Lake) -> None:
    ingest(lake, NEWEST)
    published = publish_data(lake, artefacts, NEWEST, NOW)
    manifest = json.loads(artefacts.read_bytes(SERVED))
    assert published is not None
    assert manifest == {**CHAMPION, "data": published.model_dump()}
    assert published.at == "2024-05-29T12:00:00+00:00"
    snapshot = read_snapshot(artefacts.read_bytes(published.path), published.sha256)
    assert (snapshot.workbook, snapshot.sample, len(snapshot.dates)) == ("cd" * 32, True, 70)


def test_the_same_data_are_published_once(lake: Lake, artefacts: Lake) -> None:
    ingest(lake, NEWEST)
    first = publish_data(lake, artefacts, NEWEST, NOW)
    before = artefacts.read_bytes(SERVED)
    assert publish_data(lake, artefacts, NEWEST, datetime(2024, 6, 1, tzinfo=UTC)) == first
    assert artefacts.read_bytes(SERVED) == before


def test_an_older_publication_does_not_replace_a_newer_one(lake: Lake, artefacts: Lake) -> None:
    ingest(lake, NEWEST)
    ingest(lake, "2024-06-12", "ef" * 32)
    newest = publish_data(lake, artefacts, NEWEST, NOW)
    assert publish_data(lake, artefacts, "2024-06-12", NOW) is None
    assert newest is not None
    assert artefacts.read_json(SERVED) == {**CHAMPION, "data": newest.model_dump()}


def test_a_correction_of_the_same_publication_replaces_it(lake: Lake, artefacts: Lake) -> None:
    ingest(lake, NEWEST)
    first = publish_data(lake, artefacts, NEWEST, NOW)
    ingest(lake, NEWEST, "ef" * 32)
    second = publish_data(lake, artefacts, NEWEST, NOW)
    assert second != first
    assert second is not None
    assert artefacts.read_json(SERVED) == {**CHAMPION, "data": second.model_dump()}


class Contested(Lake):
    """An artefact store in which another process promotes a version after each read of the manifest."""

    promotions: int

    def read_tagged(self, path: str) -> tuple[bytes, str] | None:
        stored = super().read_tagged(path)
        assert stored is not None
        manifest = json.loads(stored[0])
        if manifest["version"] < 7 + self.promotions:
            super().write_bytes(path, json_bytes({**manifest, "version": manifest["version"] + 1}))
        return stored


def test_a_promotion_at_the_same_time_is_not_undone(lake: Lake, artefacts: Lake) -> None:
    ingest(lake, NEWEST)
    published = publish_data(lake, Contested(root=artefacts.root, promotions=2), NEWEST, NOW)
    assert published is not None
    assert artefacts.read_json(SERVED) == {**CHAMPION, "version": 9, "data": published.model_dump()}


def test_a_manifest_that_changes_at_every_attempt_is_an_error(lake: Lake, artefacts: Lake) -> None:
    ingest(lake, NEWEST)
    with pytest.raises(PublishError, match=f"changed at each of {SWAP_ATTEMPTS} attempts"):
        publish_data(lake, Contested(root=artefacts.root, promotions=99), NEWEST, NOW)
    manifest = read_manifest(artefacts)
    assert manifest is not None
    assert manifest.data is None


def test_data_are_not_published_without_a_champion(lake: Lake, tmp_path: Any) -> None:
    ingest(lake, NEWEST)
    empty = Lake(root=str(tmp_path / "empty"))
    with pytest.raises(PublishError, match="no champion is served"):
        publish_data(lake, empty, NEWEST, NOW)
    assert not empty.exists(SERVED)


@pytest.mark.parametrize("damaged", [b"not json {", b"[]", b'{"version": 7}'])
def test_data_are_not_published_under_a_damaged_manifest(lake: Lake, artefacts: Lake, damaged: bytes) -> None:
    ingest(lake, NEWEST)
    artefacts.write_bytes(SERVED, damaged)
    assert read_manifest(artefacts) is None
    with pytest.raises(PublishError, match="is not JSON|no champion is served"):
        publish_data(lake, artefacts, NEWEST, NOW)
    assert artefacts.read_bytes(SERVED) == damaged
