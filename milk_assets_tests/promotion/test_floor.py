"""The floor: when a champion is replaced by no change."""

import numpy as np
import pandas as pd
import pytest

from milk_assets.promotion.floor import judge, live_errors, live_skill
from milk_assets.promotion.ledger.entries import FloorDecision
from milk_assets.promotion.policy import HORIZONS, Policy

DATES = pd.bdate_range("2025-01-01", periods=40)


def track_record(factor: float, dates: int = 30, version: str = "2", **changed: object) -> pd.DataFrame:
    """Live forecasts with errors of a factor of those of no change, which are 1 MXN."""
    grid = pd.MultiIndex.from_product([DATES[:dates], HORIZONS, range(4)], names=["target", "lead", "series_index"]).to_frame(
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
    return grid.assign(**{**fixed, "forecast": 30.0 - factor, **changed})


def decided(current: float, previous: float | None = None, healthy: bool = True, is_baseline: bool = False) -> FloorDecision:
    return judge(live_errors(track_record(current), 2), previous, healthy, is_baseline)


@pytest.mark.parametrize(
    ("current", "previous", "expected"),
    [
        (0.98, 0.98, ("stand", "all_rules_hold")),
        (1.02, 1.02, ("stand", "all_rules_hold")),
        (1.03, None, ("stand", "all_rules_hold")),
        (1.03, 1.01, ("stand", "all_rules_hold")),
        (1.03, 1.04, ("fall_back", "worse_than_no_change_twice")),
        (1.06, None, ("fall_back", "clearly_worse_than_no_change")),
    ],
)
def test_a_champion_that_is_once_clearly_or_twice_slightly_worse_than_no_change_is_replaced(
    current: float, previous: float | None, expected: tuple[str, str]
) -> None:
    decision = decided(current, previous)
    assert (decision.verdict, decision.reason) == expected
    assert decision.skill == pytest.approx(current)


def test_a_champion_that_cannot_be_served_is_replaced_at_once() -> None:
    decision = judge({}, None, healthy=False, is_baseline=False)
    assert (decision.verdict, decision.reason, decision.skill) == ("fall_back", "champion_fails", None)


def test_the_baseline_stays_whatever_its_errors_unless_it_cannot_be_served() -> None:
    assert decided(1.5, 1.5, is_baseline=True).verdict == "stand"
    assert decided(1.0, 1.0, healthy=False, is_baseline=True).verdict == "fall_back"


def test_a_new_champion_is_not_judged_by_the_forecasts_of_its_predecessor() -> None:
    both = pd.concat([track_record(1.5, version="1"), track_record(0.9, dates=3)])
    assert live_errors(both, 2)["1"]["dates"] == 3
    assert live_skill(live_errors(both, 2)) is None
    assert judge(live_errors(both, 2), None, True, False).verdict == "stand"


@pytest.mark.parametrize("changed", [{"role": "challenger"}, {"level": "national"}, {"task": "month"}])
def test_only_city_forecasts_of_publications_by_the_champion_count(changed: dict[str, object]) -> None:
    assert live_errors(track_record(1.5, **changed), 2) == {}


def test_the_newest_dates_count_and_each_has_the_same_weight() -> None:
    old, new = track_record(3.0, dates=40), track_record(1.0, dates=40)
    newest = old.target >= DATES[14]
    table = pd.concat([old[~newest], new[newest]])
    crowded = pd.concat([table, *[table[table.target == DATES[39]].assign(forecast=30.0)] * 9])
    errors = live_errors(crowded, 2, Policy())
    assert errors["6"]["dates"] == 26
    assert errors["6"]["mae"] == pytest.approx((25 + 0.1) / 26, abs=1e-6)


def test_a_horizon_with_few_dates_does_not_count() -> None:
    table = track_record(1.0)
    table.loc[table.lead == 13, "forecast"] = 20.0
    few = table[(table.lead != 13) | (table.target < DATES[5])]
    assert live_skill(live_errors(few, 2)) == pytest.approx(1.0)
    assert live_skill(live_errors(table, 2)) == pytest.approx(np.mean([1, 1, 1, 10]))
