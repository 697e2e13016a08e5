"""A small backtest with known errors, inputs of the gate, and an empty ledger."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from milk_assets.promotion.gate import GateInputs
from milk_assets.promotion.ledger.ledger import Ledger
from milk_assets.promotion.manifest import ModelVersion
from milk_assets.promotion.policy import JUDGED
from milk_assets.stores.lake import Lake

DATES = pd.bdate_range("2025-01-01", periods=60)
DAY = date(2025, 3, 28)
SERIES = [
    (state, milk, channel)
    for state in ("Jalisco", "Yucatán")
    for milk in ("uht", "pasteurised")
    for channel in ("store", "supermarket")
]
NO_CHANGE = ModelVersion(version=1, bundle="1" * 64, is_baseline=True)
MODEL = ModelVersion(version=2, bundle="2" * 64, is_baseline=False)
OTHER = ModelVersion(version=3, bundle="3" * 64, is_baseline=False)


def scored_backtest(dates: int = 30, seed: int = 0, **factor: float) -> pd.DataFrame:
    """A backtest in which a model's errors are the random errors of no change times a factor, which is 1 for the baseline."""
    random = np.random.default_rng(seed)
    parts = []
    for task, lead in JUDGED:
        grid = pd.MultiIndex.from_product([DATES[:dates], range(len(SERIES))], names=["target", "series_index"]).to_frame(
            index=False
        )
        error_of_no_change = random.gamma(2.0, 0.2, len(grid)) * random.choice([-1, 1], len(grid))
        last_price = 30.0 - error_of_no_change
        grid = grid.assign(task=task, lead=lead, level="city", actual=30.0, last_price=last_price, no_change=last_price)
        grid[["state", "milk", "channel"]] = np.array(SERIES, dtype=object)[grid.series_index]
        for model, model_factor in {"baseline": 1.0, **factor}.items():
            forecast = 30.0 - model_factor * error_of_no_change
            # for every model, four of five prices lie inside the interval
            half_width = np.where(
                np.arange(len(grid)) % 5 > 0, np.abs(forecast - 30.0) + 0.01, -0.01 + np.abs(forecast - 30.0) / 2
            )
            interval = {"lo80": forecast - np.abs(half_width), "hi80": forecast + np.abs(half_width)}
            parts.append(grid.assign(model=model, forecast=forecast, p_same=0.1, origin=grid.target, **interval))
    return pd.concat(parts, ignore_index=True)


def gate_inputs(**changed: object) -> GateInputs:
    """Inputs with which every rule holds, with some of them changed."""
    inputs = {
        "publication": DAY,
        "contender": "abc",
        "checks_green": True,
        "loads": True,
        "features_match": True,
        "tuned_through": date(2024, 12, 30),
        "lowest": 16.0,
        "highest": 40.0,
        "same_contract": True,
        "shadow_publications": 6,
        "shadow_ratio": 0.99,
    }
    return GateInputs(**{**inputs, **changed})  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Lake:
    return Lake(root=str(tmp_path / "artefacts"))


@pytest.fixture
def ledger(store: Lake) -> Ledger:
    return Ledger(store)
