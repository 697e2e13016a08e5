"""Market drift on synthetic prices: what each signal is, when it is judged, and what does not affect it."""

import numpy as np
import pandas as pd
import pytest

from milk_assets.monitoring.detection.drift_signals import signals
from milk_assets.monitoring.detection.market_drift import (
    CURRENT_PUBLICATIONS,
    NEEDED_PUBLICATIONS,
    REFERENCE_PUBLICATIONS,
    DriftReport,
    coverage_drift,
    distance,
    drift_report,
    rolling_statistic,
)
from milk_assets.sniim.names import PRICE_COLUMNS, series_key

CITIES = [("Jalisco", "Guadalajara"), ("Puebla", "Puebla"), ("Sonora", "Nogales"), ("Sonora", "Hermosillo")]


def frame(values: np.ndarray) -> pd.DataFrame:
    """The prices frame of (T, cities, 4) prices, a publication every other day up to 2025-03-31."""
    days = pd.date_range(end="2025-03-31", periods=len(values), freq="2D")
    rows = [
        (day, series_key(*names, *pair), *names, *pair, values[time, city, market])
        for time, day in enumerate(days)
        for city, names in enumerate(CITIES[: values.shape[1]])
        for market, pair in enumerate(PRICE_COLUMNS)
    ]
    return pd.DataFrame(rows, columns=["publication", "series", "state", "city", "milk", "channel", "price"])


def quiet(count: int, seed: int = 3) -> np.ndarray:
    """Prices of which one in five changes at each publication, by 2 % up or down."""
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
    table = signals(frame(values))
    assert table["returns pasteurised/store"].tolist() == pytest.approx([100 * np.log(1.1) / 4, 0])
    assert table["changed pasteurised/store"].tolist() == pytest.approx([25, 0])
    assert table["spread pasteurised/store"].tolist() == pytest.approx([100 * np.log(1.1) / 4] * 2)
    assert table["spread uht/store"].tolist() == pytest.approx([-100 * np.log(1.1) / 12] * 2)


def test_a_city_that_disappears_does_not_change_the_figures_of_the_others():
    values = quiet(20)
    gone = values.copy()
    gone[10:, 3] = np.nan
    with_three, without_it = signals(frame(values[:, :3])), signals(frame(gone))
    for name in ("returns uht/store", "changed uht/store"):
        assert without_it[name].iloc[10:].tolist() == pytest.approx(with_three[name].iloc[10:].tolist())
    jump = without_it["spread uht/store"].diff().iloc[9]
    assert abs(jump) < 2, "per cent: no more than the remaining prices changed"


def test_price_levels_are_not_a_signal():
    values = quiet(150)
    for original, doubled in zip(report(values).results, report(2 * values).results, strict=True):
        assert doubled.statistic == pytest.approx(original.statistic)
        assert doubled.outcome == original.outcome


def test_a_step_of_every_price_of_one_market_is_detected_in_that_market():
    values = quiet(150)
    assert report(values).breaches == ()
    values[-3:, :, 2] *= 1.10
    drift = report(values)
    assert ("returns", "uht", "store") in {(breach.signal, breach.milk, breach.channel) for breach in drift.breaches}
    assert drift.outcome == "breached"


def test_too_little_history_is_an_outcome_without_figures():
    short = drift_report(frame(quiet(NEEDED_PUBLICATIONS - 1)), pd.Timestamp("2025-03-31").date())
    assert short.outcome == "too_little_history"
    assert {result.outcome for result in short.results} == {"too_little_history"}
    assert {result.statistic for result in short.results} == {None}
    assert (short.evidently, short.html) == (None, None)
    assert report(quiet(NEEDED_PUBLICATIONS)).outcome == "quiet"


def test_a_first_publication_has_an_outcome_too():
    assert report(quiet(1)).outcome == "too_little_history"


def test_the_threshold_comes_from_windows_without_the_newest_publications():
    values = quiet(150)
    wild = values.copy()
    wild[-CURRENT_PUBLICATIONS:] *= np.linspace(1.1, 1.5, CURRENT_PUBLICATIONS)[:, None, None]
    for original, changed in zip(report(values).results, report(wild).results, strict=True):
        assert changed.threshold == pytest.approx(original.threshold)


def test_the_statistic_is_in_standard_deviations_of_the_reference():
    reference = np.array([-1.0, 1.0] * 20)
    assert distance(reference, reference + 3) == pytest.approx(3.0)
    assert len(rolling_statistic(np.arange(float(CURRENT_PUBLICATIONS + REFERENCE_PUBLICATIONS + 5)))) == 6


def test_a_state_without_prices_is_named_and_a_single_gap_is_not():
    values = quiet(60)
    values[-1, 0, 0] = np.nan
    coverage = coverage_drift(frame(values))
    assert (coverage.outcome, coverage.priced, coverage.usual) == ("quiet", 15, 16)
    values[-1, 2:] = np.nan
    coverage = coverage_drift(frame(values))
    assert coverage.missing_states == ("Sonora",)
    assert coverage.breached


def test_many_gaps_are_a_breach_even_if_no_state_is_missing():
    values = quiet(60)
    values[-1, :2, 0] = np.nan
    coverage = coverage_drift(frame(values))
    assert (coverage.missing_states, coverage.share, coverage.breached) == ((), 14 / 16, True)


def test_a_series_that_rarely_has_a_price_is_not_reported_as_missing():
    values = quiet(60)
    values[-30:, 0, 0] = np.nan
    values[-5, 0, 0] = 25.0
    assert coverage_drift(frame(values)).usual == 15


def test_the_drift_of_an_unknown_publication_is_rejected():
    with pytest.raises(ValueError, match="newest found: 2025-03-31"):
        drift_report(frame(quiet(10)), pd.Timestamp("2025-04-02").date())
    with pytest.raises(ValueError, match="newest found: no publication"):
        drift_report(frame(quiet(10)), pd.Timestamp("2020-01-01").date())


def test_the_stored_document_has_the_verdicts_and_is_read_without_newer_fields():
    document = report(quiet(150)).to_document()
    stored = DriftReport.model_validate(document)
    assert (document["schema_version"], document["publication"], document["outcome"]) == (1, "2025-03-31", "quiet")
    assert stored.signals == report(quiet(150)).results
    newer_fields = ("schema_version", "unchanged", "evidently")
    old = {key: value for key, value in document.items() if key not in newer_fields}
    assert DriftReport.model_validate(old) == stored
