"""The gate: which challengers it promotes, and which it does not."""

import json
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from milk_assets.promotion.evidence import CHALLENGER, Evidence, gather, ratios, skill
from milk_assets.promotion.gate import GateInputs, decide
from milk_assets.promotion.ledger.entries import GateDecision
from milk_assets.promotion.ledger.state import ContenderHistory
from milk_assets.promotion.policy import JUDGED, Policy
from milk_assets.promotion.replay import DecisionInputs, decision_inputs
from milk_assets_tests.promotion.conftest import DATES, DAY, gate_inputs, scored_backtest

PASSED_A_WEEK_BEFORE = ContenderHistory(passed_on=(DAY - timedelta(days=7),))


def decide_on(
    table: pd.DataFrame,
    history: ContenderHistory = PASSED_A_WEEK_BEFORE,
    inputs: GateInputs | None = None,
    policy: Policy | None = None,
) -> GateDecision:
    return decide(gather(table), inputs or gate_inputs(), history, policy)


def verdict(decision: GateDecision) -> tuple[str, str]:
    return decision.verdict, decision.reason


def test_an_oracle_is_promoted() -> None:
    table = scored_backtest(champion=1.0, challenger=1.0)
    is_challenger = table.model == CHALLENGER
    table.loc[is_challenger, "forecast"] += (
        0.08 * (table.actual - table.forecast)[is_challenger]
    )  # it knows a little of the future, everywhere
    decision = decide_on(table)
    assert verdict(decision) == ("promote", "all_rules_hold")
    assert {rule.name: rule.figure for rule in decision.rules}["challenger_beats_champion"] == pytest.approx(0.08, abs=1e-4)
    assert all(rule.holds for rule in decision.rules)


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ({"challenger": 0.96, "champion": 0.96}, ("keep", "not_better_than_champion")),  # identical
        ({"challenger": 0.9696, "champion": 0.96}, ("keep", "not_better_than_champion")),  # 1 % worse
        ({"challenger": 0.955, "champion": 0.96}, ("keep", "not_better_than_champion")),  # a tie
        ({"challenger": 1.01, "champion": 1.10}, ("keep", "worse_than_no_change")),
        ({"challenger": 0.5, "champion": 1.0}, ("hold", "suspected_leakage")),
        ({"champion": 1.0}, ("keep", "too_few_dates")),
        ({"challenger": 0.9}, ("keep", "too_few_dates")),
    ],
)
def test_a_challenger_with_too_little_or_too_much_gain_is_not_promoted(
    factors: dict[str, float], expected: tuple[str, str]
) -> None:
    assert verdict(decide_on(scored_backtest(**factors))) == expected


def test_twenty_five_dates_are_too_few() -> None:
    assert verdict(decide_on(scored_backtest(dates=25, challenger=0.95, champion=1.0))) == ("keep", "too_few_dates")
    assert decide_on(scored_backtest(dates=26, challenger=0.95, champion=1.0)).verdict == "promote"


@pytest.mark.parametrize("column", ["forecast", "actual"])
def test_a_challenger_without_forecasts_or_prices_is_rejected_without_an_error(column: str) -> None:
    table = scored_backtest(challenger=0.95, champion=1.0)
    table.loc[(table.model == CHALLENGER) & (table.lead == 6), column] = np.nan
    assert verdict(decide_on(table)) == ("keep", "too_few_dates")
    assert verdict(decide_on(table.iloc[:0])) == ("keep", "too_few_dates")


def test_leaving_out_the_hardest_forecasts_is_rejected() -> None:
    table = scored_backtest(challenger=0.95, champion=1.0)
    rows = table.index[table.model == CHALLENGER]
    worst = (table.forecast - table.actual).abs()[rows].sort_values().index[-len(rows) // 5 :]
    assert decide_on(table).verdict == "promote"
    table.loc[worst, "forecast"] = np.nan
    assert verdict(decide_on(table)) == ("keep", "forecasts_missing")


@pytest.mark.parametrize(("task", "lead"), JUDGED)
def test_one_bad_horizon_is_enough_for_a_rejection(task: str, lead: int) -> None:
    table = scored_backtest(challenger=0.95, champion=1.0)
    bad = (table.model == CHALLENGER) & (table.task == task) & (table.lead == lead)
    table.loc[bad, "forecast"] = 30.0 - 1.03 * (30.0 - table.no_change[bad])
    assert verdict(decide_on(table)) == ("keep", "horizon_worse_than_no_change")


def test_one_worse_segment_is_enough_for_a_rejection() -> None:
    table = scored_backtest(challenger=0.93, champion=1.0)
    bad = (table.model == CHALLENGER) & (table.milk == "uht") & (table.channel == "store") & (table.state == "Jalisco")
    table.loc[bad, "forecast"] = 30.0 - 1.14 * (30.0 - table.no_change[bad])
    decision = decide_on(table)
    assert verdict(decision) == ("keep", "segment_regression")
    assert {rule.name: rule.holds for rule in decision.rules}["no_state_loses"]


def test_one_worse_state_is_enough_for_a_rejection_unless_it_has_few_forecasts() -> None:
    table = scored_backtest(challenger=0.9, champion=1.0)
    table["state"] = np.where(table.series_index == 7, "Colima", table.state)
    bad = (table.model == CHALLENGER) & (table.state == "Colima")
    table.loc[bad, "forecast"] = 30.0 - 1.25 * (30.0 - table.no_change[bad])
    few = Policy(state_rows=200, worst_segment=1.0)
    assert verdict(decide_on(table, policy=Policy(worst_segment=1.0))) == ("keep", "state_regression")
    assert decide_on(table, policy=few).verdict == "promote"


def test_a_gain_that_comes_from_one_date_is_not_significant() -> None:
    table = scored_backtest(challenger=1.0, champion=1.0)
    is_challenger = table.model == CHALLENGER
    table.loc[is_challenger & (table.target == DATES[20]), "forecast"] = 30.0  # one lucky day, about 4 % of the sum
    decision = decide_on(table)
    figures = {rule.name: rule.figure for rule in decision.rules}
    assert figures["challenger_beats_champion"] > 0.01
    assert verdict(decision) == ("keep", "gain_is_not_significant")


def test_a_biased_model_is_rejected_unless_no_change_is_biased_more() -> None:
    table = scored_backtest(challenger=0.9, champion=1.0)
    at_a_month = (table.task == "publication") & (table.lead == 13)
    shifted = table.assign(actual=np.where(at_a_month, 30.3, 30.0))
    for name in ("forecast", "no_change"):
        shifted[name] = np.where(at_a_month & (table.model != CHALLENGER), table[name] + 0.3, table[name])
    assert verdict(decide_on(shifted, policy=Policy(worst_horizon=2.0, worst_skill=2.0, least_gain=-1.0, worst_segment=9.0))) == (
        "keep",
        "biased",
    )
    trending = table.assign(actual=np.where(at_a_month, 30.3, 30.0))
    assert decide_on(trending, policy=Policy(worst_horizon=2.0)).reason != "biased"


@pytest.mark.parametrize(("width", "reason"), [(0.1, "interval_too_narrow"), (9.0, "interval_too_wide")])
def test_intervals_with_a_wrong_coverage_are_rejected(width: float, reason: str) -> None:
    table = scored_backtest(challenger=0.93, champion=1.0)
    is_challenger = table.model == CHALLENGER
    table.loc[is_challenger, "lo80"] = table.forecast[is_challenger] - width
    table.loc[is_challenger, "hi80"] = table.forecast[is_challenger] + width
    assert verdict(decide_on(table)) == ("keep", reason)


def test_worse_probabilities_are_rejected_even_if_prices_are_better() -> None:
    table = scored_backtest(challenger=0.93, champion=1.0)
    table.loc[table.model == CHALLENGER, "p_same"] = 0.2
    assert verdict(decide_on(table)) == ("keep", "chances_worse")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"checks_green": None}, "data_checks_failed"),
        ({"checks_green": False}, "data_checks_failed"),
        ({"loads": False}, "a_model_does_not_load"),
        ({"features_match": None}, "features_differ"),
        ({"tuned_through": None}, "tuned_on_its_examination"),
        ({"tuned_through": DATES[15].date()}, "tuned_on_its_examination"),
        ({"lowest": 3.0}, "forecasts_are_no_prices"),
        ({"highest": float("inf")}, "forecasts_are_no_prices"),
    ],
)
def test_an_unknown_or_wrong_input_is_a_rejection(changed: dict[str, object], reason: str) -> None:
    assert verdict(decide_on(scored_backtest(challenger=0.95, champion=1.0), inputs=gate_inputs(**changed))) == ("keep", reason)


def test_a_good_challenger_must_pass_twice_in_different_weeks() -> None:
    table = scored_backtest(challenger=0.95, champion=1.0)
    assert verdict(decide_on(table, ContenderHistory())) == ("trial", "must_pass_again_next_week")
    assert verdict(decide_on(table, ContenderHistory(passed_on=(DAY - timedelta(days=2),)))) == (
        "trial",
        "must_pass_again_next_week",
    )
    assert decide_on(table, ContenderHistory(passed_on=(DAY - timedelta(days=7), DAY - timedelta(days=2)))).verdict == "promote"
    assert verdict(decide_on(table, ContenderHistory(passed_on=(DAY - timedelta(days=21),)))) == (
        "trial",
        "must_pass_again_next_week",
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"shadow_publications": 5}, "shadow_too_short"),
        ({"shadow_publications": None}, "shadow_too_short"),
        ({"shadow_ratio": 1.06}, "worse_in_the_shadow"),
        ({"shadow_ratio": None}, "worse_in_the_shadow"),
    ],
)
def test_a_good_challenger_needs_shadow_forecasts_first(changed: dict[str, object], reason: str) -> None:
    assert verdict(decide_on(scored_backtest(challenger=0.95, champion=1.0), inputs=gate_inputs(**changed))) == ("trial", reason)


@pytest.mark.parametrize(
    ("history", "changed", "expected"),
    [
        (ContenderHistory("manual", PASSED_A_WEEK_BEFORE.passed_on), {}, ("hold", "mode_is_manual")),
        (ContenderHistory("frozen", PASSED_A_WEEK_BEFORE.passed_on), {}, ("keep", "mode_is_frozen")),
        (ContenderHistory("auto", PASSED_A_WEEK_BEFORE.passed_on, DAY - timedelta(days=13)), {}, ("hold", "rolled_back_lately")),
        (ContenderHistory("auto", PASSED_A_WEEK_BEFORE.passed_on, DAY - timedelta(days=14)), {}, ("promote", "all_rules_hold")),
        (PASSED_A_WEEK_BEFORE, {"same_contract": False}, ("hold", "contract_changed")),
    ],
)
def test_a_person_decides_if_a_rule_of_automation_fails(
    history: ContenderHistory, changed: dict[str, object], expected: tuple[str, str]
) -> None:
    assert verdict(decide_on(scored_backtest(challenger=0.95, champion=1.0), history, gate_inputs(**changed))) == expected


def test_models_are_compared_on_shared_dates_only() -> None:
    table = scored_backtest(dates=40, challenger=0.95, champion=1.0)
    newest = table.target == DATES[39]
    table.loc[newest & (table.model == "champion"), "forecast"] = -1000.0
    without = table[~(newest & (table.model == CHALLENGER))]
    assert decide_on(table).verdict == "keep"
    assert decide_on(without).verdict == "promote"


def test_dates_have_the_same_weight_whatever_their_number_of_series() -> None:
    table = scored_backtest(dates=26, challenger=0.9, champion=1.0)
    chosen = (table.target == DATES[0]) & (table.model == CHALLENGER)
    crowded = pd.concat([table[~chosen], *[table[chosen].assign(forecast=table.no_change[chosen])] * 50])
    before, after = (ratios(gather(rows)) for rows in (table, crowded))
    first = table[(table.target == DATES[0]) & (table.model == "baseline") & (table.lead == 3)]
    expected = before[before.model == CHALLENGER].set_index("lead").mae[3] + 0.1 * (30.0 - first.no_change).abs().mean() / 26
    assert after[after.model == CHALLENGER].set_index("lead").mae[3] == pytest.approx(expected, abs=1e-5)


def test_skill_is_the_mean_ratio_over_all_judged_horizons() -> None:
    table = ratios(gather(scored_backtest(challenger=0.95, champion=1.0)))
    assert skill(table, CHALLENGER) == pytest.approx(0.95, abs=1e-4)
    assert skill(table[table.lead != 13], CHALLENGER) is None


def test_a_decision_can_be_recomputed_from_its_recorded_inputs() -> None:
    evidence = gather(scored_backtest(challenger=0.95, champion=1.0))
    document = decision_inputs(evidence, gate_inputs(), PASSED_A_WEEK_BEFORE, Policy(), {}, {})
    stored = DecisionInputs.model_validate(json.loads(json.dumps(document)))
    again = decide(Evidence.from_document(stored.evidence), stored.facts, stored.standing, stored.policy)
    assert again == decide(evidence, gate_inputs(), PASSED_A_WEEK_BEFORE)


def test_a_threshold_of_the_policy_changes_the_decision() -> None:
    table = scored_backtest(challenger=0.98, champion=1.0)
    assert decide_on(table).verdict == "promote"
    assert decide_on(table, policy=Policy(least_gain=0.03)).reason == "not_better_than_champion"
    assert decide_on(table, ContenderHistory(), policy=Policy(passes=1)).verdict == "promote"
