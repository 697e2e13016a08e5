"""Features, fits and forecasts use nothing published after the origin."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from milk_assets.forecasting.evaluation.backtest import backtest
from milk_assets.forecasting.hyperparameters import Hyperparameters
from milk_assets.forecasting.model import Model
from milk_assets.forecasting.panel import Panel
from milk_model.features import compute_features


def perturbed_after(panel: Panel, row: int, seed: int = 0) -> Panel:
    """The panel with everything after a row replaced by other prices."""
    random = np.random.default_rng(seed)
    prices, averages = panel.prices.copy(), panel.averages.copy()
    prices[row + 1 :] = random.uniform(5, 60, prices[row + 1 :].shape)
    averages[row + 1 :] = random.uniform(5, 60, averages[row + 1 :].shape)
    return replace(panel, prices=prices, averages=averages)


def test_features_do_not_depend_on_later_prices(panel: Panel) -> None:
    active_panel, row = panel.only_active(), 40
    original = compute_features(active_panel.prices, active_panel.segments).features[: row + 1]
    perturbed = compute_features(perturbed_after(active_panel, row).prices, active_panel.segments).features
    np.testing.assert_array_equal(perturbed[: row + 1], original)
    assert not np.array_equal(perturbed[row + 1], compute_features(active_panel.prices, active_panel.segments).features[row + 1])


def test_a_fit_and_its_forecast_do_not_depend_on_later_prices(panel: Panel, hyperparameters: Hyperparameters) -> None:
    row = 50
    perturbed, original = (source.until(panel.dates[row]) for source in (perturbed_after(panel, row), panel))
    of_perturbed = Model.fit(perturbed, hyperparameters).predict(perturbed)
    pd.testing.assert_frame_equal(of_perturbed, Model.fit(original, hyperparameters).predict(original))


def test_the_backtest_takes_only_actual_prices_from_after_an_origin(panel: Panel, hyperparameters: Hyperparameters) -> None:
    row = 60
    of_original = backtest(panel, {"ours": hyperparameters}, panel.dates[58 : row + 1])
    of_perturbed = backtest(perturbed_after(panel, row), {"ours": hyperparameters}, panel.dates[58 : row + 1])
    columns = ["origin", "task", "lead", "series", "forecast", "lo80", "hi95", "p_same", "trust"]
    both = of_original[columns].merge(of_perturbed[columns], on=["origin", "task", "lead", "series"], suffixes=("", "_other"))
    assert len(both) > 500
    for name in columns[4:]:
        np.testing.assert_array_equal(both[name], both[f"{name}_other"])
    assert not np.array_equal(of_original["actual"], of_perturbed["actual"])


def test_a_model_trained_on_later_dates_is_rejected_at_an_earlier_origin(panel: Panel) -> None:
    with pytest.raises(ValueError, match=r"trained through .* after the origin"):
        Model.fit_baseline(panel).predict(panel.until(panel.dates[-2]))
