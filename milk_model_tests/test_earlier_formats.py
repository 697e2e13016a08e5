"""Bundles that release 0.1 wrote are read, and give the forecasts that release 0.1 gave."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from milk_assets.forecasting.hyperparameters import Hyperparameters, Trees
from milk_assets.forecasting.model import Model
from milk_model.bundle import BundleError, unpack
from milk_model.earlier_formats import RENAMED, current_feature_names, current_model_document, with_current_names
from milk_model.features import FEATURES, TARGET_FEATURES
from milk_model.forecaster import MODEL_FILE, MODEL_FORMAT, Forecaster
from milk_model.snapshot import read_snapshot

FIXTURE = Path(__file__).parent / "fixtures" / "bundle_0_1"
FIGURES = ("no_change", "forecast", "lo80", "hi80", "lo95", "hi95", "p_up", "p_same", "p_down", "trust")


def stored_files(kind: str) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (FIXTURE / kind).iterdir()}


@pytest.mark.parametrize("kind", ["model", "baseline"])
def test_a_bundle_of_release_0_1_gives_the_forecasts_of_release_0_1(kind: str) -> None:
    snapshot = read_snapshot((FIXTURE / "snapshot.json").read_bytes())
    forecaster = Forecaster.from_files(unpack(stored_files(kind)).files)
    columns = forecaster.forecast(snapshot.history(), snapshot.expected)
    keys = zip(columns["series"], columns["task"], columns["lead"].astype(str), columns["target"].astype(str), strict=True)
    row_of = {key: row for row, key in enumerate(keys)}
    with (FIXTURE / f"{kind}_forecasts.csv").open(newline="", encoding="utf-8") as file:
        expected_rows = list(csv.DictReader(file))
    rows = [row_of[row["series"], row["task"], row["lead"], row["target"]] for row in expected_rows]
    assert len(rows) > 100
    for name in FIGURES:
        expected = [float(row[name]) for row in expected_rows]
        np.testing.assert_allclose(columns[name][rows], expected, rtol=0, atol=1e-6, err_msg=name)


def test_a_model_of_release_0_1_has_its_hyperparameters_under_the_new_names() -> None:
    month = Trees(depth=2, rounds=2, blend=0.5, dead_zone=0.1)
    assert Model.load(stored_files("model")).hyperparameters == Hyperparameters(Trees(depth=2, rounds=2), month)
    assert Model.load(stored_files("baseline")).is_baseline


def test_the_feature_names_of_a_bundle_of_release_0_1_match_those_of_this_release() -> None:
    features = unpack(stored_files("model")).facts["features"]
    assert "room" in features
    assert current_feature_names(features) == [*FEATURES, *TARGET_FEATURES]
    assert current_feature_names([*FEATURES, *TARGET_FEATURES]) == [*FEATURES, *TARGET_FEATURES]


def test_new_bundles_contain_no_old_name() -> None:
    old = json.loads(stored_files("model")[MODEL_FILE])
    current = current_model_document(old)
    assert current["format"] == MODEL_FORMAT
    assert not RENAMED.keys() & set(all_keys(current))
    assert {"recipe", "trust", "beta", "drifts", "room_regained", "trust_prior"} <= set(all_keys(old))


def test_a_document_in_the_current_format_is_not_changed() -> None:
    document = current_model_document(json.loads(stored_files("model")[MODEL_FILE]))
    assert current_model_document(document) == document


def test_only_keys_are_renamed_and_values_stay() -> None:
    document = {"trust": [0.5], "structure": {"beta": 0.3, "name": "trust"}, "other": {"room": None}}
    expected = {
        "model_weight": [0.5],
        "structure": {"discount_regained": 0.3, "name": "trust"},
        "other": {"discount_depth": None},
    }
    assert with_current_names(document) == expected


@pytest.mark.parametrize(
    "damaged",
    [
        {"format": 1},
        {"format": 1, "features": 3, "tasks": []},
        {"format": 1, "features": ["room"], "segments": []},
        {"format": 0},
        [],
    ],
)
def test_a_damaged_document_of_an_old_format_is_rejected(damaged: object) -> None:
    with pytest.raises(BundleError, match=MODEL_FILE):
        Forecaster.from_files({MODEL_FILE: json.dumps(damaged).encode()})


def all_keys(value: object) -> list[str]:
    """Keys at any depth of nested objects."""
    if not isinstance(value, dict):
        return []
    return [*value, *(key for nested in value.values() for key in all_keys(nested))]
