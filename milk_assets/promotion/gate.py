"""Gate: whether a challenger replaces the champion, and why.

Belongs here: the rules, as pure functions of evidence, inputs, history and policy. Not here: gathering these (the asset `evaluation`)
and carrying a decision out (`promotion.change_champion`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from milk_assets.promotion.evidence import BASELINE, CHALLENGER, CHAMPION, MODELS, Evidence, by_horizon, ratios, skill
from milk_assets.promotion.ledger.entries import GateDecision, Rule, Verdict
from milk_assets.promotion.ledger.state import ContenderHistory
from milk_assets.promotion.policy import HORIZONS, MONTHS, TESTED, Policy
from milk_assets.promotion.significance import better_than

ALL_RULES_HOLD = "all_rules_hold"
FIGURE_DECIMALS = 9  # of a rule's figure: beyond them another machine's arithmetic may differ, and a replay there must not


@dataclass(frozen=True)
class GateInputs:
    """What the gate uses of a challenger besides its errors. None means unknown, and what is unknown is a rejection.

    Attributes:
        publication: Publication that is decided on.
        contender: Identity of hyperparameters and training code; refits share it.
        checks_green: Whether all checks of the data passed.
        loads: Whether the bundles of challenger, champion and baseline load and reproduce their golden rows.
        features_match: Whether the challenger uses this release's features.
        tuned_through: Newest publication that tuning has seen.
        lowest: Lowest forecast, MXN/l.
        highest: Highest forecast, MXN/l.
        same_contract: Whether features, model family and training window are the champion's.
        shadow_publications: Number of publications with shadow forecasts of the contender.
        shadow_ratio: Live error over the champion's on the same dates; None before there is one.
    """

    publication: date
    contender: str
    checks_green: bool | None = None
    loads: bool | None = None
    features_match: bool | None = None
    tuned_through: date | None = None
    lowest: float | None = None
    highest: float | None = None
    same_contract: bool | None = None
    shadow_publications: int | None = None
    shadow_ratio: float | None = None


def decide(evidence: Evidence, inputs: GateInputs, history: ContenderHistory, policy: Policy | None = None) -> GateDecision:
    """Whether the challenger replaces the champion, and why. Pure: reads no clock, registry or network.

    Every rule is evaluated, also after one has failed. It raises nothing: missing values are a rejection with a reason.

    Args:
        evidence: Errors of the three models on the same dates.
        inputs: What else the gate uses.
        history: The contender's past in the ledger.
        policy: Thresholds; by default this release's.
    """
    policy = policy or Policy()
    model_rules = (
        *_preconditions(evidence, inputs, policy),
        *_scores(evidence, policy),
        *_significance(evidence, policy),
        *_guardrails(evidence, policy),
    )
    credibility_rule = _at_most("P6", "gain_is_credible", _gain(evidence), policy.suspicious_gain, "suspected_leakage")
    trial_rules = (*_passes(inputs, history, policy), *_shadow(inputs, policy))
    automation_rules = tuple(_automation(inputs, history, policy))
    rules = (*model_rules, credibility_rule, *trial_rules, *automation_rules)
    passed = all(rule.holds for rule in model_rules)
    # the first group with a rule that fails determines the verdict
    groups: tuple[tuple[Verdict, tuple[Rule, ...]], ...] = (
        ("keep", model_rules),
        ("keep", automation_rules if history.mode == "frozen" else ()),
        ("hold", (credibility_rule,)),
        ("trial", trial_rules),
        ("hold", automation_rules),
    )
    failures = ((verdict, rule.reason) for verdict, group in groups for rule in group if not rule.holds)
    verdict, reason = next(failures, ("promote", ALL_RULES_HOLD))
    return GateDecision(verdict, reason, rules, passed, _rounded(skill(ratios(evidence), CHALLENGER)))


def _preconditions(evidence: Evidence, inputs: GateInputs, policy: Policy) -> Iterator[Rule]:
    start = evidence.window_start
    tuned_before = inputs.tuned_through is not None and start is not None and inputs.tuned_through < date.fromisoformat(start)
    yield _at_least("P1", "enough_dates", _fewest_dates(evidence, "publication", HORIZONS), policy.dates, "too_few_dates")
    yield _at_least("P1", "enough_months", _fewest_dates(evidence, "month", MONTHS), policy.month_dates, "too_few_dates")
    yield _at_least("P1", "no_forecast_is_missing", _least_share_present(evidence), 1.0, "forecasts_missing")
    yield _is_true("P0", "data_checks_are_green", inputs.checks_green, "data_checks_failed")
    yield _is_true("P0", "all_three_models_load", inputs.loads, "a_model_does_not_load")
    yield _is_true("P0", "features_are_this_releases", inputs.features_match, "features_differ")
    yield _is_true("P0", "recipe_was_tuned_before_the_window", tuned_before, "tuned_on_its_examination")
    yield _at_least("P0", "lowest_forecast_is_a_price", inputs.lowest, policy.lowest_price, "forecasts_are_no_prices")
    yield _at_most("P0", "highest_forecast_is_a_price", inputs.highest, policy.highest_price, "forecasts_are_no_prices")


def _scores(evidence: Evidence, policy: Policy) -> Iterator[Rule]:
    table = ratios(evidence)
    worst = None if skill(table, CHALLENGER) is None else max(by_horizon(table, CHALLENGER).values())
    yield _at_most("P2", "challenger_beats_no_change", skill(table, CHALLENGER), policy.worst_skill, "worse_than_no_change")
    yield _at_most("P2", "no_horizon_is_worse_than_no_change", worst, policy.worst_horizon, "horizon_worse_than_no_change")
    yield _at_least("P3", "challenger_beats_champion", _gain(evidence), policy.least_gain, "not_better_than_champion")


def _significance(evidence: Evidence, policy: Policy) -> Iterator[Rule]:
    p_values = []
    for lead in TESTED:
        p_value = better_than(evidence.per_date(CHALLENGER, lead), evidence.per_date(CHAMPION, lead), lead)
        if p_value is not None:
            p_values.append(p_value)
    # all horizons or none: one that cannot be tested must not be skipped
    least, most = (min(p_values), max(p_values)) if len(p_values) == len(TESTED) else (None, None)
    yield _at_most("P4", "gain_is_significant_at_a_horizon", least, policy.significance, "gain_is_not_significant")
    yield _at_most("P4", "no_horizon_is_significantly_worse", most, policy.significant_loss, "horizon_significantly_worse")


def _guardrails(evidence: Evidence, policy: Policy) -> Iterator[Rule]:
    rows = evidence.by_date[evidence.by_date.task == "publication"]
    states = evidence.by_state[evidence.by_state.n >= policy.state_rows]
    segment_loss = _largest_loss(_means(rows, "segment", CHALLENGER), _means(rows, "segment", CHAMPION))
    state_loss = _largest_loss(_means(states, "state", CHALLENGER), _means(states, "state", CHAMPION), policy.centavo)
    bias, baseline_bias = _bias(evidence, CHALLENGER), _bias(evidence, BASELINE)
    coverage = _mean_per_forecast(rows, CHALLENGER, "inside")
    brier, champion_brier = _mean_per_forecast(rows, CHALLENGER, "brier"), _mean_per_forecast(rows, CHAMPION, "brier")
    brier_loss = None if brier is None or not champion_brier else brier / champion_brier - 1
    yield _at_most("P5", "no_segment_loses", segment_loss, policy.worst_segment, "segment_regression")
    yield _at_most("P5", "no_state_loses", state_loss, policy.worst_state, "state_regression")
    largest_bias = max(policy.worst_bias, baseline_bias or 0.0)
    yield _at_most("P5", "bias_at_a_month_is_small", bias, largest_bias, "biased")
    yield _at_least("P5", "interval_covers_enough", coverage, policy.least_coverage, "interval_too_narrow")
    yield _at_most("P5", "interval_covers_no_more_than_it_says", coverage, policy.most_coverage, "interval_too_wide")
    yield _at_most("P5", "chances_are_as_good", brier_loss, policy.worst_brier, "chances_worse")


def _passes(inputs: GateInputs, history: ContenderHistory, policy: Policy) -> Iterator[Rule]:
    """Counts this decision and the passed ones before it, one per week."""
    counted = [inputs.publication]
    for day in sorted(history.passed_on, reverse=True):
        gap = (counted[-1] - day).days
        if gap > policy.weeks_gap_days:
            break
        if gap >= policy.week_days:
            counted.append(day)
    yield _at_least("P4", "passed_in_consecutive_weeks", len(counted), policy.passes, "must_pass_again_next_week")


def _shadow(inputs: GateInputs, policy: Policy) -> Iterator[Rule]:
    publications = inputs.shadow_publications
    yield _at_least("P7", "was_in_the_shadow_long_enough", publications, policy.shadow_publications, "shadow_too_short")
    yield _at_most("P7", "live_errors_agree", inputs.shadow_ratio, policy.worst_shadow, "worse_in_the_shadow")


def _automation(inputs: GateInputs, history: ContenderHistory, policy: Policy) -> Iterator[Rule]:
    rolled_back_on = history.rolled_back_on
    cooled_down = rolled_back_on is None or inputs.publication - rolled_back_on >= timedelta(days=policy.cool_down_days)
    yield _is_true("P8", "contract_family_and_window_are_the_champions", inputs.same_contract, "contract_changed")
    yield _is_true("P8", "no_rollback_is_recent", cooled_down, "rolled_back_lately")
    yield _is_true("P8", "promotion_is_automatic", history.mode == "auto", f"mode_is_{history.mode}")


def _gain(evidence: Evidence) -> float | None:
    table = ratios(evidence)
    challenger, champion = skill(table, CHALLENGER), skill(table, CHAMPION)
    return None if challenger is None or champion is None else 1 - challenger / champion


def _fewest_dates(evidence: Evidence, task: str, leads: tuple[int, ...]) -> float | None:
    """The fewest dates that the challenger has at any of the horizons."""
    rows = evidence.by_date[(evidence.by_date.model == CHALLENGER) & (evidence.by_date.task == task)]
    dates = rows.groupby("lead").date.nunique().reindex(leads)
    return None if dates.isna().any() else float(dates.min())


def _least_share_present(evidence: Evidence) -> float | None:
    """The least share of the forecasts of a date, horizon and segment that a model has. Errors are compared on the same forecasts only."""
    counts = evidence.by_date.pivot_table(index=["task", "lead", "date", "segment"], columns="model", values="n", aggfunc="sum")
    if counts.empty or set(counts.columns) != set(MODELS):
        return None
    return float(counts.fillna(0.0).min(axis=1).div(counts.max(axis=1)).min())


def _means(rows: Any, by: str, model: str) -> Any:
    sums = rows[rows.model == model].groupby(by)[["error", "n"]].sum()
    return sums.error / sums.n


def _largest_loss(challenger: Any, champion: Any, pad: float = 0.0) -> float | None:
    """The largest relative increase of an error; None if the two models do not have the same segments or states."""
    if challenger.empty or not challenger.index.equals(champion.index):
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(((challenger + pad) / (champion + pad)).max() - 1)


def _bias(evidence: Evidence, model: str) -> float | None:
    rows = evidence.by_date
    at_a_month = rows[(rows.model == model) & (rows.task == "publication") & (rows.lead == max(HORIZONS))]
    return None if at_a_month.empty else abs(float(at_a_month.signed.sum() / at_a_month.n.sum()))


def _mean_per_forecast(rows: Any, model: str, name: str) -> float | None:
    """Sum of a column over the number of forecasts."""
    model_rows = rows[rows.model == model]
    return None if model_rows.empty else float(model_rows[name].sum() / model_rows.n.sum())


def _at_most(number: str, name: str, figure: float | None, threshold: float, reason: str) -> Rule:
    figure = _rounded(figure)
    return Rule(number, name, figure, threshold, figure is not None and figure <= threshold, reason)


def _at_least(number: str, name: str, figure: float | None, threshold: float, reason: str) -> Rule:
    figure = _rounded(figure)
    return Rule(number, name, figure, threshold, figure is not None and figure >= threshold, reason)


def _is_true(number: str, name: str, answer: bool | None, reason: str) -> Rule:
    return Rule(number, name, None if answer is None else float(answer), 1.0, bool(answer), reason)


def _rounded(figure: float | None) -> float | None:
    """A figure as it is compared and recorded; None if it is not finite."""
    return None if figure is None or not np.isfinite(figure) else round(float(figure), FIGURE_DECIMALS)
