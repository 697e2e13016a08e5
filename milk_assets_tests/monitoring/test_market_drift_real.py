"""Market drift on the real prices: quiet on the actual history, and every injected fault is detected."""

import pandas as pd
import pytest

from milk_assets.monitoring.detection.market_drift import drift_report
from milk_assets.sniim.workbook import read_workbook

WEEKLY = slice(130, 184, 6)
"""Publications that are judged: every second week from the first one with enough history."""


@pytest.fixture(scope="module")
def prices(real_workbook):
    return read_workbook(real_workbook).prices


@pytest.fixture(scope="module")
def dates(prices):
    return sorted(prices["publication"].unique())


def judged(prices, day, evidence=False):
    return drift_report(prices, pd.Timestamp(day).date(), evidence=evidence)


def breached(drift, signal):
    return {(breach.milk, breach.channel) for breach in drift.breaches if breach.signal == signal}


def test_the_actual_history_raises_no_alarm(prices, dates):
    outcomes = {str(day.date()): judged(prices, day).outcome for day in dates[WEEKLY]}
    assert set(outcomes.values()) == {"quiet"}, outcomes


@pytest.mark.parametrize("market", [("pasteurised", "store"), ("uht", "supermarket")])
@pytest.mark.parametrize("last", [150, 183])
def test_a_step_of_2_per_cent_on_one_market_for_3_publications_is_detected(prices, dates, market, last):
    hit = (prices["publication"] >= dates[last - 2]) & (prices["milk"] == market[0]) & (prices["channel"] == market[1])
    drift = judged(prices.assign(price=prices["price"].where(~hit, prices["price"] * 1.02)), dates[last])
    assert market in {(breach.milk, breach.channel) for breach in drift.breaches}


def test_a_feed_frozen_for_6_publications_is_detected_in_every_market(prices, dates):
    last_prices = prices[prices["publication"] == dates[-7]].set_index("series")["price"]
    frozen = prices.assign(price=prices["price"].where(prices["publication"] < dates[-6], prices["series"].map(last_prices)))
    assert len(breached(judged(frozen, dates[-1]), "changed")) == 4


def test_one_city_times_ten_is_detected(prices, dates):
    hit = (prices["publication"] == dates[-1]) & (prices["series"] == "puebla/puebla/uht/store")
    drift = judged(prices.assign(price=prices["price"].where(~hit, prices["price"] * 10)), dates[-1])
    assert ("uht", "store") in breached(drift, "returns")


def test_four_missing_states_are_detected_by_coverage_only(prices, dates):
    gone = ("Jalisco", "Sonora", "Puebla", "Veracruz")
    hit = (prices["publication"] == dates[-1]) & prices["state"].isin(gone)
    drift = judged(prices.assign(price=prices["price"].where(~hit)), dates[-1])
    assert drift.coverage.missing_states == tuple(sorted(gone))
    assert drift.breaches == (), "distribution tests do not see missing prices"
    assert drift.outcome == "breached"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of numpy and litestar, inside evidently
def test_evidently_computes_the_same_figures_at_the_same_thresholds(prices, dates):
    drift = judged(prices, dates[-1], evidence=True)
    metrics = {metric["config"]["column"]: metric for metric in drift.evidently["metrics"]}
    assert len(metrics) == len(drift.results) == 12
    for result in drift.results:
        metric = metrics[result.column]
        assert metric["value"] == pytest.approx(result.statistic)
        assert metric["config"]["threshold"] == pytest.approx(result.threshold)
    assert "<html" in drift.html
