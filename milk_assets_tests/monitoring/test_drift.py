"""Drift on a made market: what each signal is, when it is judged, and what never moves it."""

import numpy as np
import pandas as pd
import pytest

from milk_assets.monitoring.detection.drift import CURRENT, NEEDED, REFERENCE, coverage_drift, distance, drift_report, rolling
from milk_assets.monitoring.detection.drift_signals import signals
from milk_assets.sniim.names import PRICE_COLUMNS, series_key

CITIES = [("Jalisco", "Guadalajara"), ("Puebla", "Puebla"), ("Sonora", "Nogales"), ("Sonora", "Hermosillo")]


def frame(values: np.ndarray) -> pd.DataFrame:
    """The prices frame of (T, cities, 4) prices, a publication every other day up to 2025-03-31."""
    days = pd.date_range(end="2025-03-31", periods=len(values), freq="2D")
    rows = [
        (day, series_key(*place, *pair), *place, *pair, values[time, city, market])
        for time, day in enumerate(days)
        for city, place in enumerate(CITIES[: values.shape[1]])
        for market, pair in enumerate(PRICE_COLUMNS)
    ]
    return pd.DataFrame(rows, columns=["publication", "series", "state", "city", "milk", "channel", "price"])


def quiet(count: int, seed: int = 3) -> np.ndarray:
    """Prices of which one in five moves at a publication, by 2 % up or down."""
    rng = np.random.default_rng(seed)
    shape = (count, len(CITIES), len(PRICE_COLUMNS))
    steps = np.where(rng.random(shape) < 0.2, rng.choice([-0.02, 0.02], shape), 0)
    return 25 * np.exp(np.cumsum(steps, axis=0))


def report(values: np.ndarray):
    return drift_report(frame(values), pd.Timestamp("2025-03-31").date(), evidence=False)


def test_signals_are_the_mean_return_the_share_of_changes_and_the_spread():
    values = np.full((3, len(CITIES), 4), 20.0)
    values[1:, 0, 0] = 22.0
    values[2, 1, 0] = np.nan
    seen = signals(frame(values))
    assert seen["returns pasteurised/store"].tolist() == pytest.approx([100 * np.log(1.1) / 4, 0])
    assert seen["changed pasteurised/store"].tolist() == pytest.approx([25, 0])
    assert seen["spread pasteurised/store"].tolist() == pytest.approx([100 * np.log(1.1) / 4] * 2)
    assert seen["spread uht/store"].tolist() == pytest.approx([-100 * np.log(1.1) / 12] * 2)


def test_a_city_that_goes_leaves_the_figures_of_the_others():
    values = quiet(20)
    gone = values.copy()
    gone[10:, 3] = np.nan
    with_three, without_it = signals(frame(values[:, :3])), signals(frame(gone))
    for name in ("returns uht/store", "changed uht/store"):
        assert without_it[name].iloc[10:].tolist() == pytest.approx(with_three[name].iloc[10:].tolist())
    jump = without_it["spread uht/store"].diff().iloc[9]
    assert abs(jump) < 2, "per cent: no more than the prices that are left moved"


def test_price_levels_are_no_signal():
    values = quiet(150)
    for own, doubled in zip(report(values).results, report(2 * values).results, strict=True):
        assert doubled.statistic == pytest.approx(own.statistic)
        assert doubled.outcome == own.outcome


def test_a_step_of_every_price_of_one_market_is_caught_there():
    values = quiet(150)
    assert report(values).breaches == ()
    values[-3:, :, 2] *= 1.10
    found = report(values)
    assert ("returns", "uht", "store") in {(one.signal, one.milk, one.channel) for one in found.breaches}
    assert found.outcome == "breached"


def test_too_little_history_is_an_outcome_and_not_a_verdict():
    short = drift_report(frame(quiet(NEEDED - 1)), pd.Timestamp("2025-03-31").date())
    assert short.outcome == "too_little_history"
    assert {one.outcome for one in short.results} == {"too_little_history"}
    assert {one.statistic for one in short.results} == {None}
    assert (short.evidently, short.html) == (None, None)
    assert report(quiet(NEEDED)).outcome == "quiet"


def test_a_first_publication_has_an_outcome_too():
    assert report(quiet(1)).outcome == "too_little_history"


def test_the_threshold_comes_from_windows_that_do_not_hold_the_newest_publications():
    values = quiet(150)
    wild = values.copy()
    wild[-CURRENT:] *= np.linspace(1.1, 1.5, CURRENT)[:, None, None]
    for own, other in zip(report(values).results, report(wild).results, strict=True):
        assert other.threshold == pytest.approx(own.threshold)


def test_the_statistic_is_in_standard_deviations_of_the_reference():
    reference = np.array([-1.0, 1.0] * 20)
    assert distance(reference, reference + 3) == pytest.approx(3.0)
    assert len(rolling(np.arange(float(CURRENT + REFERENCE + 5)))) == 6


def test_a_state_that_falls_silent_is_named_and_a_single_gap_is_not():
    values = quiet(60)
    values[-1, 0, 0] = np.nan
    seen = coverage_drift(frame(values))
    assert (seen.outcome, seen.priced, seen.usual) == ("quiet", 15, 16)
    values[-1, 2:] = np.nan
    lost = coverage_drift(frame(values))
    assert lost.missing_states == ("Sonora",)
    assert lost.breached


def test_many_gaps_breach_though_no_state_is_missing():
    values = quiet(60)
    values[-1, :2, 0] = np.nan
    seen = coverage_drift(frame(values))
    assert (seen.missing_states, seen.share, seen.breached) == ((), 14 / 16, True)


def test_a_series_that_was_seldom_priced_is_not_missed():
    values = quiet(60)
    values[-30:, 0, 0] = np.nan
    values[-5, 0, 0] = 25.0
    assert coverage_drift(frame(values)).usual == 15


def test_the_drift_of_a_publication_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="newest found is 2025-03-31"):
        drift_report(frame(quiet(10)), pd.Timestamp("2025-04-02").date())
    with pytest.raises(ValueError, match="newest found is none"):
        drift_report(frame(quiet(10)), pd.Timestamp("2020-01-01").date())
