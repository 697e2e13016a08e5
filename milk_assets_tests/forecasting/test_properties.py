"""Properties that hold for any prices: causality of the features, order of the series, shape of the distributions."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from milk_assets.forecasting.hyperparameters import Hyperparameters
from milk_assets.forecasting.model import Model
from milk_assets.forecasting.panel import Panel
from milk_model.distribution import BIN_COUNT, SAME_BIN, direction_chances, fit_bins
from milk_model.features import FEATURES, Floats, compute_features

ROWS, SERIES = 24, 6
SEGMENTS = np.array([0, 0, 1, 2, 3, 3])
# prices in centavos from 5 to 60 MXN/l, and blanks
prices = arrays(float, (ROWS, SERIES), elements=st.one_of(st.just(float("nan")), st.integers(500, 6000).map(lambda c: c / 100)))


@given(prices, prices, st.integers(0, ROWS - 2))
@settings(max_examples=60, deadline=None)
def test_features_at_a_date_do_not_depend_on_later_prices(past: Floats, future: Floats, row: int) -> None:
    changed = np.vstack([past[: row + 1], future[row + 1 :]])
    with_past, with_other_future = compute_features(past, SEGMENTS), compute_features(changed, SEGMENTS)
    np.testing.assert_array_equal(with_past.features[: row + 1], with_other_future.features[: row + 1])
    np.testing.assert_array_equal(with_past.last_price[: row + 1], with_other_future.last_price[: row + 1])


@given(prices, st.permutations(range(SERIES)))
@settings(max_examples=60, deadline=None)
def test_permuted_series_give_permuted_features(past: Floats, order: list[int]) -> None:
    plain = compute_features(past, SEGMENTS).features[:, order]
    permuted = compute_features(past[:, order], SEGMENTS[order]).features
    np.testing.assert_allclose(permuted, plain, rtol=1e-5, atol=1e-5)


@given(prices)
@settings(max_examples=60, deadline=None)
def test_features_of_priced_series_are_finite_and_the_discount_depth_is_never_negative(past: Floats) -> None:
    history_features = compute_features(past, SEGMENTS)
    has_price = np.isfinite(history_features.last_price)
    assert np.isfinite(history_features.features[has_price]).all()
    assert (history_features.features[has_price][:, FEATURES.index("discount_depth")] >= 0).all()


@given(
    arrays(float, (300,), elements=st.integers(-400, 700).map(lambda c: c / 100)),
    arrays(float, (5, BIN_COUNT), elements=st.floats(0.001, 1.0)),
    st.sampled_from([0.0, 0.6]),
)
@settings(max_examples=40, deadline=None)
def test_quantiles_never_cross_and_ranks_invert_them(changes: Floats, weights: Floats, power: float) -> None:
    bins, _ = fit_bins(changes, np.full(300, 9.0), power)
    chances = weights / weights.sum(axis=1, keepdims=True)
    distance = np.array([1.0, 4.0, 9.0, 20.0, 60.0])
    levels = np.linspace(0.01, 0.99, 15)
    quantiles = np.array([bins.quantiles(chances, distance, np.array(level)) for level in levels])
    assert (np.diff(quantiles, axis=0) >= -1e-9).all()
    for level, values in zip(levels, quantiles, strict=True):
        less, no_more = bins.ranks(chances, distance, values)
        moved = np.abs(values) > 0.01  # a change scaled to less than a centavo is "same", and its rank covers the whole bin
        assert (less - 1e-6 <= level)[moved].all() or _flat(bins.inside)
        assert (no_more + 1e-6 >= level)[moved].all() or _flat(bins.inside)
    up, same, down = direction_chances(chances)
    np.testing.assert_allclose(up + same + down, 1.0)
    np.testing.assert_allclose(same, chances[:, SAME_BIN])


def _flat(inside: Floats) -> bool:
    """Whether some bin holds repeated values: several levels then share one quantile, and a rank cannot distinguish them."""
    return bool((np.diff(np.delete(inside, SAME_BIN, axis=0), axis=1) <= 0).any())


def test_permuted_series_give_permuted_forecasts(panel: Panel, hyperparameters: Hyperparameters) -> None:
    order = np.random.default_rng(3).permutation(len(panel.names.series))
    parts = {part: tuple(np.array(values, dtype=object)[order]) for part, values in vars(panel.names).items()}
    shuffled = replace(panel, names=type(panel.names)(**parts), prices=panel.prices[:, order])
    model = Model.fit(panel, hyperparameters)
    _same_forecasts(model, panel, shuffled)
    _same_forecasts(Model.fit_baseline(panel), panel, shuffled)


def _same_forecasts(model: Model, one: Panel, other: Panel) -> None:
    keys = ["task", "lead", "series"]
    first, second = (model.predict(panel).set_index(keys).sort_index() for panel in (one, other))
    for name in ("forecast", "lo95", "hi80", "p_up"):
        np.testing.assert_allclose(second[name], first[name], atol=1e-5)
