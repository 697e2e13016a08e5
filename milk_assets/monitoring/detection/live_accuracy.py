"""Live accuracy: how issued forecasts performed once their dates were published, and when that calls for a new model.

Belongs here: measures over the track record, and the alarm. Not here: the stored document (`live_accuracy_report`), joining forecasts with
prices (`milk_assets.defs.assets.models.track_record`), retraining (`milk_assets.defs.automation`) and the floor
(`milk_assets.promotion.floor`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from milk_assets.monitoring.detection.drift_signals import PRICE_TOLERANCE
from milk_assets.promotion.policy import HORIZONS

WINDOW_PUBLICATIONS = 13
"""Publications in a rolling measure: a month. On 109 real windows S stays between 0.976 and 0.997 and 80 % coverage between 0.78 and
0.86, while single publications vary from 0.954 to 1.023, and from 0.74 to 0.90."""
RECENT_PUBLICATIONS, BREACHES_TO_ALARM = 5, 2
"""A rule alarms when the newest publication breaches it and this is at least the second breach in five: one odd date is not enough."""
LEAST_HORIZONS = 3
"""Horizons that must have come due before a publication is judged: two weeks after a system starts. With two of them, five of 120
real publications would have alarmed, with three none."""
WORST_SKILL, WORST_SKILL_AT_ONCE = 1.00, 1.02
"""Limit of S over a window and at a single publication. A month worse than no change justifies a retrain; so does a sudden miss, which
one of 121 real publications showed alone and no two within five."""
COVERAGE, COVERAGE_AT_ONCE = (0.72, 0.88), (0.65, 0.95)
"""Limits of the coverage of 80 % intervals over a window (the same as the promotion gate's) and at a single publication. There, a step of
2 % in one of the four markets costs 0.13, and is reported as market drift."""
WORST_BIAS = 0.45
"""MXN/l. Limit of the mean of forecast minus actual, 13 publications ahead, over a window. The forecasts are cautious by design: on real
prices it lies between -0.35 and -0.04."""
RECORD_COLUMNS = (
    *("origin", "target", "task", "lead", "series", "milk", "channel", "level", "role", "last_price", "no_change", "forecast"),
    *("lo80", "hi80", "lo95", "hi95", "p_same", "actual"),
)
"""Columns of the track record that the measures need."""
MEASURES = ("forecasts", "mae", "mae_no_change", "bias", "cover80", "cover95", "brier", "changed")


@dataclass(frozen=True)
class Breach:
    """One measure of one publication outside its limits.

    Attributes:
        rule: Name of the accuracy rule.
        publication: Date of the publication.
        figure: The measure, in its own unit.
        limit: What was expected, as text.
    """

    rule: str
    publication: pd.Timestamp
    figure: float
    limit: str

    def __str__(self) -> str:
        return f"{self.publication:%Y-%m-%d}: {_RULE_LABELS[self.rule]}: {self.figure:.3f}, expected {self.limit}"


_RULE_LABELS = {
    "skill": f"error relative to no change, last {WINDOW_PUBLICATIONS} publications",
    "skill_at_once": "error relative to no change",
    "coverage": f"share of prices inside the 80 % interval, last {WINDOW_PUBLICATIONS} publications",
    "coverage_at_once": "share of prices inside the 80 % interval",
    "bias": f"mean error 13 publications ahead, last {WINDOW_PUBLICATIONS} publications, MXN/l",
    "brier": f"Brier score of P(change) relative to a constant rate, last {WINDOW_PUBLICATIONS} publications",
}


def performance_alarm(record: pd.DataFrame, role: str = "champion") -> str | None:
    """Why the served model needs attention, one sentence per rule; None where it does not, or where there is too little data.

    A rule alarms where the newest publication breaches it and at least BREACHES_TO_ALARM of the newest RECENT_PUBLICATIONS do. The
    no-change baseline, served as champion, never breaches the rules on errors.

    Args:
        record: The track record, one row per forecast whose date was published; columns: at least RECORD_COLUMNS.
        role: Role of the model that is judged.

    Raises:
        ValueError: The record lacks columns.
    """
    return "; ".join(str(breach) for breach in alarms(record, role)) or None


def alarms(record: pd.DataFrame, role: str = "champion") -> list[Breach]:
    """The breaches behind `performance_alarm`: for each rule that alarms, the one at the newest publication."""
    history = alarm_history(record, role)
    return history[max(history)] if history else []


def alarm_history(record: pd.DataFrame, role: str = "champion") -> dict[pd.Timestamp, list[Breach]]:
    """Publication → the breaches that alarmed there, as `alarms` would have returned them on its day."""
    days = publications_of(_judged_rows(record, role))
    breaches_by_day: dict[pd.Timestamp, list[Breach]] = {day: [] for day in days}
    for breach in breaches(record, role):
        breaches_by_day[breach.publication].append(breach)
    history = {}
    for index, day in enumerate(days):
        recent_days = days[max(index + 1 - RECENT_PUBLICATIONS, 0) : index + 1]
        recent_rules = [breach.rule for recent_day in recent_days for breach in breaches_by_day[recent_day]]
        history[day] = [breach for breach in breaches_by_day[day] if recent_rules.count(breach.rule) >= BREACHES_TO_ALARM]
    return history


def breaches(record: pd.DataFrame, role: str = "champion") -> list[Breach]:
    """Every measure of every publication that is outside its limits, oldest first."""
    single = rolling_measures(record, window=1, role=role)
    rolling = rolling_measures(record, role=role)
    month = rolling[rolling["dates"] == WINDOW_PUBLICATIONS]
    result = [
        *_outside(single, "skill_at_once", "skill", None, WORST_SKILL_AT_ONCE),
        *_outside(single, "coverage_at_once", "cover80", *COVERAGE_AT_ONCE),
        *_outside(month, "skill", "skill", None, WORST_SKILL),
        *_outside(month, "coverage", "cover80", *COVERAGE),
        *_outside(month, "bias", "bias", -WORST_BIAS, WORST_BIAS),
        *_outside(month, "brier", "brier_ratio", None, 1.0),
    ]
    return sorted(result, key=lambda breach: (breach.publication, breach.rule))


def _outside(table: pd.DataFrame, rule: str, measure: str, low: float | None, high: float) -> list[Breach]:
    """A breach for each row whose measure is outside [low, high]."""
    values = table[measure]
    is_outside = values > high
    limit = f"at most {high:g}"
    if low is not None:
        is_outside |= values < low
        limit = f"{low:g} to {high:g}"
    return [Breach(rule, publication, float(values[publication]), limit) for publication in table.index[is_outside]]


def publications_of(judged: pd.DataFrame) -> list[pd.Timestamp]:
    """The publications at which forecasts of a record came due, ascending."""
    return sorted(judged["target"].unique()) if len(judged) else []


def rolling_measures(record: pd.DataFrame, window: int = WINDOW_PUBLICATIONS, role: str = "champion") -> pd.DataFrame:
    """Measures of the last `window` publications at each publication.

    Errors are averaged over the prices of a date first and over dates second, because prices of one date are not independent.

    Args:
        record: The track record.
        window: Publications to average over.
        role: Role of the model that is measured.

    Returns:
        One row per publication, ascending; NaN where nothing came due.
        skill: S, the mean over HORIZONS of MAE / MAE of no change. mae, mae_no_change: MXN/l.
        bias: mean of forecast minus actual at the longest horizon, MXN/l.
        cover80, cover95: shares of prices inside the intervals, mean over horizons.
        brier: Brier score of P(change) one publication ahead. brier_ratio: the same, relative to always forecasting the mean rate.
        forecasts: mean number of forecasts that came due at a publication. dates: publications in the window, fewer at the start.
    """
    daily = _daily_measures(_judged_rows(record, role), ["target", "lead"])
    wide = {name: daily[name].unstack("lead").reindex(columns=list(HORIZONS)) for name in MEASURES}
    means = {name: table.rolling(window, min_periods=1).mean() for name, table in wide.items()}
    return _over_horizons(means).assign(dates=np.minimum(np.arange(1, len(wide["mae"]) + 1), window))


def _over_horizons(means: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The columns of `rolling_measures`, from one table per measure with a column per horizon."""
    ratio = means["mae"] / means["mae_no_change"].where(means["mae_no_change"] > 0)
    has_enough_horizons = ratio.notna().sum(axis=1) >= LEAST_HORIZONS
    rate = means["changed"][HORIZONS[0]]
    brier = means["brier"][HORIZONS[0]]
    return pd.DataFrame(
        {
            "skill": ratio.mean(axis=1).where(has_enough_horizons),
            "mae": means["mae"].mean(axis=1),
            "mae_no_change": means["mae_no_change"].mean(axis=1),
            "bias": means["bias"][HORIZONS[-1]],
            "cover80": means["cover80"].mean(axis=1).where(has_enough_horizons),
            "cover95": means["cover95"].mean(axis=1).where(has_enough_horizons),
            "brier": brier,
            "brier_ratio": brier / (rate * (1 - rate)).where(rate.between(0, 1, inclusive="neither")),
            "forecasts": means["forecasts"].sum(axis=1),
        }
    )


def recent_measures(
    record: pd.DataFrame, by: Sequence[str], window: int = WINDOW_PUBLICATIONS, role: str = "champion"
) -> pd.DataFrame:
    """Measures of the newest `window` publications, one row per group.

    Args:
        record: The track record.
        by: Columns of the record to group by, for example lead, milk, channel, state.
        window: Publications to average over.
        role: Role of the model that is measured.

    Returns:
        Columns: `by`, dates, MEASURES, and ratio (MAE relative to that of no change). Only HORIZONS count.
    """
    judged = _judged_rows(record, role)
    newest = judged[judged["target"].isin(publications_of(judged)[-window:])]
    daily = _daily_measures(newest, [*by, "target"]).reset_index()
    groups = daily.groupby(list(by), observed=True)
    table = groups.agg(dates=("target", "nunique"), **{name: (name, "mean") for name in MEASURES})
    ratio = table["mae"] / table["mae_no_change"].where(table["mae_no_change"] > 0)
    return table.assign(forecasts=groups["forecasts"].sum(), ratio=ratio).reset_index()


def concatenate_records(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The records of several publications as one; where all are empty, an empty record with RECORD_COLUMNS."""
    frames = [part for part in parts if len(part)]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(RECORD_COLUMNS))


def _judged_rows(record: pd.DataFrame, role: str) -> pd.DataFrame:
    """The rows that count: forecasts of cities and publications at HORIZONS, whose price was published."""
    missing = [name for name in RECORD_COLUMNS if name not in record]
    if missing:
        raise ValueError(f"track record: expected the columns {missing} too, found {list(record.columns)}")
    is_judged = (record["task"] == "publication") & (record["level"] == "city") & (record["role"] == role)
    return record[is_judged & record["lead"].isin(HORIZONS) & record["actual"].notna()]


def _daily_measures(judged: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """MEASURES of each group of `keys`, as means over its prices; forecasts is their number."""
    error = judged["forecast"] - judged["actual"]
    changed = ((judged["actual"] - judged["last_price"]).abs() > PRICE_TOLERANCE).astype(float)
    is_inside = {
        level: judged["actual"].between(judged[f"lo{level}"] - 1e-9, judged[f"hi{level}"] + 1e-9).astype(float)
        for level in ("80", "95")
    }
    values = judged[keys].assign(
        forecasts=1.0,
        mae=error.abs(),
        mae_no_change=(judged["no_change"] - judged["actual"]).abs(),
        bias=error,
        cover80=is_inside["80"],
        cover95=is_inside["95"],
        brier=(1 - judged["p_same"] - changed) ** 2,
        changed=changed,
    )
    groups = values.groupby(keys, observed=True)
    return groups.mean().assign(forecasts=groups["forecasts"].sum())
