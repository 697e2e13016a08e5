"""The real workbook: what it contains, and that the model beats the last price on it."""

from pathlib import Path

import pandas as pd
import pytest

from milk_assets.__main__ import main
from milk_assets.forecasting.evaluation.backtest import backtest
from milk_assets.forecasting.evaluation.scores import ALL_LEADS, ALL_SEGMENTS, score_table
from milk_assets.forecasting.hyperparameters import Hyperparameters
from milk_assets.forecasting.panel import Panel, build_panel
from milk_assets.sniim.workbook import read_workbook


@pytest.fixture(scope="module")
def real_panel(real_workbook: Path) -> Panel:
    book = read_workbook(real_workbook)
    return build_panel(book.prices, book.averages)


def test_185_of_the_216_real_series_are_active_from_the_first_month_on(real_panel: Panel) -> None:
    assert real_panel.prices.shape == (184, 216)
    assert real_panel.active.sum() == 185
    assert real_panel.until("2024-02-01").active.sum() == 185
    assert real_panel.averages.shape == (184, 8)


def test_the_model_beats_no_change_on_real_origins_with_calibrated_intervals(real_panel: Panel) -> None:
    frame = backtest(real_panel, {"ours": Hyperparameters()}, ["2024-07-31", "2024-10-30"], refit_every=1)
    scores = score_table(frame).set_index(["level", "task", "lead", "segment"])
    for task in ("publication", "month"):
        row = scores.loc[("city", task, ALL_LEADS, ALL_SEGMENTS)]
        assert row["ratio"] < 0.99
        assert 0.72 < row["cover80"] < 0.92
        assert row["cover95"] > 0.90
    assert scores.loc[("city", "publication", 1, ALL_SEGMENTS), "auc"] > 0.80


def test_the_command_forecasts_from_any_origin_with_the_prices_known_then(real_workbook: Path, tmp_path: Path) -> None:
    out = tmp_path / "forecasts.csv"
    # a Saturday, and too early for a model: the origin is the publication before it, the forecast is no change
    assert main(["forecast", "--workbook", str(real_workbook), "--origin", "2024-02-17", "--out", str(out)]) == 0
    table = pd.read_csv(out)
    assert set(table["origin"]) == {"2024-02-16"}
    assert len(table) == (185 + 8) * (14 + 7)
    guadalajara = table[
        (table["Ciudad"] == "ZM Guadalajara") & (table["Tipo"] == "Ultrapasteurizada") & (table["Canal"] == "Autoservicios")
    ]
    assert list(guadalajara["target"].iloc[:2]) == ["2024-02-19", "2024-02-21"]
    assert "2024-08" in set(guadalajara["target"])
    assert [path.name for path in tmp_path.iterdir()] == ["forecasts.csv"]
