"""The floor: what a champion must not be, publication by publication."""

import numpy as np
import pandas as pd
import pytest

from milk_assets.promotion.floor import FloorDecision, judge, live_errors, live_skill
from milk_assets.promotion.policy import HORIZONS, Policy

DATES = pd.bdate_range("2025-01-01", periods=40)


def record(times: float, dates: int = 30, version: str = "2", **changed: object) -> pd.DataFrame:
    """Live forecasts whose error is that of no change, 1 MXN, times a factor."""
    grid = pd.MultiIndex.from_product([DATES[:dates], HORIZONS, range(4)], names=["target", "lead", "place"]).to_frame(
        index=False
    )
    fixed = {
        "role": "champion",
        "level": "city",
        "task": "publication",
        "model_version": version,
        "actual": 30.0,
        "no_change": 29.0,
    }
    return grid.assign(**{**fixed, "forecast": 30.0 - times, **changed})


def verdict(now: float, previous: float | None = None, healthy: bool = True, is_baseline: bool = False) -> FloorDecision:
    return judge(live_errors(record(now), 2), previous, healthy, is_baseline)


@pytest.mark.parametrize(
    ("now", "previous", "expected"),
    [
        (0.98, 0.98, ("stand", "all_rules_hold")),
        (1.02, 1.02, ("stand", "all_rules_hold")),
        (1.03, None, ("stand", "all_rules_hold")),
        (1.03, 1.01, ("stand", "all_rules_hold")),
        (1.03, 1.04, ("fall_back", "worse_than_no_change_twice")),
        (1.06, None, ("fall_back", "clearly_worse_than_no_change")),
    ],
)
def test_once_clearly_or_twice_a_little_worse_than_no_change_is_enough(
    now: float, previous: float | None, expected: tuple[str, str]
) -> None:
    decision = verdict(now, previous)
    assert (decision.verdict, decision.reason) == expected
    assert decision.skill == pytest.approx(now)


def test_a_champion_that_cannot_be_served_falls_at_once() -> None:
    decision = judge({}, None, healthy=False, is_baseline=False)
    assert (decision.verdict, decision.reason, decision.skill) == ("fall_back", "champion_fails", None)


def test_no_change_stands_whatever_its_errors_and_falls_back_on_its_newest_version_where_it_cannot_be_served() -> None:
    assert verdict(1.5, 1.5, is_baseline=True).verdict == "stand"
    assert verdict(1.0, 1.0, healthy=False, is_baseline=True).verdict == "fall_back"


def test_a_new_champion_is_not_judged_by_what_the_old_one_forecast() -> None:
    both = pd.concat([record(1.5, version="1"), record(0.9, dates=3)])
    assert live_errors(both, 2)["1"]["dates"] == 3
    assert live_skill(live_errors(both, 2)) is None
    assert judge(live_errors(both, 2), None, True, False).verdict == "stand"


@pytest.mark.parametrize("changed", [{"role": "challenger"}, {"level": "national"}, {"task": "month"}])
def test_only_served_forecasts_of_cities_at_publications_count(changed: dict[str, object]) -> None:
    assert live_errors(record(1.5, **changed), 2) == {}


def test_the_newest_dates_count_and_each_alike() -> None:
    old, new = record(3.0, dates=40), record(1.0, dates=40)
    newest = old.target >= DATES[14]
    table = pd.concat([old[~newest], new[newest]])
    crowded = pd.concat([table, *[table[table.target == DATES[39]].assign(forecast=30.0)] * 9])
    errors = live_errors(crowded, 2, Policy())
    assert errors["6"]["dates"] == 26
    assert errors["6"]["mae"] == pytest.approx((25 + 0.1) / 26, abs=1e-6)


def test_a_horizon_with_few_dates_waits() -> None:
    table = record(1.0)
    table.loc[table.lead == 13, "forecast"] = 20.0
    few = table[(table.lead != 13) | (table.target < DATES[5])]
    assert live_skill(live_errors(few, 2)) == pytest.approx(1.0)
    assert live_skill(live_errors(table, 2)) == pytest.approx(np.mean([1, 1, 1, 10]))
