"""A snapshot is read back exactly, and a damaged one is rejected with a reason."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from milk_assets.forecasting.panel import Panel
from milk_assets.stores.endpoint_snapshot import snapshot_of
from milk_model.snapshot import SnapshotError, pack_snapshot, read_snapshot, snapshot_path


def test_prices_names_and_dates_are_read_back_exactly(city_panel: Panel, snapshot_file: bytes) -> None:
    snapshot = read_snapshot(snapshot_file, hashlib.sha256(snapshot_file).hexdigest())
    active = city_panel.only_active()
    np.testing.assert_array_equal(snapshot.prices, active.prices)
    np.testing.assert_allclose(snapshot.averages, city_panel.averages, rtol=0, atol=1e-12)
    assert list(snapshot.names) == list(active.names.series)
    assert snapshot.publication == str(city_panel.origin)
    assert snapshot.inactive == ("campeche/campeche/pasteurised/store",)
    assert snapshot.sample is True
    assert pack_snapshot(snapshot) == snapshot_file
    assert snapshot_path(snapshot_file) == f"serving/data/{hashlib.sha256(snapshot_file).hexdigest()[:12]}.json"


def test_whole_centavos_are_stored_as_whole_numbers(snapshot_file: bytes) -> None:
    numbers = {type(price) for column in json.loads(snapshot_file)["series"] for price in column["prices"]}
    assert numbers == {int, type(None)}


def test_a_price_with_a_fraction_of_a_centavo_is_stored_exactly(city_panel: Panel) -> None:
    prices = city_panel.prices.copy()
    prices[-1, city_panel.active.argmax()] = 26.1234
    changed = snapshot_of(
        Panel(city_panel.dates, city_panel.names, prices, city_panel.average_names, city_panel.averages),
        sample=False,
        workbook="ab" * 32,
    )
    assert read_snapshot(pack_snapshot(changed)).prices[-1, 0] == pytest.approx(26.1234, abs=1e-12)


def test_a_file_with_another_sha256_than_the_manifest_is_rejected(snapshot_file: bytes) -> None:
    with pytest.raises(SnapshotError, match=r"sha256 .* the manifest says abababababab"):
        read_snapshot(snapshot_file, "ab" * 32)


def dropped(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda document: document.pop(name)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda document: document.update(schema=9), "not of schema 1"),
        (dropped("expected"), "missing or invalid entry: 'expected'"),
        (lambda document: document["dates"].reverse(), "not in order"),
        (lambda document: document["dates"].pop(), "missing or invalid entry"),
        (lambda document: document.update(expected=document["expected"][:20]), "cannot be forecast from: expected publications"),
        (lambda document: document["series"][0].update(key="jalisco/leon/goat/store"), "cannot be forecast from: series keys"),
        (lambda document: document["series"][0]["prices"].__setitem__(0, -5), "not above zero"),
        (lambda document: document.update(series=[]), "no price"),
        (lambda document: document["series"].append(document["series"][0]), "one column for each key"),
    ],
)
def test_a_damaged_snapshot_is_rejected(snapshot_file: bytes, damage: Callable[[dict[str, Any]], Any], message: str) -> None:
    document = json.loads(snapshot_file)
    damage(document)
    with pytest.raises(SnapshotError, match=message):
        read_snapshot(json.dumps(document).encode())


def test_invalid_json_is_rejected() -> None:
    with pytest.raises(SnapshotError, match="not JSON"):
        read_snapshot(b"{")
