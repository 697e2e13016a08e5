"""The descriptions that the UI shows are of columns that exist."""

from milk_assets.defs.common import column_descriptions


def test_every_feature_is_described() -> None:
    from milk_model.features import FEATURES

    assert set(FEATURES) <= set(column_descriptions.FEATURES)


def test_only_columns_that_exist_are_described() -> None:
    from milk_assets.forecasting import model
    from milk_assets.forecasting.evaluation import backtest, issued_forecasts
    from milk_assets.sniim import schemas

    assert set(column_descriptions.FORECASTS) <= set(model.COLUMNS)
    assert set(column_descriptions.BACKTEST) <= set(backtest.COLUMNS)
    assert set(column_descriptions.TRACK_RECORD) - {"trust"} <= set(issued_forecasts.TRACK_RECORD_COLUMNS)
    assert set(column_descriptions.PRICES) <= set(schemas.PRICES.columns)
