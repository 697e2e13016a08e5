"""The gate: whether a challenger replaces the champion, and why.

Belongs here: the rules, as pure functions of evidence, facts, state and policy. Gathering them, and carrying a decision out, do not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np

from milk_assets.promotion.evidence import BASELINE, CHALLENGER, CHAMPION, MODELS, Evidence, by_horizon, ratios, skill
from milk_assets.promotion.policy import HORIZONS, MONTHS, TESTED, Policy
from milk_assets.promotion.significance import better_than
from milk_assets.promotion.state import Standing

# promote: at once. trial: good so far, once more or longer in the shadow. hold: a person decides. keep: the champion stays.
Verdict = Literal["promote", "trial", "hold", "keep"]
ALL_HOLD = "all_rules_hold"
FIGURES = 9  # decimals of a rule's figure: another machine's arithmetic differs after them, and a replay there must not


@dataclass(frozen=True)
class Rule:
    """One rule of a decision: its number in the policy's order, a sentence, the figure found, the threshold it was held against.

    reason: the code given where it does not hold. A figure of None was not to be had, which never holds.
    """

    number: str
    name: str
    figure: float | None
    threshold: float
    holds: bool
    reason: str


@dataclass(frozen=True)
class Facts:
    """What is known of a challenger besides its errors. None: not known, and what is not known is a rejection.

    publication: decided on. contender: the identity of recipe and training code, which outlives refits. checks_green: of the data.
    loads: challenger, champion and no change can be read and proven. features_match: the challenger asks for this release's
    features. tuned_through: the last publication that tuning saw. lowest, highest: of its forecasts, MXN/l. same_contract: features,
    model family and training window are the champion's. shadow_publications: with forecasts issued beside the champion's.
    shadow_ratio: live error over the champion's on the same dates, None before there is one.
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

    def to_document(self) -> dict[str, Any]:
        """Plain values, for the ledger."""
        return {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(self).items()}

    @staticmethod
    def from_document(values: Mapping[str, Any]) -> "Facts":
        """The facts that `to_document` wrote."""
        days = {name: values[name] and date.fromisoformat(values[name]) for name in ("publication", "tuned_through")}
        return Facts(**{**values, **days})


@dataclass(frozen=True)
class Decision:
    """A verdict and every rule behind it. reason: the code of the first rule that fails, or `all_rules_hold`.

    passed: whether everything that is about the model itself holds, which counts as one of the decisions in a row.
    """

    verdict: Verdict
    reason: str
    rules: tuple[Rule, ...]
    passed: bool
    skill: float | None

    def as_document(self) -> dict[str, Any]:
        """The decision as plain values, for the ledger."""
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "passed": self.passed,
            "skill": self.skill,
            "rules": [asdict(rule) for rule in self.rules],
        }


def decide(evidence: Evidence, facts: Facts, standing: Standing, policy: Policy | None = None) -> Decision:
    """Whether the challenger replaces the champion, and why. Pure: no clock, no registry, no network.

    Every rule is evaluated, the failed ones too. Raises nothing: what is missing is a rejection with its reason.
    """
    policy = policy or Policy()
    about_the_model = (
        *_preconditions(evidence, facts, policy),
        *_scores(evidence, policy),
        *_significance(evidence, policy),
        *_guardrails(evidence, policy),
    )
    credible = _at_most("P6", "gain_is_credible", _gain(evidence), policy.suspicious_gain, "suspected_leakage")
    endurance = (*_passes(facts, standing, policy), *_shadow(facts, policy))
    automatic = tuple(_automatic(facts, standing, policy))
    rules = (*about_the_model, credible, *endurance, *automatic)
    passed = all(rule.holds for rule in about_the_model)
    # the first group with a rule that does not hold says what becomes of the challenger
    groups: tuple[tuple[Verdict, tuple[Rule, ...]], ...] = (
        ("keep", about_the_model),
        ("keep", automatic if standing.mode == "frozen" else ()),
        ("hold", (credible,)),
        ("trial", endurance),
        ("hold", automatic),
    )
    failed = ((verdict, rule.reason) for verdict, group in groups for rule in group if not rule.holds)
    verdict, reason = next(failed, ("promote", ALL_HOLD))
    return Decision(verdict, reason, rules, passed, _finite(skill(ratios(evidence), CHALLENGER)))


def _preconditions(evidence: Evidence, facts: Facts, policy: Policy) -> Iterator[Rule]:
    start = evidence.window_start
    unseen = facts.tuned_through is not None and start is not None and facts.tuned_through < date.fromisoformat(start)
    yield _at_least("P1", "enough_dates", _dates(evidence, "publication", HORIZONS), policy.dates, "too_few_dates")
    yield _at_least("P1", "enough_months", _dates(evidence, "month", MONTHS), policy.month_dates, "too_few_dates")
    yield _at_least("P1", "no_forecast_is_missing", _present(evidence), 1.0, "forecasts_missing")
    yield _is_so("P0", "data_checks_are_green", facts.checks_green, "data_checks_failed")
    yield _is_so("P0", "all_three_models_load", facts.loads, "a_model_does_not_load")
    yield _is_so("P0", "features_are_this_releases", facts.features_match, "features_differ")
    yield _is_so("P0", "recipe_was_tuned_before_the_window", unseen, "tuned_on_its_examination")
    yield _at_least("P0", "lowest_forecast_is_a_price", facts.lowest, policy.lowest_price, "forecasts_are_no_prices")
    yield _at_most("P0", "highest_forecast_is_a_price", facts.highest, policy.highest_price, "forecasts_are_no_prices")


def _scores(evidence: Evidence, policy: Policy) -> Iterator[Rule]:
    table = ratios(evidence)
    own = by_horizon(table, CHALLENGER)
    worst = None if skill(table, CHALLENGER) is None else max(own.values())
    yield _at_most("P2", "challenger_beats_no_change", skill(table, CHALLENGER), policy.worst_skill, "worse_than_no_change")
    yield _at_most("P2", "no_horizon_is_worse_than_no_change", worst, policy.worst_horizon, "horizon_worse_than_no_change")
    yield _at_least("P3", "challenger_beats_champion", _gain(evidence), policy.least_gain, "not_better_than_champion")


def _significance(evidence: Evidence, policy: Policy) -> Iterator[Rule]:
    chances = [
        better_than(evidence.per_date(CHALLENGER, lead), evidence.per_date(CHAMPION, lead), lead) for lead in TESTED
    ]  # all of them, or none: a horizon that cannot be tested is not passed over
    known = [chance for chance in chances if chance is not None]
    whole = len(known) == len(TESTED)
    least, most = (min(known), max(known)) if whole else (None, None)
    yield _at_most("P4", "gain_is_significant_at_a_horizon", least, policy.significance, "gain_is_not_significant")
    yield _at_most("P4", "no_horizon_is_significantly_worse", most, policy.significant_loss, "horizon_significantly_worse")


def _guardrails(evidence: Evidence, policy: Policy) -> Iterator[Rule]:
    rows = evidence.by_date[evidence.by_date.task == "publication"]
    segments = _loss(_means(rows, "segment", CHALLENGER), _means(rows, "segment", CHAMPION))
    states = evidence.by_state[evidence.by_state.n >= policy.state_rows]
    in_states = _loss(_means(states, "state", CHALLENGER), _means(states, "state", CHAMPION), policy.centavo)
    bias, of_no_change = (_bias(evidence, model) for model in (CHALLENGER, BASELINE))
    covered = _share(rows, CHALLENGER, "inside")
    brier, before = (_share(rows, model, "brier") for model in (CHALLENGER, CHAMPION))
    worse = None if brier is None or not before else brier / before - 1
    yield _at_most("P5", "no_segment_loses", segments, policy.worst_segment, "segment_regression")
    yield _at_most("P5", "no_state_loses", in_states, policy.worst_state, "state_regression")
    allowed = max(policy.worst_bias, of_no_change or 0.0)
    yield _at_most("P5", "bias_at_a_month_is_small", bias, allowed, "biased")
    yield _at_least("P5", "interval_covers_enough", covered, policy.least_coverage, "interval_too_narrow")
    yield _at_most("P5", "interval_covers_no_more_than_it_says", covered, policy.most_coverage, "interval_too_wide")
    yield _at_most("P5", "chances_are_as_good", worse, policy.worst_brier, "chances_worse")


def _passes(facts: Facts, standing: Standing, policy: Policy) -> Iterator[Rule]:
    """This decision and those before it, each of another week."""
    counted = [facts.publication]
    for day in sorted(standing.passed_on, reverse=True):
        gap = (counted[-1] - day).days
        if gap > policy.weeks_gap_days:
            break
        if gap >= policy.week_days:
            counted.append(day)
    yield _at_least("P4", "passed_in_consecutive_weeks", len(counted), policy.passes, "must_pass_again_next_week")


def _shadow(facts: Facts, policy: Policy) -> Iterator[Rule]:
    issued = facts.shadow_publications
    yield _at_least("P7", "was_in_the_shadow_long_enough", issued, policy.shadow_publications, "shadow_too_short")
    yield _at_most("P7", "live_errors_agree", facts.shadow_ratio, policy.worst_shadow, "worse_in_the_shadow")


def _automatic(facts: Facts, standing: Standing, policy: Policy) -> Iterator[Rule]:
    back = standing.rolled_back_on
    cooled = back is None or facts.publication - back >= timedelta(days=policy.cool_down_days)
    yield _is_so("P8", "contract_family_and_window_are_the_champions", facts.same_contract, "contract_changed")
    yield _is_so("P8", "no_rollback_is_recent", cooled, "rolled_back_lately")
    yield _is_so("P8", "promotion_is_automatic", standing.mode == "auto", f"mode_is_{standing.mode}")


def _gain(evidence: Evidence) -> float | None:
    table = ratios(evidence)
    challenger, champion = skill(table, CHALLENGER), skill(table, CHAMPION)
    return None if challenger is None or champion is None else 1 - challenger / champion


def _dates(evidence: Evidence, task: str, leads: tuple[int, ...]) -> float | None:
    own = evidence.by_date[(evidence.by_date.model == CHALLENGER) & (evidence.by_date.task == task)]
    found = own.groupby("lead").date.nunique().reindex(leads)
    return None if found.isna().any() else float(found.min())


def _present(evidence: Evidence) -> float | None:
    """The least share of the forecasts of a date, horizon and segment that a model has: errors are compared in pairs, or not at all."""
    number = evidence.by_date.pivot_table(index=["task", "lead", "date", "segment"], columns="model", values="n", aggfunc="sum")
    if number.empty or set(number.columns) != set(MODELS):
        return None
    return float(number.fillna(0.0).min(axis=1).div(number.max(axis=1)).min())


def _means(rows: Any, by: str, model: str) -> Any:
    sums = rows[rows.model == model].groupby(by)[["error", "n"]].sum()
    return sums.error / sums.n


def _loss(challenger: Any, champion: Any, pad: float = 0.0) -> float | None:
    """The largest share by which a part got worse; None where the two do not have the same parts."""
    if challenger.empty or not challenger.index.equals(champion.index):
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(((challenger + pad) / (champion + pad)).max() - 1)


def _bias(evidence: Evidence, model: str) -> float | None:
    rows = evidence.by_date
    own = rows[(rows.model == model) & (rows.task == "publication") & (rows.lead == max(HORIZONS))]
    return None if own.empty else abs(float(own.signed.sum() / own.n.sum()))


def _share(rows: Any, model: str, name: str) -> float | None:
    own = rows[rows.model == model]
    return None if own.empty else float(own[name].sum() / own.n.sum())


def _at_most(number: str, name: str, figure: float | None, threshold: float, reason: str) -> Rule:
    found = _finite(figure)
    return Rule(number, name, found, threshold, found is not None and found <= threshold, reason)


def _at_least(number: str, name: str, figure: float | None, threshold: float, reason: str) -> Rule:
    found = _finite(figure)
    return Rule(number, name, found, threshold, found is not None and found >= threshold, reason)


def _is_so(number: str, name: str, known: bool | None, reason: str) -> Rule:
    return Rule(number, name, None if known is None else float(known), 1.0, bool(known), reason)


def _finite(figure: float | None) -> float | None:
    """A figure as it is recorded and judged."""
    return None if figure is None or not np.isfinite(figure) else round(float(figure), FIGURES)
