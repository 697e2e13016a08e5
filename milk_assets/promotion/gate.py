"""The gate: whether a challenger replaces the champion, and why.

Belongs here: rules over a scored table, as pure functions. Carrying a decision out is the `champion` asset's business; thresholds
are in `policy`.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from milk_assets.promotion.policy import HORIZONS, Policy

Verdict = Literal["promote", "keep"]
CHALLENGER, CHAMPION, BASELINE = "challenger", "champion", "baseline"


@dataclass(frozen=True)
class Rule:
    """One rule of a decision: a sentence, the figure found, the threshold it was held against, and whether it holds."""

    name: str
    figure: float | None
    threshold: float
    holds: bool
    reason: str


@dataclass(frozen=True)
class Decision:
    """A verdict and every rule behind it. reason: the code of the first rule that fails, or `all_rules_hold`."""

    verdict: Verdict
    reason: str
    rules: tuple[Rule, ...]

    def as_document(self) -> dict[str, Any]:
        """The decision as plain values, for the ledger."""
        return {"verdict": self.verdict, "reason": self.reason, "rules": [asdict(rule) for rule in self.rules]}


def decide(scores: pd.DataFrame, policy: Policy | None = None) -> Decision:
    """Whether the challenger replaces the champion, and why.

    scores: as `score` gives them. Pure: no clock, no registry. Raises nothing: what is missing is a rejection.
    """
    policy = policy or Policy()
    skill = {model: _skill(scores, model) for model in (CHALLENGER, CHAMPION)}
    by_horizon = _ratios(scores, CHALLENGER)
    gain = _gain(skill[CHALLENGER], skill[CHAMPION])
    rules = (
        _at_least("enough_dates", _dates(scores), policy.dates, "too_few_dates"),
        _at_most("challenger_beats_no_change", skill[CHALLENGER], policy.worst_skill, "worse_than_no_change"),
        _at_most(
            "no_horizon_is_worse_than_no_change",
            max(by_horizon, default=None),
            policy.worst_horizon,
            "horizon_worse_than_no_change",
        ),
        _at_least("challenger_beats_champion", gain, policy.least_gain, "not_better_than_champion"),
        _at_most("gain_is_credible", gain, policy.suspicious_gain, "suspected_leakage"),
    )
    failed = next((rule for rule in rules if not rule.holds), None)
    return Decision("keep" if failed else "promote", failed.reason if failed else "all_rules_hold", rules)


def score(backtest: pd.DataFrame, policy: Policy | None = None) -> pd.DataFrame:
    """Mean absolute errors by model and horizon, on the same newest target dates for all models.

    backtest: one row a model x origin x target x series, with `task`, `lead`, `actual`, `no_change`, `forecast`, `level`.
    Errors are averaged per target date first, then over dates: rows of one date are not independent.
    Returns columns model, lead, dates, mae, mae_no_change, ratio; a horizon or model without any date has no row.
    """
    policy = policy or Policy()
    judged = (
        (backtest.task == "publication") & (backtest.level == "city") & backtest.lead.isin(HORIZONS) & backtest.actual.notna()
    )
    rows = backtest[judged]
    seen_by = rows.groupby(["lead", "target"], as_index=False).agg(models=("model", "nunique"))
    shared = seen_by[seen_by.models == rows.model.nunique()]
    newest = shared.sort_values("target").groupby("lead").tail(policy.dates)[["lead", "target"]]
    rows = rows.merge(newest, on=["lead", "target"])
    errors = rows.assign(mae=(rows.forecast - rows.actual).abs(), mae_no_change=(rows.no_change - rows.actual).abs())
    per_date = errors.groupby(["model", "lead", "target"], as_index=False)[["mae", "mae_no_change"]].mean()
    figures = {"dates": ("target", "nunique"), "mae": ("mae", "mean"), "mae_no_change": ("mae_no_change", "mean")}
    table = per_date.groupby(["model", "lead"], as_index=False).agg(**figures)
    return table.assign(ratio=table.mae / table.mae_no_change.replace(0.0, np.nan))


def skill(scores: pd.DataFrame, model: str) -> float | None:
    """S: mean over horizons of a model's MAE over that of no change; below 1 is better. None where a horizon has no figure."""
    return _skill(scores, model)


def _ratios(scores: pd.DataFrame, model: str) -> list[float]:
    of_model = scores[scores.model == model].set_index("lead").ratio.reindex(HORIZONS)
    return [] if of_model.isna().any() else [float(ratio) for ratio in of_model]


def _skill(scores: pd.DataFrame, model: str) -> float | None:
    ratios = _ratios(scores, model)
    return float(np.mean(ratios)) if ratios else None


def _dates(scores: pd.DataFrame) -> float | None:
    found = scores[scores.model == CHALLENGER].set_index("lead").dates.reindex(HORIZONS)
    return None if found.isna().any() else float(found.min())


def _gain(challenger: float | None, champion: float | None) -> float | None:
    return None if challenger is None or champion is None else 1 - challenger / champion


def _at_most(name: str, figure: float | None, threshold: float, reason: str) -> Rule:
    return Rule(name, figure, threshold, figure is not None and np.isfinite(figure) and bool(figure <= threshold), reason)


def _at_least(name: str, figure: float | None, threshold: float, reason: str) -> Rule:
    return Rule(name, figure, threshold, figure is not None and np.isfinite(figure) and bool(figure >= threshold), reason)
