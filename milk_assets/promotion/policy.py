"""Policy: the thresholds of gate and floor, each defined once with its reason.

Belongs here: numbers and why they have these values. Not here: the rules that use them (`promotion.gate`, `promotion.floor`).
"""

from dataclasses import dataclass

# Horizons that a decision looks at, publications ahead: the next price list, one week, two weeks, one month.
HORIZONS = (1, 3, 6, 13)
# Months ahead that it looks at, the headline: this month and the next. Later ones have too few outcomes in a quarter.
MONTHS = (0, 1)
JUDGED: tuple[tuple[str, int], ...] = (*(("publication", lead) for lead in HORIZONS), *(("month", lead) for lead in MONTHS))
# Horizons at which differences are tested, publications ahead: at 13, two months hold two independent outcomes.
TESTED = (1, 3, 6)

# Publications between refits in a backtest: the 39 origins that lead to the dates make two stretches, one per core.
# Refitting every 13 instead costs half as much again and moves ratios by less than half a point.
REFIT_EVERY = 20


@dataclass(frozen=True)
class Policy:
    """What a challenger must show, and when a champion is replaced. Starting values, measured on real publications of 2024 and 2025."""

    # Two months of publications: with fewer dates, one odd week decides.
    dates: int = 26
    # A month of origins: of the 39 that lead to 26 dates, about two thirds have seen the end of the next month.
    month_dates: int = 12
    # "No change" is free and almost unbeatable: a model that is worse on average is not served.
    worst_skill: float = 1.00
    # One horizon may be a little worse than no change, within the noise between hyperparameters, if the average is better.
    worst_horizon: float = 1.02
    # Differences of 1 % between hyperparameters are ties: replacing the champion for less is churn.
    least_gain: float = 0.01
    # No honest model is this much better than the champion: more likely the future leaked into it. A person looks first.
    suspicious_gain: float = 0.15
    # One-sided, at one of three horizons: with two consecutive decisions, equal models pass about once in a hundred weeks.
    significance: float = 0.10
    # Worse than the champion beyond this at any tested horizon is a loss that the average hides.
    significant_loss: float = 0.95
    # Decisions in different weeks that a contender must pass in a row, and the days that make two weeks different.
    passes: int = 2
    week_days: int = 5
    # One week without a decision is a holiday. After two, the market may be another: earlier passes no longer count.
    weeks_gap_days: int = 14
    # A loss of 3 % in one segment pays for the gain of others, but buyers of one milk and channel do not buy the rest.
    worst_segment: float = 0.03
    # A state has few cities: its figure is noisier, and with fewer forecasts than this it is only noise.
    worst_state: float = 0.15
    state_rows: int = 50
    # MXN/l, added to both sides of a state's ratio: where prices did not move, a difference of a centavo is not a loss.
    centavo: float = 0.01
    # MXN/l, 13 publications ahead. In a trending market even no change is biased by more: then no more than that.
    worst_bias: float = 0.10
    # Eight points on either side of 80 %: the smallest difference that two months of dates can show.
    least_coverage: float = 0.72
    most_coverage: float = 0.88
    # P(change) is an output too: it may not get worse while the price gets better.
    worst_brier: float = 0.02
    # Two weeks of shadow forecasts, issued by the code and from the data that would serve them.
    shadow_publications: int = 6
    # Live errors and backtest may differ by chance on six dates. A larger difference has another cause.
    worst_shadow: float = 1.05
    # MXN/l: well outside of all prices in this source (16 to 40).
    lowest_price: float = 5.0
    highest_price: float = 100.0
    # After a rollback, in which a person saw a problem that the figures did not show, a person decides for two weeks.
    cool_down_days: int = 14
    # The floor: twice a little worse than no change, or once clearly worse. Either way no change is served at once.
    floor_twice: float = 1.02
    floor_once: float = 1.05
    # Scored publications before a horizon counts toward the floor: one bad date of two would already give 1.05.
    floor_dates: int = 6
