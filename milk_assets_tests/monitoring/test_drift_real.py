"""Drift on the real prices: silent on what really happened, loud on faults put in."""

import pandas as pd
import pytest

from milk_assets.monitoring.detection.drift import drift_report
from milk_assets.sniim.workbook import read_workbook

WEEKLY = slice(130, 184, 6)
"""Publications judged: every second week from the first that has enough history."""


@pytest.fixture(scope="module")
def prices(real_workbook):
    return read_workbook(real_workbook).prices


@pytest.fixture(scope="module")
def dates(prices):
    return sorted(prices["publication"].unique())


def judged(prices, day, evidence=False):
    return drift_report(prices, pd.Timestamp(day).date(), evidence=evidence)


def breached(drift, signal):
    return {(one.milk, one.channel) for one in drift.breaches if one.signal == signal}


def test_the_quiet_history_stays_silent(prices, dates):
    found = {str(day.date()): judged(prices, day).outcome for day in dates[WEEKLY]}
    assert set(found.values()) == {"quiet"}, found


@pytest.mark.parametrize("market", [("pasteurised", "store"), ("uht", "supermarket")])
@pytest.mark.parametrize("last", [150, 183])
def test_a_step_of_2_per_cent_on_one_market_for_3_publications_is_caught(prices, dates, market, last):
    hit = (prices["publication"] >= dates[last - 2]) & (prices["milk"] == market[0]) & (prices["channel"] == market[1])
    found = judged(prices.assign(price=prices["price"].where(~hit, prices["price"] * 1.02)), dates[last])
    assert market in {(one.milk, one.channel) for one in found.breaches}


def test_a_feed_frozen_for_6_publications_is_caught_in_every_market(prices, dates):
    before = prices[prices["publication"] == dates[-7]].set_index("series")["price"]
    frozen = prices.assign(price=prices["price"].where(prices["publication"] < dates[-6], prices["series"].map(before)))
    assert len(breached(judged(frozen, dates[-1]), "changed")) == 4


def test_one_city_times_ten_is_caught(prices, dates):
    hit = (prices["publication"] == dates[-1]) & (prices["series"] == "puebla/puebla/uht/store")
    found = judged(prices.assign(price=prices["price"].where(~hit, prices["price"] * 10)), dates[-1])
    assert ("uht", "store") in breached(found, "returns")


def test_four_missing_states_are_seen_by_coverage_and_by_nothing_else(prices, dates):
    gone = ("Jalisco", "Sonora", "Puebla", "Veracruz")
    hit = (prices["publication"] == dates[-1]) & prices["state"].isin(gone)
    found = judged(prices.assign(price=prices["price"].where(~hit)), dates[-1])
    assert found.coverage.missing_states == tuple(sorted(gone))
    assert found.breaches == (), "distribution tests cannot see what is not there"
    assert found.outcome == "breached"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of numpy and litestar, inside evidently
def test_evidently_finds_the_same_figures_at_the_same_thresholds(prices, dates):
    found = judged(prices, dates[-1], evidence=True)
    theirs = {metric["config"]["column"]: metric for metric in found.evidently["metrics"]}
    assert len(theirs) == len(found.results) == 12
    for one in found.results:
        metric = theirs[f"{one.signal} {one.milk}/{one.channel}"]
        assert metric["value"] == pytest.approx(one.statistic)
        assert metric["config"]["threshold"] == pytest.approx(one.threshold)
    assert "<html" in found.html
