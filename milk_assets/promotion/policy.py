"""The gate's thresholds, each named once beside its reason.

Belongs here: numbers and why they are what they are. The rules that use them are in `gate`.
"""

from dataclasses import dataclass

# Horizons that a decision looks at, publications ahead: the next price list, one week, two weeks, one month.
HORIZONS = (1, 3, 6, 13)

# Publications between the refits of a recipe that is judged: the 39 origins that lead to the dates make two stretches, one a core.
# Refitting every 13 instead costs half as much again and moves ratios by less than half a point.
REFIT_EVERY = 20


@dataclass(frozen=True)
class Policy:
    """What a challenger must show. Starting values, measured on real publications of 2024 and 2025."""

    # Two months of publications: fewer dates let one odd week decide.
    dates: int = 26
    # "No change" is free and almost unbeatable: a model that is worse on average has no business being served.
    worst_skill: float = 1.00
    # One horizon may be a little worse than no change, within the noise between recipes, if the average is better.
    worst_horizon: float = 1.02
    # Differences of 1 % between recipes are ties: swapping models for less is churn.
    least_gain: float = 0.01
    # No honest recipe is this much better than what is served: more likely the future leaked into it. A person looks first.
    suspicious_gain: float = 0.15
