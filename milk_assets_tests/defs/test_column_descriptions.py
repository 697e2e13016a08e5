"""The column descriptions that the UI shows are of columns that exist."""

import pandas as pd
import pandera.errors
import pytest

from milk_assets.defs.common import column_descriptions
from milk_assets.frames import BacktestFrame, ForecastsFrame, TrackRecordFrame, described_columns


def test_every_feature_is_described() -> None:
    from milk_model.features import FEATURES

    assert set(FEATURES) <= set(column_descriptions.FEATURES)


def test_only_columns_that_exist_are_described() -> None:
    from milk_assets.forecasting import model
    from milk_assets.forecasting.evaluation import backtest

    assert set(described_columns(ForecastsFrame)) <= set(model.FORECAST_COLUMNS)
    assert set(described_columns(BacktestFrame)) <= set(backtest.BACKTEST_COLUMNS)
    assert set(described_columns(ForecastsFrame)) < set(described_columns(TrackRecordFrame))


def forecast_row(**changes: object) -> pd.DataFrame:
    day, text = pd.Timestamp("2025-03-31"), "jalisco/guadalajara/uht/store"
    names = {"series": text, "state": "Jalisco", "city": "Guadalajara", "milk": "uht", "channel": "store"}
    prices = {"last_price": 25.0, "no_change": 25.0, "forecast": 25.2, "lo80": 24.9, "hi80": 25.6, "lo95": 24.5, "hi95": 26.0}
    chances = {"p_up": 0.4, "p_same": 0.5, "p_down": 0.1}
    row = {"origin": day, "level": "city", "task": "month", "lead": 1, "target": day, **names, **prices, **chances, **changes}
    return pd.DataFrame([row]).astype({"origin": "datetime64[ns]", "target": "datetime64[ns]"})


def test_a_forecast_inside_its_intervals_is_accepted() -> None:
    assert len(ForecastsFrame.validate(forecast_row())) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"forecast": 25.7}, "lo95 <= lo80 <= forecast"),
        ({"p_up": 0.6}, "p_up \\+ p_same"),
        ({"forecast": float("nan")}, "forecast"),
        ({"level": "village"}, "level"),
        ({"last_price": 0.0}, "last_price"),
    ],
)
def test_a_forecast_that_cannot_be_right_is_rejected(changes: dict[str, object], message: str) -> None:
    with pytest.raises(pandera.errors.SchemaError, match=message):
        ForecastsFrame.validate(forecast_row(**changes))
