"""A small scored market and a ledger of its own."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from milk_assets.promotion.gate import Facts
from milk_assets.promotion.ledger import Ledger
from milk_assets.promotion.policy import JUDGED
from milk_assets.promotion.state import Served
from milk_assets.stores.lake import Lake

DATES = pd.bdate_range("2025-01-01", periods=60)
DAY = date(2025, 3, 28)
PLACES = [
    (state, milk, channel)
    for state in ("Jalisco", "Yucatán")
    for milk in ("uht", "pasteurised")
    for channel in ("store", "supermarket")
]
NO_CHANGE, MODEL, OTHER = Served(1, "1" * 64, True), Served(2, "2" * 64, False), Served(3, "3" * 64, False)


def scored(dates: int = 30, seed: int = 0, **factor: float) -> pd.DataFrame:
    """A backtest in which each model's error is that of no change, which is random, times a factor: baseline 1 unless said."""
    random = np.random.default_rng(seed)
    parts = []
    for task, lead in JUDGED:
        grid = pd.MultiIndex.from_product([DATES[:dates], range(len(PLACES))], names=["target", "place"]).to_frame(index=False)
        miss = random.gamma(2.0, 0.2, len(grid)) * random.choice([-1, 1], len(grid))
        grid = grid.assign(task=task, lead=lead, level="city", actual=30.0, last_price=30.0 - miss, no_change=30.0 - miss)
        grid[["state", "milk", "channel"]] = np.array(PLACES, dtype=object)[grid.place]
        for model, times in {"baseline": 1.0, **factor}.items():
            forecast = 30.0 - times * miss
            # four of five outcomes lie inside, for every model alike
            inside = np.where(np.arange(len(grid)) % 5 > 0, np.abs(forecast - 30.0) + 0.01, -0.01 + np.abs(forecast - 30.0) / 2)
            ends = {"lo80": forecast - np.abs(inside), "hi80": forecast + np.abs(inside)}
            parts.append(grid.assign(model=model, forecast=forecast, p_same=0.1, origin=grid.target, **ends))
    return pd.concat(parts, ignore_index=True)


def facts(**changed: object) -> Facts:
    """Facts with which nothing is wrong, but for what is said."""
    fine = {
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
    return Facts(**{**fine, **changed})  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Lake:
    return Lake(root=str(tmp_path / "artefacts"))


@pytest.fixture
def ledger(store: Lake) -> Ledger:
    return Ledger(store)
