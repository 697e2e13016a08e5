"""Nothing later than the origin is known: not to features, not to fits, not to forecasts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from milk_assets.forecasting.evaluation.backtest import backtest
from milk_assets.forecasting.hyperparameters import Recipe
from milk_assets.forecasting.panel import Panel
from milk_assets.forecasting.training.baseline import baseline
from milk_assets.forecasting.training.fitting import fit
from milk_model.features import known_at


def perturbed_after(panel: Panel, row: int, seed: int = 0) -> Panel:
    """The panel with everything after a row replaced by other prices."""
    random = np.random.default_rng(seed)
    prices, averages = panel.prices.copy(), panel.averages.copy()
    prices[row + 1 :] = random.uniform(5, 60, prices[row + 1 :].shape)
    averages[row + 1 :] = random.uniform(5, 60, averages[row + 1 :].shape)
    return replace(panel, prices=prices, averages=averages)


def test_features_do_not_move_when_everything_after_the_origin_does(panel: Panel) -> None:
    chosen, row = panel.only_active(), 40
    before = known_at(chosen.prices, chosen.segments).features[: row + 1]
    after = known_at(perturbed_after(chosen, row).prices, chosen.segments).features
    np.testing.assert_array_equal(after[: row + 1], before)
    assert not np.array_equal(after[row + 1], known_at(chosen.prices, chosen.segments).features[row + 1])


def test_a_fit_and_its_forecast_do_not_move_when_everything_after_the_origin_does(panel: Panel, recipe: Recipe) -> None:
    row = 50
    known = perturbed_after(panel, row).until(panel.dates[row])
    pd.testing.assert_frame_equal(fit(known, recipe).forecast(known), fit(panel.until(panel.dates[row]), recipe).forecast(known))


def test_the_backtest_takes_nothing_but_outcomes_from_after_an_origin(panel: Panel, recipe: Recipe) -> None:
    row = 60
    one = backtest(panel, {"ours": recipe}, panel.dates[58 : row + 1])
    other = backtest(perturbed_after(panel, row), {"ours": recipe}, panel.dates[58 : row + 1])
    said = ["origin", "task", "lead", "series", "forecast", "lo80", "hi95", "p_same", "trust"]
    both = one[said].merge(other[said], on=["origin", "task", "lead", "series"], suffixes=("", "_other"))
    assert len(both) > 500
    for name in said[4:]:
        np.testing.assert_array_equal(both[name], both[f"{name}_other"])
    assert not np.array_equal(one["actual"], other["actual"])


def test_a_model_that_saw_later_dates_refuses_to_forecast_from_an_earlier_origin(panel: Panel) -> None:
    with pytest.raises(ValueError, match=r"trained through .* after the origin"):
        baseline(panel).forecast(panel.until(panel.dates[-2]))
