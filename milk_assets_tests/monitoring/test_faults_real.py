"""All alarms together on the real prices: each injected fault is caught by the alarm that should and by no other, and what really
happened stays quiet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from milk_assets.forecasting.evaluation.backtest import backtest
from milk_assets.forecasting.hyperparameters import Recipe
from milk_assets.forecasting.panel import build_panel
from milk_assets.monitoring.alerts.alert_facts import drift_facts, feed_facts, lateness_facts, performance_facts
from milk_assets.monitoring.detection import drift
from milk_assets.monitoring.detection.drift import coverage_drift, drift_report, repeated_breaches
from milk_assets.monitoring.detection.feed import feed_document, restatements, unchanged_publications
from milk_assets.monitoring.detection.live_accuracy import alarm_history, as_document
from milk_assets.sniim.samples.xlsx_writer import SheetContent, write_workbook
from milk_assets.sniim.sheet_blocks import find_blocks
from milk_assets.sniim.validation import validate
from milk_assets.sniim.workbook import Workbook, read_workbook

NEWEST = date(2025, 3, 31)
QUIET = 120  # newest publications of the file that are judged as they were known
MOST_FALSE_ALARMS = 2
ZONE = ZoneInfo("America/Mexico_City")
Fault = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Real:
    """The real file: its bytes, read, the vintage before it, and forecasts of a model fitted on what was known, with their outcomes."""

    content: bytes
    book: Workbook
    forecasts: pd.DataFrame

    @property
    def dates(self) -> list[pd.Timestamp]:
        return sorted(self.book.prices["publication"].unique())

    @property
    def before(self) -> pd.DataFrame:
        """The vintage of the publication before the newest."""
        return self.book.prices[self.book.prices["publication"] < pd.Timestamp(NEWEST)]


@pytest.fixture(scope="module")
def real(real_workbook: Path) -> Real:
    content = real_workbook.read_bytes()
    book = read_workbook(content, real_workbook.name)
    panel = build_panel(book.prices, book.averages)
    frame = backtest(panel, {"ours": Recipe()}, panel.dates[50:-1], refit_every=45, workers=1)
    frame = frame[(frame["task"] == "publication") & (frame["level"] == "city") & frame["lead"].isin((1, 3, 6, 13))]
    return Real(content, book, frame.assign(role="champion", model_version="3"))


def alarms(
    real: Real,
    book: Workbook,
    before: pd.DataFrame,
    *,
    now: datetime | None = None,
    read_through: date = NEWEST,
) -> set[str]:
    """Every alarm that a publication raises, by rule, and by name where a check stopped the run: in the order of the platform.

    before: the previous vintage. now: when somebody looks; the evening of the publication unless told.
    """
    told = {fact.rule for fact in lateness_facts(read_through, now or datetime(2025, 3, 31, 20, tzinfo=ZONE))}
    proof = validate(book, read_through, before)
    if proof.failures:
        return told | {f"run_failed: {outcome.name}" for outcome in proof.failures}
    told |= {f"check_failed: {outcome.name}" for outcome in proof.warnings}
    past = restatements(before, book.prices)
    facts = feed_facts(feed_document(book.newest, "0" * 64, book.prices, past, "the vintage before"))
    judged = drift_report(book.prices, book.newest, evidence=False).to_document()
    facts += drift_facts(judged | {"unchanged": unchanged_publications(book.prices)})
    return told | {fact.rule for fact in facts + performance_facts(as_document(scored(real.forecasts, book.prices)))}


def scored(forecasts: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    """The track record: each forecast beside what this vintage published."""
    actual = prices.set_index(["publication", "series"])["price"]
    keys = pd.MultiIndex.from_arrays([forecasts["target"], forecasts["series"]])
    return forecasts.assign(actual=actual.reindex(keys).to_numpy()).dropna(subset="actual")


def with_prices(real: Real, change: Fault) -> Workbook:
    """The workbook as the source would publish it with these prices: its own averages agree with them."""
    prices = change(real.book.prices.copy())
    gone = prices["price"].isna() & (prices["kept"] == "kept")
    return replace(real.book, prices=prices.assign(kept=prices["kept"].mask(gone, "blank")))


def with_cells(real: Real, change: Callable[[list[list[object]], int], None]) -> Workbook:
    """The workbook whose newest block was changed cell by cell after the source had computed its averages. change: rows, top row."""
    block = max(find_blocks(real.content, "Leche"), key=lambda one: one.day)
    rows = [list(row) for row in block.sheet.rows]
    change(rows, block.start)
    return read_workbook(write_workbook([SheetContent(block.sheet.name, rows)]), "Leche31032025.xlsx")


def newest(real: Real, count: int) -> list[pd.Timestamp]:
    return real.dates[-count:]


def step(real: Real) -> Fault:
    def change(prices: pd.DataFrame) -> pd.DataFrame:
        hit = prices["publication"].isin(newest(real, 3)) & (prices["milk"] == "uht") & (prices["channel"] == "supermarket")
        return prices.assign(price=prices["price"].where(~hit, (prices["price"] * 1.02).round(2)))

    return change


def frozen(real: Real) -> Fault:
    def change(prices: pd.DataFrame) -> pd.DataFrame:
        still = prices[prices["publication"] == real.dates[-7]].set_index("series")["price"]
        hit = prices["publication"].isin(newest(real, 6))
        return prices.assign(price=prices["price"].where(~hit, prices["series"].map(still)))

    return change


def without(real: Real, states: tuple[str, ...]) -> Fault:
    def change(prices: pd.DataFrame) -> pd.DataFrame:
        hit = (prices["publication"] == real.dates[-1]) & prices["state"].isin(states)
        return prices.assign(price=prices["price"].where(~hit))

    return change


def restated(real: Real) -> Fault:
    def change(prices: pd.DataFrame) -> pd.DataFrame:
        hit = (prices["publication"] == real.dates[-40]) & (prices["state"] == "Jalisco")
        return prices.assign(price=prices["price"].where(~hit, prices["price"] + 0.5))

    return change


def test_nothing_is_told_of_the_file_as_it_is(real: Real) -> None:
    assert alarms(real, real.book, real.before) == set()


def test_a_step_of_2_per_cent_on_one_market_for_3_publications_is_told_as_drift(real: Real) -> None:
    book = with_prices(real, step(real))
    before = book.prices[book.prices["publication"] < pd.Timestamp(NEWEST)]
    # what was issued after the step started from it
    issued = real.forecasts
    after = issued["origin"].isin(newest(real, 3)) & (issued["milk"] == "uht") & (issued["channel"] == "supermarket")
    prices = ["last_price", "no_change", "forecast", "lo80", "hi80", "lo95", "hi95"]
    issued = issued.assign(**{name: issued[name].where(~after, issued[name] * 1.02) for name in prices})
    assert alarms(replace(real, forecasts=issued), book, before) == {"market_drift"}


def test_a_feed_frozen_for_6_publications_is_told_as_such(real: Real) -> None:
    book = with_prices(real, frozen(real))
    before = book.prices[book.prices["publication"] < pd.Timestamp(NEWEST)]
    assert alarms(real, book, before) == {"feed_frozen"}


def test_one_city_times_ten_is_refused_by_its_range(real: Real) -> None:
    def change(prices: pd.DataFrame) -> pd.DataFrame:
        hit = (prices["publication"] == real.dates[-1]) & (prices["series"] == "puebla/puebla/uht/store")
        assert prices.loc[hit, "price"].notna().all()
        return prices.assign(price=prices["price"].where(~hit, prices["price"] * 10))

    assert alarms(real, with_prices(real, change), real.before) == {"run_failed: prices_are_in_range"}


def test_four_small_states_missing_are_named_and_four_large_ones_refused(real: Real) -> None:
    small = ("Colima", "Nayarit", "Tlaxcala", "Zacatecas")
    assert alarms(real, with_prices(real, without(real, small)), real.before) == {"states_missing"}
    large = ("Jalisco", "Puebla", "Sonora", "Veracruz")
    refused = alarms(real, with_prices(real, without(real, large)), real.before)
    assert refused == {"run_failed: active_series_are_still_priced"}


def test_a_restated_past_is_told_with_what_changed(real: Real) -> None:
    book = with_prices(real, restated(real))
    assert alarms(real, book, real.before) == {"past_restated"}
    table = restatements(real.before, book.prices)
    assert set(table["publication"]) == {real.dates[-40]}
    assert (table["new"] - table["old"]).tolist() == pytest.approx([0.5] * len(table))


def test_a_holiday_is_no_alarm(real: Real) -> None:
    # 2024-03-18, a Monday, was a federal holiday: the newest publication is Friday's, whoever looks
    friday = date(2024, 3, 15)
    assert lateness_facts(friday, datetime(2024, 3, 20, 11, tzinfo=ZONE)) == []
    assert friday in {day.date() for day in real.dates}
    assert date(2024, 3, 18) not in {day.date() for day in real.dates}


def test_a_late_file_is_told_from_its_deadline_on_and_nothing_else_is(real: Real) -> None:
    on_time = datetime(2025, 4, 3, 11, 59, tzinfo=ZONE)
    assert alarms(real, real.book, real.before, now=on_time) == set()
    assert alarms(real, real.book, real.before, now=on_time + timedelta(minutes=1)) == {"publication_late"}


def test_swapped_columns_are_refused_by_their_control_total(real: Real) -> None:
    def swap(rows: list[list[object]], start: int) -> None:
        for row in rows[start + 1 : start + 9]:
            row[4], row[5] = row[5], row[4]

    assert alarms(real, with_cells(real, swap), real.before) == {"run_failed: control_totals_match"}
    assert alarms(real, with_cells(real, lambda rows, start: None), real.before) == set(), "the rewritten file is the same"


def test_a_model_that_suddenly_says_one_per_cent_more_is_told_as_performance(real: Real) -> None:
    late = real.forecasts["target"].isin(newest(real, 3))
    worse = real.forecasts["forecast"].where(~late, real.forecasts["forecast"] * 1.01)
    broken = replace(real, forecasts=real.forecasts.assign(forecast=worse))
    assert alarms(broken, real.book, real.before) == {"model_performance"}


def opened(real: Real) -> list[tuple[str, str]]:
    """Alarms of the QUIET newest publications, each as it was known on its day; one that goes on is one.

    Lateness is looked at on the morning before each came.
    """
    prices, dates = real.book.prices, real.dates
    drifting, accuracy = repeated_breaches(prices), alarm_history(real.forecasts)
    told: list[tuple[str, str]] = []
    standing: set[tuple[str, str]] = set()
    for before, day in zip(dates[-QUIET - 1 : -1], dates[-QUIET:], strict=True):
        known = prices[prices["publication"] <= day]
        found = {("market_drift", name) for name in drifting.columns[drifting.loc[day]]}
        found |= {("model_performance", breach.rule) for breach in accuracy[day]}
        if coverage_drift(known).breached:
            found.add(("states_missing", ""))
        if unchanged_publications(known[known["publication"] >= before]) >= 1:
            found.add(("feed_frozen", ""))
        morning = datetime.combine(day.date(), time(11), ZONE)
        found |= {(fact.rule, "") for fact in lateness_facts(before.date(), morning)}
        told += sorted(found - standing)
        standing = found
    return told


def test_the_quiet_history_raises_at_most_two_alarms_in_120_publications(real: Real) -> None:
    assert len(opened(real)) <= MOST_FALSE_ALARMS, opened(real)


def test_thresholds_without_their_margin_would_not_be_quiet(real: Real, monkeypatch: pytest.MonkeyPatch) -> None:
    for regime in ("FULL", "EARLY"):
        monkeypatch.setattr(drift, regime, replace(getattr(drift, regime), margin=1.0))
    assert len(opened(real)) > MOST_FALSE_ALARMS


@pytest.mark.parametrize("place", [70, 100, 126, 150, 183])
def test_the_fast_look_at_the_past_says_what_the_report_of_each_day_said(real: Real, place: int) -> None:
    day = real.dates[place]
    known = with_prices(real, step(real)).prices if place == 183 else real.book.prices
    found = drift_report(known, day.date(), evidence=False)
    fast = repeated_breaches(known).loc[day]
    assert {f"{one.signal} {one.milk}/{one.channel}" for one in found.repeated} == set(fast.index[fast])
    assert bool(found.repeated) is (place == 183)
