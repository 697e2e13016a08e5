"""The gate's thresholds, each named once beside its reason.

Belongs here: numbers and why they are what they are. The rules that use them are in `gate` and `floor`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

# Horizons that a decision looks at, publications ahead: the next price list, one week, two weeks, one month.
HORIZONS = (1, 3, 6, 13)
# Months ahead that it looks at, the headline: the running month and the next. Later ones have too few outcomes in a quarter.
MONTHS = (0, 1)
JUDGED: tuple[tuple[str, int], ...] = (*(("publication", lead) for lead in HORIZONS), *(("month", lead) for lead in MONTHS))
# Horizons at which differences are tested, publications ahead: at 13, two months hold two independent outcomes.
TESTED = (1, 3, 6)

# Publications between the refits of a recipe that is judged: the 39 origins that lead to the dates make two stretches, one a core.
# Refitting every 13 instead costs half as much again and moves ratios by less than half a point.
REFIT_EVERY = 20


@dataclass(frozen=True)
class Policy:
    """What a challenger must show, and what a champion must not. Starting values, measured on real publications of 2024 and 2025."""

    # Two months of publications: fewer dates let one odd week decide.
    dates: int = 26
    # A month of origins: of the 39 that lead to 26 dates, some two thirds have seen the end of the month after theirs.
    month_dates: int = 12
    # "No change" is free and almost unbeatable: a model that is worse on average has no business being served.
    worst_skill: float = 1.00
    # One horizon may be a little worse than no change, within the noise between recipes, if the average is better.
    worst_horizon: float = 1.02
    # Differences of 1 % between recipes are ties: swapping models for less is churn.
    least_gain: float = 0.01
    # No honest recipe is this much better than what is served: more likely the future leaked into it. A person looks first.
    suspicious_gain: float = 0.15
    # One-sided, at one of three horizons: with two decisions in a row, twins pass about once in a hundred weeks.
    significance: float = 0.10
    # Worse than the champion beyond this at any tested horizon is a loss that an average hides.
    significant_loss: float = 0.95
    # Decisions of different weeks that a recipe must pass one after the other, and the days that make a week of publications.
    passes: int = 2
    week_days: int = 5
    # A week without a decision is a holiday, two are another season: what passed then has to pass again.
    weeks_gap_days: int = 14
    # A market that loses 3 % pays for the others' gain; buyers of one milk and channel do not buy the rest.
    worst_segment: float = 0.03
    # A state has few cities: its figure is noisier, and below this many forecasts it is noise alone.
    worst_state: float = 0.15
    state_rows: int = 50
    # MXN/l, added to both sides of a state's ratio: where nothing moved, a centavo is no loss.
    centavo: float = 0.01
    # MXN/l at a month's distance. In a trending market no change itself is off by more: then no worse than that.
    worst_bias: float = 0.10
    # Eight points either side of what the 80 % interval promises: what two months of dates can tell apart.
    least_coverage: float = 0.72
    most_coverage: float = 0.88
    # P(change) is sold: it may not get worse while the price gets better.
    worst_brier: float = 0.02
    # Two weeks of forecasts issued beside the champion's, by the code and data that would serve them.
    shadow_publications: int = 6
    # Live and evaluation may differ by chance on six dates; by more than this something else differs.
    worst_shadow: float = 1.05
    # MXN/l: outside of it no consumer has ever paid for a litre of milk in this source (16 to 40).
    lowest_price: float = 5.0
    highest_price: float = 100.0
    # After a rollback a person has seen something that the figures had not: two weeks in which a person decides.
    cool_down_days: int = 14
    # The floor: twice a little worse than no change, or once clearly. Either way no change is served at once.
    floor_twice: float = 1.02
    floor_once: float = 1.05
    # Scored publications before a horizon counts toward the floor: one bad date among two would say 1.05.
    floor_dates: int = 6

    def to_document(self) -> dict[str, Any]:
        """Plain values, for the ledger."""
        return asdict(self)

    @staticmethod
    def from_document(values: Mapping[str, Any]) -> "Policy":
        """The policy that `to_document` wrote."""
        return Policy(**values)
