"""The gate: what it lets through, and what it does not."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from milk_assets.promotion.evidence import CHALLENGER, Evidence, gather, ratios, skill
from milk_assets.promotion.gate import Decision, Facts, decide
from milk_assets.promotion.policy import JUDGED, Policy
from milk_assets.promotion.state import Standing
from milk_assets_tests.promotion.conftest import DATES, DAY, facts, scored

WEEK_BEFORE = Standing(passed_on=(DAY - timedelta(days=7),))


def judged(
    table: pd.DataFrame, standing: Standing = WEEK_BEFORE, known: Facts | None = None, policy: Policy | None = None
) -> Decision:
    return decide(gather(table), known or facts(), standing, policy)


def verdict(decision: Decision) -> tuple[str, str]:
    return decision.verdict, decision.reason


def test_an_oracle_is_promoted() -> None:
    table = scored(champion=1.0, challenger=1.0)
    own = table.model == CHALLENGER
    table.loc[own, "forecast"] += 0.08 * (table.actual - table.forecast)[own]  # it knows a little of what comes, everywhere
    decision = judged(table)
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
def test_a_challenger_that_shows_too_little_or_too_much_is_kept_out(factors: dict[str, float], expected: tuple[str, str]) -> None:
    assert verdict(judged(scored(**factors))) == expected


def test_twenty_five_dates_are_too_few() -> None:
    assert verdict(judged(scored(dates=25, challenger=0.95, champion=1.0))) == ("keep", "too_few_dates")
    assert judged(scored(dates=26, challenger=0.95, champion=1.0)).verdict == "promote"


@pytest.mark.parametrize("column", ["forecast", "actual"])
def test_a_challenger_without_figures_is_rejected_and_nothing_crashes(column: str) -> None:
    table = scored(challenger=0.95, champion=1.0)
    table.loc[(table.model == CHALLENGER) & (table.lead == 6), column] = np.nan
    assert verdict(judged(table)) == ("keep", "too_few_dates")
    assert verdict(judged(table.iloc[:0])) == ("keep", "too_few_dates")


def test_leaving_out_the_hard_forecasts_is_no_way_to_be_better() -> None:
    table = scored(challenger=0.95, champion=1.0)
    own = table.index[table.model == CHALLENGER]
    worst = (table.forecast - table.actual).abs()[own].sort_values().index[-len(own) // 5 :]
    assert judged(table).verdict == "promote"
    table.loc[worst, "forecast"] = np.nan
    assert verdict(judged(table)) == ("keep", "forecasts_missing")


@pytest.mark.parametrize(("task", "lead"), JUDGED)
def test_one_bad_horizon_is_enough_to_refuse(task: str, lead: int) -> None:
    table = scored(challenger=0.95, champion=1.0)
    bad = (table.model == CHALLENGER) & (table.task == task) & (table.lead == lead)
    table.loc[bad, "forecast"] = 30.0 - 1.03 * (30.0 - table.no_change[bad])
    assert verdict(judged(table)) == ("keep", "horizon_worse_than_no_change")


def test_a_segment_that_loses_is_enough_to_refuse() -> None:
    table = scored(challenger=0.93, champion=1.0)
    bad = (table.model == CHALLENGER) & (table.milk == "uht") & (table.channel == "store") & (table.state == "Jalisco")
    table.loc[bad, "forecast"] = 30.0 - 1.14 * (30.0 - table.no_change[bad])
    decision = judged(table)
    assert verdict(decision) == ("keep", "segment_regression")
    assert {rule.name: rule.holds for rule in decision.rules}["no_state_loses"]


def test_a_state_that_loses_is_enough_to_refuse_and_one_with_few_forecasts_is_not() -> None:
    table = scored(challenger=0.9, champion=1.0)
    table["state"] = np.where(table.place == 7, "Colima", table.state)
    bad = (table.model == CHALLENGER) & (table.state == "Colima")
    table.loc[bad, "forecast"] = 30.0 - 1.25 * (30.0 - table.no_change[bad])
    few = Policy(state_rows=200, worst_segment=1.0)
    assert verdict(judged(table, policy=Policy(worst_segment=1.0))) == ("keep", "state_regression")
    assert judged(table, policy=few).verdict == "promote"


def test_a_gain_that_comes_from_one_date_is_no_gain() -> None:
    table = scored(challenger=1.0, champion=1.0)
    own = table.model == CHALLENGER
    table.loc[own & (table.target == DATES[20]), "forecast"] = 30.0  # one lucky day, worth some 4 % of the sum
    decision = judged(table)
    figures = {rule.name: rule.figure for rule in decision.rules}
    assert figures["challenger_beats_champion"] > 0.01
    assert verdict(decision) == ("keep", "gain_is_not_significant")


def test_a_model_that_leans_one_way_is_refused_unless_no_change_leans_more() -> None:
    table = scored(challenger=0.9, champion=1.0)
    lean = (table.task == "publication") & (table.lead == 13)
    shifted = table.assign(actual=np.where(lean, 30.3, 30.0))
    for name in ("forecast", "no_change"):
        shifted[name] = np.where(lean & (table.model != CHALLENGER), table[name] + 0.3, table[name])
    assert verdict(judged(shifted, policy=Policy(worst_horizon=2.0, worst_skill=2.0, least_gain=-1.0, worst_segment=9.0))) == (
        "keep",
        "biased",
    )
    trending = table.assign(actual=np.where(lean, 30.3, 30.0))
    assert judged(trending, policy=Policy(worst_horizon=2.0)).reason != "biased"


@pytest.mark.parametrize(("width", "reason"), [(0.1, "interval_too_narrow"), (9.0, "interval_too_wide")])
def test_intervals_that_do_not_hold_what_they_say_are_refused(width: float, reason: str) -> None:
    table = scored(challenger=0.93, champion=1.0)
    own = table.model == CHALLENGER
    table.loc[own, "lo80"] = table.forecast[own] - width
    table.loc[own, "hi80"] = table.forecast[own] + width
    assert verdict(judged(table)) == ("keep", reason)


def test_worse_chances_are_refused_though_prices_are_better() -> None:
    table = scored(challenger=0.93, champion=1.0)
    table.loc[table.model == CHALLENGER, "p_same"] = 0.2
    assert verdict(judged(table)) == ("keep", "chances_worse")


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
def test_what_is_not_known_or_not_right_is_a_rejection(changed: dict[str, object], reason: str) -> None:
    assert verdict(judged(scored(challenger=0.95, champion=1.0), known=facts(**changed))) == ("keep", reason)


def test_a_good_challenger_must_pass_twice_in_different_weeks() -> None:
    table = scored(challenger=0.95, champion=1.0)
    assert verdict(judged(table, Standing())) == ("trial", "must_pass_again_next_week")
    assert verdict(judged(table, Standing(passed_on=(DAY - timedelta(days=2),)))) == ("trial", "must_pass_again_next_week")
    assert judged(table, Standing(passed_on=(DAY - timedelta(days=7), DAY - timedelta(days=2)))).verdict == "promote"
    assert verdict(judged(table, Standing(passed_on=(DAY - timedelta(days=21),)))) == ("trial", "must_pass_again_next_week")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"shadow_publications": 5}, "shadow_too_short"),
        ({"shadow_publications": None}, "shadow_too_short"),
        ({"shadow_ratio": 1.06}, "worse_in_the_shadow"),
        ({"shadow_ratio": None}, "worse_in_the_shadow"),
    ],
)
def test_a_good_challenger_stays_in_the_shadow_first(changed: dict[str, object], reason: str) -> None:
    assert verdict(judged(scored(challenger=0.95, champion=1.0), known=facts(**changed))) == ("trial", reason)


@pytest.mark.parametrize(
    ("standing", "known", "expected"),
    [
        (Standing("manual", WEEK_BEFORE.passed_on), {}, ("hold", "mode_is_manual")),
        (Standing("frozen", WEEK_BEFORE.passed_on), {}, ("keep", "mode_is_frozen")),
        (Standing("auto", WEEK_BEFORE.passed_on, DAY - timedelta(days=13)), {}, ("hold", "rolled_back_lately")),
        (Standing("auto", WEEK_BEFORE.passed_on, DAY - timedelta(days=14)), {}, ("promote", "all_rules_hold")),
        (WEEK_BEFORE, {"same_contract": False}, ("hold", "contract_changed")),
    ],
)
def test_a_person_decides_where_the_policy_says_so(
    standing: Standing, known: dict[str, object], expected: tuple[str, str]
) -> None:
    assert verdict(judged(scored(challenger=0.95, champion=1.0), standing, facts(**known))) == expected


def test_models_are_compared_on_shared_dates_only() -> None:
    table = scored(dates=40, challenger=0.95, champion=1.0)
    newest = table.target == DATES[39]
    table.loc[newest & (table.model == "champion"), "forecast"] = -1000.0
    without = table[~(newest & (table.model == CHALLENGER))]
    assert judged(table).verdict == "keep"
    assert judged(without).verdict == "promote"


def test_dates_weigh_alike_however_many_series_they_have() -> None:
    table = scored(dates=26, challenger=0.9, champion=1.0)
    chosen = (table.target == DATES[0]) & (table.model == CHALLENGER)
    crowded = pd.concat([table[~chosen], *[table[chosen].assign(forecast=table.no_change[chosen])] * 50])
    before, after = (ratios(gather(rows)) for rows in (table, crowded))
    first = table[(table.target == DATES[0]) & (table.model == "baseline") & (table.lead == 3)]
    expected = before[before.model == CHALLENGER].set_index("lead").mae[3] + 0.1 * (30.0 - first.no_change).abs().mean() / 26
    assert after[after.model == CHALLENGER].set_index("lead").mae[3] == pytest.approx(expected, abs=1e-5)


def test_skill_is_the_mean_ratio_over_judged_horizons_and_needs_all_of_them() -> None:
    table = ratios(gather(scored(challenger=0.95, champion=1.0)))
    assert skill(table, CHALLENGER) == pytest.approx(0.95, abs=1e-4)
    assert skill(table[table.lead != 13], CHALLENGER) is None


def test_a_decision_comes_out_the_same_from_what_is_recorded_of_it() -> None:
    evidence = gather(scored(challenger=0.95, champion=1.0))
    known, standing = facts(), WEEK_BEFORE
    again = decide(
        Evidence.from_document(evidence.to_document()),
        Facts.from_document(known.to_document()),
        Standing.from_document(standing.to_document()),
        Policy.from_document(Policy().to_document()),
    )
    assert again == decide(evidence, known, standing)


def test_every_threshold_can_be_moved_in_one_place() -> None:
    table = scored(challenger=0.98, champion=1.0)
    assert judged(table).verdict == "promote"
    assert judged(table, policy=Policy(least_gain=0.03)).reason == "not_better_than_champion"
    assert judged(table, Standing(), policy=Policy(passes=1)).verdict == "promote"
