"""The structural formula and the columns of the running month, compared with figures computed by hand."""

import numpy as np
import pytest

from milk_model.distribution import Bins, fit_bins
from milk_model.drift import StructuralFormula
from milk_model.features import FEATURES, compute_features
from milk_model.forecast_columns import window_columns
from milk_model.targets import Window


def test_the_drift_is_half_national_half_of_the_segment_and_shrunk_toward_its_prior() -> None:
    # one series rises 0.10 a publication, the other, of another segment, does not change
    prices = np.column_stack([20 + 0.1 * np.arange(11), np.full(11, 30.0)])
    structure = StructuralFormula(window=74, prior=0.01, prior_weight=60)
    drift = structure.drift(compute_features(prices, np.array([0, 2])), np.array([0, 2]))[-1]
    shrunk = lambda total: (total + 0.01 * 60) / (11 + 60)  # noqa: E731  eleven rows, the first of them without a move
    assert drift[0] == pytest.approx((shrunk(0.5) + shrunk(1.0)) / 2)
    assert drift[1] == pytest.approx((shrunk(0.5) + shrunk(0.0)) / 2)


def test_the_drift_and_discount_terms_follow_the_formula() -> None:
    features = np.zeros(len(FEATURES), dtype=np.float32)
    features[FEATURES.index("discount_depth")] = 2.0
    features[[FEATURES.index("change_rate"), FEATURES.index("recent_rate")]] = 0.2
    drift_term, discount_term = StructuralFormula(discount_regained=0.3).terms(features, np.array(0.02), 7.0)
    chance = 1 - 0.8**7
    assert drift_term == pytest.approx(7 * 0.02 * chance**2, rel=1e-5)
    assert discount_term == pytest.approx(0.3 * 2.0 * chance * (1 - np.exp(-7 / 8)), rel=1e-5)


def test_the_running_month_moves_only_by_the_share_that_is_still_to_come() -> None:
    dates = np.array(["2025-03-24", "2025-03-26"], dtype="datetime64[D]")
    window = Window("month", 0, np.datetime64("2025-03-01"), first=1, last=2, past=2)
    offsets = {
        name: np.array([[value]])
        for name, value in {"forecast": 1.0, "lo80": 0.0, "hi80": 2.0, "lo95": -40.0, "hi95": 3.0}.items()
    }
    columns = window_columns([window], dates, ("a/b/uht/store",), np.array([[20.0], [22.0]]), np.array([22.0]), offsets)
    assert columns["no_change"].item() == pytest.approx((20 + 22 + 2 * 22) / 4)
    assert columns["forecast"].item() == pytest.approx(21.5 + 0.5)
    assert (columns["lo80"].item(), columns["hi80"].item()) == pytest.approx((21.5, 22.5))
    assert columns["lo95"].item() == pytest.approx(1.5)


def test_no_interval_reaches_below_zero() -> None:
    dates = np.array(["2025-03-26"], dtype="datetime64[D]")
    offsets = {
        name: np.array([[value]])
        for name, value in {"forecast": 0.0, "lo80": -30.0, "hi80": 1.0, "lo95": -40.0, "hi95": 2.0}.items()
    }
    window = Window("publication", 1, np.datetime64("2025-03-28"), first=1, last=1)
    columns = window_columns([window], dates, ("a/b/uht/store",), np.array([[20.0]]), np.array([20.0]), offsets)
    assert (columns["lo80"].item(), columns["lo95"].item()) == (0.0, 0.0)


def test_rises_grow_with_the_distance_and_falls_level_off() -> None:
    bins, _ = fit_bins(np.array([-0.5, 0.0, 0.5] * 50), np.full(150, 7.0), power=0.6)
    assert isinstance(bins, Bins)
    near, month, far, farther = 7.0, 14.0, 70.0, 140.0
    up = bins.scale(np.array([near, month, far, farther]), np.array([True] * 4))
    down = bins.scale(np.array([near, month, far, farther]), np.array([False] * 4))
    np.testing.assert_allclose(up, [1.0, 2**0.6, 10**0.6, 20**0.6])
    np.testing.assert_allclose(down, (1 - np.exp(-np.array([near, month, far, farther]) / 8)) / (1 - np.exp(-7 / 8)))
    assert down[3] / down[2] < 1.001
