"""The descriptions that the UI shows are of columns that exist."""

from milk_assets.defs.assets.data import features, prices
from milk_assets.defs.assets.models import evaluation
from milk_assets.defs.common.column_descriptions import FORECASTS


def test_every_feature_is_described() -> None:
    from milk_model.features import FEATURES

    assert set(FEATURES) <= set(features.COLUMNS)


def test_only_columns_that_exist_are_described() -> None:
    from milk_assets.forecasting import model
    from milk_assets.forecasting.evaluation import backtest
    from milk_assets.sniim import schemas

    assert set(FORECASTS) <= set(model.FORECAST_COLUMNS)
    assert set(evaluation.COLUMNS) <= set(backtest.BACKTEST_COLUMNS)
    assert set(prices.COLUMNS) <= set(schemas.PRICES.columns)
