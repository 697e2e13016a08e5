"""All alarms together on the real prices: each injected fault raises its own alarm and no other, and the actual history stays quiet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from milk_assets.forecasting.evaluation.backtest import backtest
from milk_assets.forecasting.hyperparameters import Hyperparameters
from milk_assets.forecasting.panel import build_panel
from milk_assets.monitoring.alerts.observations import (
    drift_observations,
    feed_observations,
    lateness_observations,
    live_accuracy_observations,
)
from milk_assets.monitoring.detection import market_drift
from milk_assets.monitoring.detection.feed import feed_document, restatements, unchanged_publications
from milk_assets.monitoring.detection.live_accuracy import alarm_history
from milk_assets.monitoring.detection.live_accuracy_report import live_accuracy_document
from milk_assets.monitoring.detection.market_drift import coverage_drift, drift_report, repeated_breaches
from milk_assets.sniim.samples.xlsx_writer import SheetContent, write_workbook
from milk_assets.sniim.sheet_blocks import find_blocks
from milk_assets.sniim.validation import validate
from milk_assets.sniim.workbook import Workbook, read_workbook

NEWEST = date(2025, 3, 31)
QUIET = 120  # newest publications of the file that are judged, each as known on its day
MOST_FALSE_ALARMS = 2
ZONE = ZoneInfo("America/Mexico_City")
Fault = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Real:
    """The real file: its bytes, the workbook read from it, and a backtest's forecasts with their outcomes."""

    content: bytes
    book: Workbook
    forecasts: pd.DataFrame

    @property
    def dates(self) -> list[pd.Timestamp]:
        return sorted(self.book.prices["publication"].unique())

    @property
    def before(self) -> pd.DataFrame:
        """The vintage of the previous publication."""
        return self.book.prices[self.book.prices["publication"] < pd.Timestamp(NEWEST)]


@pytest.fixture(scope="module")
def real(real_workbook: Path) -> Real:
    content = real_workbook.read_bytes()
    book = read_workbook(content, real_workbook.name)
    panel = build_panel(book.prices, book.averages)
    frame = backtest(panel, {"ours": Hyperparameters()}, panel.dates[50:-1], refit_every=45, workers=1)
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
    """The rules of all alarms that a publication raises, with the name of the check where one failed, in the platform's order.

    before: the previous vintage. now: time of the observation; the evening of the publication by default.
    """
    late = lateness_observations(read_through, now or datetime(2025, 3, 31, 20, tzinfo=ZONE))
    raised = {observation.rule for observation in late}
    proof = validate(book, read_through, before)
    if proof.failures:
        return raised | {f"run_failed: {outcome.name}" for outcome in proof.failures}
    raised |= {f"check_failed: {outcome.name}" for outcome in proof.warnings}
    restated_prices = restatements(before, book.prices)
    observations = feed_observations(feed_document(book.newest, "0" * 64, book.prices, restated_prices, "the previous vintage"))
    drift_document = drift_report(book.prices, book.newest, evidence=False).to_document()
    observations += drift_observations(drift_document | {"unchanged": unchanged_publications(book.prices)})
    observations += live_accuracy_observations(live_accuracy_document(scored(real.forecasts, book.prices)))
    return raised | {observation.rule for observation in observations}


def scored(forecasts: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    """The track record: each forecast with the price that this vintage published."""
    actual = prices.set_index(["publication", "series"])["price"]
    keys = pd.MultiIndex.from_arrays([forecasts["target"], forecasts["series"]])
    return forecasts.assign(actual=actual.reindex(keys).to_numpy()).dropna(subset="actual")


def with_prices(real: Real, change: Fault) -> Workbook:
    """The workbook as the source would publish it with these prices, with averages that agree with them."""
    prices = change(real.book.prices.copy())
    is_blank = prices["price"].isna() & (prices["kept"] == "kept")
    return replace(real.book, prices=prices.assign(kept=prices["kept"].mask(is_blank, "blank")))


def with_cells(real: Real, change: Callable[[list[list[object]], int], None]) -> Workbook:
    """The workbook with cells of the newest block changed after its averages were computed. change: takes the rows and the top row."""
    block = max(find_blocks(real.content, "Leche"), key=lambda block: block.day)
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
        last_prices = prices[prices["publication"] == real.dates[-7]].set_index("series")["price"]
        hit = prices["publication"].isin(newest(real, 6))
        return prices.assign(price=prices["price"].where(~hit, prices["series"].map(last_prices)))

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


def test_the_file_as_published_raises_no_alarm(real: Real) -> None:
    assert alarms(real, real.book, real.before) == set()


def test_a_step_of_2_per_cent_on_one_market_for_3_publications_is_reported_as_drift(real: Real) -> None:
    book = with_prices(real, step(real))
    before = book.prices[book.prices["publication"] < pd.Timestamp(NEWEST)]
    # forecasts issued after the step start from the new level
    issued = real.forecasts
    after = issued["origin"].isin(newest(real, 3)) & (issued["milk"] == "uht") & (issued["channel"] == "supermarket")
    prices = ["last_price", "no_change", "forecast", "lo80", "hi80", "lo95", "hi95"]
    issued = issued.assign(**{name: issued[name].where(~after, issued[name] * 1.02) for name in prices})
    assert alarms(replace(real, forecasts=issued), book, before) == {"market_drift"}


def test_a_feed_frozen_for_6_publications_is_reported_as_frozen(real: Real) -> None:
    book = with_prices(real, frozen(real))
    before = book.prices[book.prices["publication"] < pd.Timestamp(NEWEST)]
    assert alarms(real, book, before) == {"feed_frozen"}


def test_one_city_times_ten_is_rejected_by_the_range_check(real: Real) -> None:
    def change(prices: pd.DataFrame) -> pd.DataFrame:
        hit = (prices["publication"] == real.dates[-1]) & (prices["series"] == "puebla/puebla/uht/store")
        assert prices.loc[hit, "price"].notna().all()
        return prices.assign(price=prices["price"].where(~hit, prices["price"] * 10))

    assert alarms(real, with_prices(real, change), real.before) == {"run_failed: prices_are_in_range"}


def test_four_missing_small_states_are_reported_and_four_large_ones_are_rejected(real: Real) -> None:
    small = ("Colima", "Nayarit", "Tlaxcala", "Zacatecas")
    assert alarms(real, with_prices(real, without(real, small)), real.before) == {"states_missing"}
    large = ("Jalisco", "Puebla", "Sonora", "Veracruz")
    raised = alarms(real, with_prices(real, without(real, large)), real.before)
    assert raised == {"run_failed: active_series_are_still_priced"}


def test_a_restated_past_is_reported_with_the_changed_prices(real: Real) -> None:
    book = with_prices(real, restated(real))
    assert alarms(real, book, real.before) == {"past_restated"}
    table = restatements(real.before, book.prices)
    assert set(table["publication"]) == {real.dates[-40]}
    assert (table["new"] - table["old"]).tolist() == pytest.approx([0.5] * len(table))


def test_a_holiday_raises_no_alarm(real: Real) -> None:
    # 2024-03-18, a Monday, was a federal holiday: Friday's publication is still the newest
    friday = date(2024, 3, 15)
    assert lateness_observations(friday, datetime(2024, 3, 20, 11, tzinfo=ZONE)) == []
    assert friday in {day.date() for day in real.dates}
    assert date(2024, 3, 18) not in {day.date() for day in real.dates}


def test_a_late_file_is_reported_from_its_deadline_on_and_raises_no_other_alarm(real: Real) -> None:
    on_time = datetime(2025, 4, 3, 11, 59, tzinfo=ZONE)
    assert alarms(real, real.book, real.before, now=on_time) == set()
    assert alarms(real, real.book, real.before, now=on_time + timedelta(minutes=1)) == {"publication_late"}


def test_swapped_columns_are_rejected_by_the_control_totals(real: Real) -> None:
    def swap(rows: list[list[object]], start: int) -> None:
        for row in rows[start + 1 : start + 9]:
            row[4], row[5] = row[5], row[4]

    assert alarms(real, with_cells(real, swap), real.before) == {"run_failed: control_totals_match"}
    assert alarms(real, with_cells(real, lambda rows, start: None), real.before) == set(), "rewriting alone raises no alarm"


def test_forecasts_that_rise_by_one_per_cent_are_reported_as_performance(real: Real) -> None:
    late = real.forecasts["target"].isin(newest(real, 3))
    worse = real.forecasts["forecast"].where(~late, real.forecasts["forecast"] * 1.01)
    broken = replace(real, forecasts=real.forecasts.assign(forecast=worse))
    assert alarms(broken, real.book, real.before) == {"model_performance"}


def new_alarms(real: Real) -> list[tuple[str, str]]:
    """Alarms of the QUIET newest publications, each as known on its day; an alarm that continues counts once.

    Lateness is observed on the morning before each publication.
    """
    prices, dates = real.book.prices, real.dates
    drifting, accuracy = repeated_breaches(prices), alarm_history(real.forecasts)
    result: list[tuple[str, str]] = []
    continuing: set[tuple[str, str]] = set()
    for previous_day, day in zip(dates[-QUIET - 1 : -1], dates[-QUIET:], strict=True):
        known_prices = prices[prices["publication"] <= day]
        current = {("market_drift", name) for name in drifting.columns[drifting.loc[day]]}
        current |= {("model_performance", breach.rule) for breach in accuracy[day]}
        if coverage_drift(known_prices).breached:
            current.add(("states_missing", ""))
        if unchanged_publications(known_prices[known_prices["publication"] >= previous_day]) >= 1:
            current.add(("feed_frozen", ""))
        morning = datetime.combine(day.date(), time(11), ZONE)
        current |= {(observation.rule, "") for observation in lateness_observations(previous_day.date(), morning)}
        result += sorted(current - continuing)
        continuing = current
    return result


def test_the_actual_history_raises_at_most_two_alarms_in_120_publications(real: Real) -> None:
    assert len(new_alarms(real)) <= MOST_FALSE_ALARMS, new_alarms(real)


def test_thresholds_without_their_margin_would_not_be_quiet(real: Real, monkeypatch: pytest.MonkeyPatch) -> None:
    for regime in ("FULL_REGIME", "EARLY_REGIME"):
        monkeypatch.setattr(market_drift, regime, replace(getattr(market_drift, regime), margin=1.0))
    assert len(new_alarms(real)) > MOST_FALSE_ALARMS


@pytest.mark.parametrize("index", [70, 100, 126, 150, 183])
def test_judging_the_whole_past_gives_the_same_verdicts_as_the_report_of_each_day(real: Real, index: int) -> None:
    day = real.dates[index]
    prices = with_prices(real, step(real)).prices if index == 183 else real.book.prices
    drift = drift_report(prices, day.date(), evidence=False)
    whole_past = repeated_breaches(prices).loc[day]
    assert {result.column for result in drift.repeated} == set(whole_past.index[whole_past])
    assert bool(drift.repeated) is (index == 183)
