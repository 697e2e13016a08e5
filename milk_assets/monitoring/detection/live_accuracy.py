"""Live accuracy: how issued forecasts fared once their dates were published, and when that calls for a new model.

Belongs here: measures over the track record, the alarm, the document the endpoint shows. Joining forecasts with prices, retraining
and the floor are elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from milk_assets.promotion.policy import HORIZONS
from milk_model.features import SAME_PRICE_TOLERANCE

WINDOW = 13
"""Publications in a rolling measure: a month. On 109 real windows S stays within 0.976 and 0.997 and 80 % coverage within 0.78 and
0.86, while single publications swing between 0.954 and 1.023, and 0.74 and 0.90."""
RECENT, OFTEN = 5, 2
"""An alarm is a breach at the newest publication that is at least the second one of the last five: one odd date is no news."""
LEAST_HORIZONS = 3
"""Horizons that must have come due before a publication is judged: two weeks after a system began. With two of them, five of 120
real publications would have alarmed, with three none."""
WORST_SKILL, WORST_SKILL_AT_ONCE = 1.00, 1.02
"""S over a window and of a single publication. Worse than no change for a month is worth a retrain; so is a sudden miss, which one
of 121 real publications showed alone and no two of five together."""
COVERAGE, COVERAGE_AT_ONCE = (0.72, 0.88), (0.65, 0.95)
"""What 80 % intervals may cover over a window (the gate's own band) and at a single publication: there, a step of 2 % on one market of
four costs 0.13, and is drift's to tell."""
WORST_BIAS = 0.45
"""MXN/l, mean of forecast minus actual 13 publications ahead over a window. The forecasts are cautious by design: on real prices it
lies between -0.35 and -0.04."""
REQUIRED = (
    *("origin", "target", "task", "lead", "series", "milk", "channel", "level", "role", "last_price", "no_change", "forecast"),
    *("lo80", "hi80", "lo95", "hi95", "p_same", "actual"),
)
MEASURES = ("forecasts", "mae", "mae_no_change", "bias", "cover80", "cover95", "brier", "changed")


@dataclass(frozen=True)
class Breach:
    """One measure of one publication outside its limits. rule: its name; figure and limit in the measure's own unit."""

    rule: str
    publication: pd.Timestamp
    figure: float
    limit: str

    def __str__(self) -> str:
        return f"{self.publication:%Y-%m-%d}: {_WORDS[self.rule]} {self.figure:.3f}, expected {self.limit}"


_WORDS = {
    "skill": f"error over that of no change, last {WINDOW} publications,",
    "skill_at_once": "error over that of no change",
    "coverage": f"share of prices inside 80 % intervals, last {WINDOW} publications,",
    "coverage_at_once": "share of prices inside 80 % intervals",
    "bias": f"mean error 13 publications ahead, last {WINDOW} publications, MXN/l,",
    "brier": f"Brier score of P(change) over that of its mean rate, last {WINDOW} publications,",
}


def performance_alarm(record: pd.DataFrame, role: str = "champion") -> str | None:
    """Why the served model needs looking at, in a sentence a rule; None where it does not, or too little is known.

    record: the track record, one row a resolved forecast (see REQUIRED). A rule alarms where the newest publication breaches it and
    OFTEN of the newest RECENT do. "No change" served as champion never breaches the rules of error. Raises ValueError on a record
    without the columns it needs.
    """
    found = alarms(record, role)
    return "; ".join(str(breach) for breach in found) or None


def alarms(record: pd.DataFrame, role: str = "champion") -> list[Breach]:
    """The breaches behind `performance_alarm`, one a rule that alarms: that of the newest publication."""
    history = alarm_history(record, role)
    return history[max(history)] if history else []


def alarm_history(record: pd.DataFrame, role: str = "champion") -> dict[pd.Timestamp, list[Breach]]:
    """Publication → the breaches that alarmed there, as `alarms` would have said on its day."""
    days = publications_of(_judged(record, role))
    seen: dict[pd.Timestamp, list[Breach]] = {day: [] for day in days}
    for breach in breaches(record, role):
        seen[breach.publication].append(breach)
    history = {}
    for place, day in enumerate(days):
        recent = [breach.rule for other in days[max(place + 1 - RECENT, 0) : place + 1] for breach in seen[other]]
        history[day] = [breach for breach in seen[day] if recent.count(breach.rule) >= OFTEN]
    return history


def breaches(record: pd.DataFrame, role: str = "champion") -> list[Breach]:
    """Every measure of every publication that is outside its limits, oldest first."""
    once, month = rolling(record, window=1, role=role), rolling(record, role=role)
    found: list[Breach] = []
    for table, rules in (
        (once, (("skill_at_once", "skill", None, WORST_SKILL_AT_ONCE), ("coverage_at_once", "cover80", *COVERAGE_AT_ONCE))),
        (
            month[month["dates"] == WINDOW],
            (
                ("skill", "skill", None, WORST_SKILL),
                ("coverage", "cover80", *COVERAGE),
                ("bias", "bias", -WORST_BIAS, WORST_BIAS),
                ("brier", "brier_ratio", None, 1.0),
            ),
        ),
    ):
        for rule, measure, low, high in rules:
            values = table[measure]
            out = (values > high) | ((values < low) if low is not None else False)
            limit = f"at most {high:g}" if low is None else f"{low:g} to {high:g}"
            found += [Breach(rule, when, float(values[when]), limit) for when in table.index[out]]
    return sorted(found, key=lambda breach: (breach.publication, breach.rule))


def publications_of(judged: pd.DataFrame) -> list[pd.Timestamp]:
    """The publications at which forecasts of a record came due, ascending."""
    return sorted(judged["target"].unique()) if len(judged) else []


def rolling(record: pd.DataFrame, window: int = WINDOW, role: str = "champion") -> pd.DataFrame:
    """Measures of the last `window` publications at each publication, rows by publication, ascending.

    skill: S, the mean over HORIZONS of MAE / MAE of no change. bias: at the furthest horizon, MXN/l, mean of forecast minus actual.
    cover80, cover95: shares inside, mean over horizons. brier: of P(change) one publication ahead; brier_ratio: over that of always
    saying the rate of the same rows. Each is averaged a date first, then over dates: prices of one date are not independent.
    forecasts: that came due at a publication, on average. dates: publications in the window, fewer at the start. NaN where nothing
    came due.
    """
    daily = _daily(_judged(record, role), ["target", "lead"])
    wide = {name: daily[name].unstack("lead").reindex(columns=list(HORIZONS)) for name in MEASURES}
    mean = {name: table.rolling(window, min_periods=1).mean() for name, table in wide.items()}
    return _summary(mean).assign(dates=np.minimum(np.arange(1, len(wide["mae"]) + 1), window))


def _summary(mean: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The measures of `rolling` from mean measures by horizon: a frame a measure, a column a horizon."""
    ratio = mean["mae"] / mean["mae_no_change"].where(mean["mae_no_change"] > 0)
    enough = ratio.notna().sum(axis=1) >= LEAST_HORIZONS
    rate = mean["changed"][HORIZONS[0]]
    return pd.DataFrame(
        {
            "skill": ratio.mean(axis=1).where(enough),
            "mae": mean["mae"].mean(axis=1),
            "mae_no_change": mean["mae_no_change"].mean(axis=1),
            "bias": mean["bias"][HORIZONS[-1]],
            "cover80": mean["cover80"].mean(axis=1).where(enough),
            "cover95": mean["cover95"].mean(axis=1).where(enough),
            "brier": mean["brier"][HORIZONS[0]],
            "brier_ratio": mean["brier"][HORIZONS[0]] / (rate * (1 - rate)).where(rate.between(0, 1, inclusive="neither")),
            "forecasts": mean["forecasts"].sum(axis=1),
        }
    )


def measured(record: pd.DataFrame, by: Sequence[str], window: int = WINDOW, role: str = "champion") -> pd.DataFrame:
    """Measures of the newest `window` publications, one row a group.

    by: columns of the record, for example lead, milk, channel, state. Columns: by, dates, MEASURES, ratio (MAE over that of no
    change). Only HORIZONS count.
    """
    judged = _judged(record, role)
    newest = judged[judged["target"].isin(publications_of(judged)[-window:])]
    daily = _daily(newest, [*by, "target"]).reset_index()
    table = daily.groupby(list(by), observed=True).agg(dates=("target", "nunique"), **{name: (name, "mean") for name in MEASURES})
    totals = daily.groupby(list(by), observed=True)["forecasts"].sum()
    return table.assign(
        forecasts=totals, ratio=table["mae"] / table["mae_no_change"].where(table["mae_no_change"] > 0)
    ).reset_index()


def as_document(record: pd.DataFrame, role: str = "champion", publications: int = 78) -> dict[str, Any]:
    """The live accuracy in plain values, without NaN: what the endpoint, the metrics and the dashboard show.

    newest: `rolling` at the newest publication. history: the same for the newest `publications`. by_horizon, by_segment: `measured`.
    versions: whose forecasts came due there; version: the one that was served last. alarm: `performance_alarm`; alarms: the same,
    one a rule. Empty lists and None where nothing came due yet.
    """
    table, alarming = rolling(record, role=role), alarms(record, role)
    history = table.tail(publications).reset_index(names="publication")
    rows = _plain(history.assign(publication=history["publication"].map(lambda day: f"{day:%Y-%m-%d}")))
    served = record[(record["role"] == role) & (record["target"] == table.index.max())] if len(table) else record.iloc[:0]
    return {
        "schema": 1,
        "publication": rows[-1]["publication"] if rows else None,
        "window": WINDOW,
        "horizons": list(HORIZONS),
        "versions": sorted({str(version) for version in served.get("model_version", [])}),
        "version": str(served.sort_values("origin")["model_version"].iloc[-1])
        if "model_version" in served and len(served)
        else None,
        "newest": rows[-1] if rows else None,
        "by_horizon": _plain(measured(record, ["lead"], role=role)) if rows else [],
        "by_segment": _plain(measured(record, ["milk", "channel"], role=role)) if rows else [],
        "history": rows,
        "alarm": "; ".join(map(str, alarming)) or None,
        "alarms": [{"rule": breach.rule, "text": str(breach)} for breach in alarming],
    }


def _judged(record: pd.DataFrame, role: str) -> pd.DataFrame:
    """The rows that measures are made of: cities, publications, HORIZONS, with an outcome."""
    missing = [name for name in REQUIRED if name not in record]
    if missing:
        raise ValueError(f"track record: expected the columns {missing} too, found {list(record.columns)}")
    kept = (record["task"] == "publication") & (record["level"] == "city") & (record["role"] == role)
    return record[kept & record["lead"].isin(HORIZONS) & record["actual"].notna()]


def _daily(judged: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """MEASURES of each date and whatever else is in `keys`: means over its prices."""
    error = judged["forecast"] - judged["actual"]
    changed = ((judged["actual"] - judged["last_price"]).abs() > SAME_PRICE_TOLERANCE).astype(float)
    inside = {
        name: judged["actual"].between(judged[f"lo{name}"] - 1e-9, judged[f"hi{name}"] + 1e-9).astype(float)
        for name in ("80", "95")
    }
    values = judged[keys].assign(
        forecasts=1.0,
        mae=error.abs(),
        mae_no_change=(judged["no_change"] - judged["actual"]).abs(),
        bias=error,
        cover80=inside["80"],
        cover95=inside["95"],
        brier=(1 - judged["p_same"] - changed) ** 2,
        changed=changed,
    )
    groups = values.groupby(keys, observed=True)
    return groups.mean().assign(forecasts=groups["forecasts"].sum())


def _plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): _value(value) for name, value in row.items()} for row in table.to_dict("records")]


def _value(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return round(float(value), 6) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value


def concatenated(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The records of several publications as one; an empty record of the right columns where there is none."""
    frames = [part for part in parts if len(part)]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(REQUIRED))
