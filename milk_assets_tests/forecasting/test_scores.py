"""Scores and calibration compared with figures computed by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from milk_assets.forecasting.evaluation.backtest import backtest
from milk_assets.forecasting.evaluation.backtest_summary import plot, summary
from milk_assets.forecasting.evaluation.scores import ALL_LEADS, ALL_SEGMENTS, area_under_curve, interval_score, score_table
from milk_assets.forecasting.hyperparameters import Hyperparameters
from milk_assets.forecasting.panel import Panel
from milk_assets.forecasting.training.calibration import CoverageLevel, calibrated_level, learned_model_weight, needed_level


def table(**columns: list[float]) -> pd.DataFrame:
    rows = len(columns["actual"])
    frame = pd.DataFrame(
        {"model": "ours", "level": "city", "task": "publication", "lead": 1, "milk": "uht", "channel": "store"}, range(rows)
    )
    plain = {"lo80": [0.0], "hi80": [99.0], "lo95": [0.0], "hi95": [99.0], "p_same": [0.5]}
    for name, values in (plain | columns).items():
        frame[name] = values * (rows if len(values) == 1 else 1)
    return frame.assign(origin=pd.date_range("2024-04-01", periods=rows))


def test_error_ratio_bias_and_brier_match_hand_computed_figures() -> None:
    frame = table(actual=[20.0, 21.0], forecast=[20.5, 20.5], no_change=[20.0, 20.0], last_price=[20.0, 20.0], p_same=[0.8, 0.4])
    row = score_table(frame).set_index(["lead", "segment"]).loc[(ALL_LEADS, ALL_SEGMENTS)]
    assert row["mae"] == pytest.approx(0.5)
    assert row["mae_no_change"] == pytest.approx(0.5)
    assert row["ratio"] == pytest.approx(1.0)
    assert row["bias"] == pytest.approx(0.0)
    assert row["brier"] == pytest.approx(((0.2 - 0) ** 2 + (0.6 - 1) ** 2) / 2)
    assert row["auc"] == 1.0


def test_an_interval_score_is_the_width_plus_ten_times_the_miss_at_80_percent() -> None:
    scores = interval_score(np.array([20.0, 23.0, 18.5]), np.array([19.0] * 3), np.array([22.0] * 3), 0.80)
    np.testing.assert_allclose(scores, [3.0, 3.0 + 10 * 1.0, 3.0 + 10 * 0.5])


def test_coverage_counts_interval_ends_as_inside() -> None:
    frame = table(
        actual=[20.0, 20.0], forecast=[20.0] * 2, no_change=[20.0] * 2, last_price=[20.0] * 2, lo80=[20.0, 20.1], hi80=[21.0] * 2
    )
    assert score_table(frame)["cover80"].iloc[0] == pytest.approx(0.5)


def test_the_area_under_the_curve_counts_ties_half_and_is_nan_with_one_class_only() -> None:
    assert area_under_curve(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True])) == pytest.approx(3.5 / 4)
    assert np.isnan(area_under_curve(np.array([0.1, 0.2]), np.array([True, True])))


def test_an_empty_table_is_rejected() -> None:
    with pytest.raises(ValueError, match="no forecast has reached its target date"):
        score_table(table(actual=[1.0]).iloc[:0])


def test_the_model_weight_rises_for_an_accurate_model_and_falls_for_an_inaccurate_one() -> None:
    origin = np.repeat(np.arange(40), 5)
    change = np.tile([0.0, 0.2, 0.4, -0.1, 0.3], 40)
    right = learned_model_weight(change, change, origin, 4.0, 0.5)
    wrong = learned_model_weight(change, -change, origin, 4.0, 0.5)
    assert right > 0.95
    assert wrong < 0.05
    assert learned_model_weight(change[:0], change[:0], origin[:0], 4.0, 0.7) == pytest.approx(0.7)


def test_a_short_history_moves_the_model_weight_less_than_a_long_one() -> None:
    origin = np.repeat(np.arange(40), 5)
    change = np.tile([0.0, 0.2, 0.4, -0.1, 0.3], 40)
    assert 0.5 < learned_model_weight(change, change, origin, 400.0, 0.5) < learned_model_weight(change, change, origin, 4.0, 0.5)


def test_levels_widen_until_past_changes_are_covered_and_never_fall_below_the_least() -> None:
    level = CoverageLevel(0.80, 0.70)
    wide = calibrated_level(np.linspace(0.9, 1.0, 100), level, 0.8, period_count=1e6)
    assert wide == pytest.approx(0.98, abs=0.005)
    assert calibrated_level(np.zeros(100), level, 0.8, period_count=1e6) == 0.70
    assert calibrated_level(np.zeros(0), level, 0.85, period_count=0.0) == 0.85


def test_the_needed_level_is_that_of_the_nearer_tail() -> None:
    np.testing.assert_allclose(needed_level(np.array([0.9, 0.3, 0.02]), np.array([0.9, 0.7, 0.02])), [0.8, 0.0, 0.96])


def test_the_summary_and_the_plot_show_every_task(panel: Panel, hyperparameters: Hyperparameters) -> None:
    scores = score_table(backtest(panel, {"ours": hyperparameters, "no change": None}, panel.dates[44:50], refit_every=12))
    text = summary(scores, "ours")
    assert "### Publications ahead" in text
    assert "| running month |" in text
    assert "| uht/store, months |" in text
    assert plot(scores).startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="no scores of model 'unknown'"):
        summary(scores, "unknown")


def test_the_backtest_forecasts_months_ahead_at_month_ends_and_the_running_month_before(panel: Panel) -> None:
    frame = backtest(panel, {"no change": None}, panel.dates[34:48], refit_every=50)
    months = frame[frame["task"] == "month"]
    ends = pd.Series(panel.dates).groupby(panel.dates.astype("datetime64[M]")).max().astype("datetime64[ns]")
    assert set(months[months["lead"] > 0]["origin"]) <= set(ends)
    assert not set(months[months["lead"] == 0]["origin"]) & set(ends)
    assert (frame["forecast"] == frame["no_change"]).all()


def test_the_backtest_uses_vintages_where_it_is_given_them(panel: Panel) -> None:
    day = panel.dates[45]
    vintage = panel.until(day)
    is_origin = (vintage.dates == day)[:, None]
    vintage = replace(vintage, prices=vintage.prices + np.where(is_origin, 1.0, 0.0))  # restated downwards later
    with_vintage = backtest(panel, {"no change": None}, [day], vintages={day: vintage})
    without_vintage = backtest(panel, {"no change": None}, [day])
    is_next_publication = (with_vintage["lead"] == 1) & (with_vintage["task"] == "publication")
    cities = with_vintage[is_next_publication & (with_vintage["level"] == "city")].set_index("series")
    moved = cities["last_price"] - without_vintage[without_vintage["lead"] == 1].set_index("series")["last_price"].reindex(
        cities.index
    )
    assert set(moved.round(6)) <= {0.0, 1.0}
    assert (moved > 0.5).sum() > 10


def test_an_origin_without_publication_is_rejected(panel: Panel) -> None:
    with pytest.raises(ValueError, match="origins must be publications"):
        backtest(panel, {"no change": None}, ["2024-02-17"])
