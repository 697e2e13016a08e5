"""The gate: what it lets through, and what it does not."""

import numpy as np
import pandas as pd
import pytest

from milk_assets.promotion import gate
from milk_assets.promotion.policy import HORIZONS, Policy

DATES = pd.bdate_range("2025-01-01", periods=60)


def backtest(dates: int = 30, **factor: float) -> pd.DataFrame:
    """Errors of no change are 1 MXN on every date; a model's are `factor` times that."""
    rows = [
        {
            "model": model,
            "task": "publication",
            "level": "city",
            "lead": lead,
            "target": target,
            "series": series,
            "actual": 30.0,
            "no_change": 29.0,
            "forecast": 30.0 - times,
        }
        for model, times in {"baseline": 1.0, **factor}.items()
        for lead in HORIZONS
        for target in DATES[:dates]
        for series in ("a/b/uht/store", "c/d/uht/store")
    ]
    return pd.DataFrame(rows)


def decide(table: pd.DataFrame) -> gate.Decision:
    return gate.decide(gate.score(table))


def test_a_clearly_better_challenger_is_promoted() -> None:
    decision = decide(backtest(challenger=0.95, champion=1.0))
    assert (decision.verdict, decision.reason) == ("promote", "all_rules_hold")
    assert {rule.name: rule.figure for rule in decision.rules}["challenger_beats_champion"] == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("factors", "reason"),
    [
        ({"challenger": 1.01, "champion": 1.10}, "worse_than_no_change"),
        ({"challenger": 0.96, "champion": 0.96}, "not_better_than_champion"),
        ({"challenger": 0.97, "champion": 0.96}, "not_better_than_champion"),
        ({"challenger": 0.955, "champion": 0.96}, "not_better_than_champion"),
        ({"challenger": 0.5, "champion": 1.0}, "suspected_leakage"),
        ({"champion": 1.0}, "too_few_dates"),
    ],
)
def test_a_challenger_that_shows_too_little_or_too_much_is_kept_out(factors: dict[str, float], reason: str) -> None:
    decision = decide(backtest(**factors))
    assert (decision.verdict, decision.reason) == ("keep", reason)


def test_one_date_too_few_is_no_promotion() -> None:
    assert decide(backtest(dates=25, challenger=0.9, champion=1.0)).reason == "too_few_dates"
    assert decide(backtest(dates=26, challenger=0.9, champion=1.0)).verdict == "promote"


def test_one_bad_horizon_is_enough_to_refuse() -> None:
    table = backtest(challenger=0.9, champion=1.0)
    bad = (table.model == "challenger") & (table.lead == 13)
    table.loc[bad, "forecast"] = 30.0 - 1.03
    assert decide(table).reason == "horizon_worse_than_no_change"


def test_a_missing_figure_is_a_rejection_and_not_a_crash() -> None:
    table = backtest(challenger=0.9, champion=1.0)
    table.loc[(table.model == "challenger") & (table.lead == 6), "forecast"] = np.nan
    assert decide(table).verdict == "keep"
    assert gate.decide(gate.score(table.iloc[:0])).reason == "too_few_dates"


def test_models_are_compared_on_shared_dates_only() -> None:
    table = backtest(dates=40, challenger=0.9, champion=1.0)
    newest = table.target == DATES[39]
    table.loc[newest & (table.model == "champion"), "forecast"] = -1000.0
    without = table[~(newest & (table.model == "challenger"))]
    assert decide(table).reason == "suspected_leakage"
    assert decide(without).verdict == "promote"


def test_dates_weigh_alike_however_many_series_they_have() -> None:
    table = backtest(dates=26, challenger=0.9, champion=1.0)
    target = DATES[0]
    many = table[(table.target == target) & (table.model == "challenger")].assign(forecast=29.0)
    crowded = pd.concat([table[~((table.target == target) & (table.model == "challenger"))], *[many] * 50])
    scores = gate.score(crowded)
    assert scores[scores.model == "challenger"].mae.iloc[0] == pytest.approx((25 * 0.9 + 1.0) / 26)


def test_every_threshold_can_be_moved_in_one_place() -> None:
    scores = gate.score(backtest(challenger=0.98, champion=1.0))
    assert gate.decide(scores).verdict == "promote"
    assert gate.decide(scores, Policy(least_gain=0.03)).reason == "not_better_than_champion"
