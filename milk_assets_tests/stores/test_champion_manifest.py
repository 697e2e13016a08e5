"""Publishing data changes nothing of the manifest but its data, whoever else changes it at the same moment."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from milk_assets.stores import champion_manifest
from milk_assets.stores.champion_manifest import SWAPS, PublishError, publish_data
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
}
NEWEST = "2024-06-14"


@pytest.fixture
def artefacts(tmp_path: Any) -> Lake:
    made = Lake(root=str(tmp_path / "artefacts"))
    made.write_bytes(SERVED, json_bytes(CHAMPION))
    return made


def ingest(lake: Lake, publication: str, sha256: str = "cd" * 32) -> None:
    """Proven prices of a publication, as the asset leaves them."""
    prices, averages = market()
    folder = f"prices/{publication}/{sha256[:12]}"
    lake.write_table(f"{folder}/prices.parquet", prices)
    lake.write_table(f"{folder}/averages.parquet", averages)
    lake.write_json(f"prices/{publication}/vintage.json", {"sha256": sha256, "sample": True})


def test_the_manifest_names_the_new_data_and_keeps_everything_else(lake: Lake, artefacts: Lake) -> None:
    ingest(lake, NEWEST)
    published = publish_data(lake, artefacts, NEWEST, NOW)
    manifest = json.loads(artefacts.read_bytes(SERVED))
    assert manifest == {**CHAMPION, "data": published}
    assert published is not None
    assert published["at"] == "2024-05-29T12:00:00+00:00"
    found = read_snapshot(artefacts.read_bytes(published["path"]), published["sha256"])
    assert (found.workbook, found.sample, len(found.dates)) == ("cd" * 32, True, 70)


def test_the_same_data_are_published_once(lake: Lake, artefacts: Lake) -> None:
    ingest(lake, NEWEST)
    first = publish_data(lake, artefacts, NEWEST, NOW)
    before = artefacts.read_bytes(SERVED)
    assert publish_data(lake, artefacts, NEWEST, datetime(2024, 6, 1, tzinfo=UTC)) == first
    assert artefacts.read_bytes(SERVED) == before


def test_an_older_publication_does_not_take_the_place_of_a_newer_one(lake: Lake, artefacts: Lake) -> None:
    ingest(lake, NEWEST)
    ingest(lake, "2024-06-12", "ef" * 32)
    newest = publish_data(lake, artefacts, NEWEST, NOW)
    assert publish_data(lake, artefacts, "2024-06-12", NOW) is None
    assert champion_manifest.served(artefacts) == {**CHAMPION, "data": newest}


def test_a_correction_of_the_same_publication_takes_its_place(lake: Lake, artefacts: Lake) -> None:
    ingest(lake, NEWEST)
    first = publish_data(lake, artefacts, NEWEST, NOW)
    ingest(lake, NEWEST, "ef" * 32)
    second = publish_data(lake, artefacts, NEWEST, NOW)
    assert second != first
    assert champion_manifest.served(artefacts) == {**CHAMPION, "data": second}


class Contested(Lake):
    """An artefact store in which another promotes whenever the manifest has been read."""

    promotions: int

    def read_tagged(self, path: str) -> tuple[bytes, str] | None:
        found = super().read_tagged(path)
        assert found is not None
        manifest = json.loads(found[0])
        if manifest["version"] < 7 + self.promotions:
            super().write_bytes(path, json_bytes({**manifest, "version": manifest["version"] + 1}))
        return found


def test_a_promotion_at_the_same_moment_is_not_undone(lake: Lake, artefacts: Lake) -> None:
    ingest(lake, NEWEST)
    published = publish_data(lake, Contested(root=artefacts.root, promotions=2), NEWEST, NOW)
    assert champion_manifest.served(artefacts) == {**CHAMPION, "version": 9, "data": published}


def test_a_manifest_that_keeps_changing_is_left_alone_and_said(lake: Lake, artefacts: Lake) -> None:
    ingest(lake, NEWEST)
    with pytest.raises(PublishError, match=f"changed {SWAPS} times"):
        publish_data(lake, Contested(root=artefacts.root, promotions=99), NEWEST, NOW)
    standing = champion_manifest.served(artefacts)
    assert standing is not None
    assert standing["data"] is None


def test_without_a_champion_nothing_is_served(lake: Lake, tmp_path: Any) -> None:
    ingest(lake, NEWEST)
    empty = Lake(root=str(tmp_path / "empty"))
    with pytest.raises(PublishError, match="no champion is served"):
        publish_data(lake, empty, NEWEST, NOW)
    assert not empty.exists(SERVED)
