"""Scores: how good forecasts were, from the backtest's table.

Belongs here: the measures, and the table of them that gate, report and drift monitor read. Verdicts on them do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from milk_model.features import SAME

if TYPE_CHECKING:
    import pandas as pd

ALL_LEADS = -1  # the row over all leads of a task: publications 1 to 13, months 1 to 6
ALL_SEGMENTS = "all"
_HEADLINE = {"publication": (1, 13), "month": (1, 6)}


def score_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Scores of each model x level x task x lead x segment; lead ALL_LEADS and segment ALL_SEGMENTS are the sums over them.

    frame: the backtest's table. Columns: n and origins (rows and dates behind it), mae and mae_no_change (MXN/l), ratio of the
    two, bias (mean of forecast minus actual, MXN/l), cover80, cover95, score80, score95 (mean interval score, MXN/l), brier and
    auc of the chance of a change. A figure that cannot be had is NaN.
    """
    import pandas as pd

    if frame.empty:
        raise ValueError("the backtest's table is empty: no forecast has met its target yet")
    segments = frame["milk"].astype(str) + "/" + frame["channel"].astype(str)
    rows = []
    for (model, level, task), part in frame.groupby(["model", "level", "task"], sort=True):
        first, last = _HEADLINE[str(task)]
        leads = {ALL_LEADS: part["lead"].between(first, last)} | {
            int(lead): part["lead"] == lead for lead in sorted(part["lead"].unique())
        }
        names = segments.loc[part.index]
        for lead, in_lead in leads.items():
            for segment in (ALL_SEGMENTS, *sorted(names.unique())):
                chosen = part[in_lead] if segment == ALL_SEGMENTS else part[in_lead & (names == segment)]
                if len(chosen):
                    keys = {"model": model, "level": level, "task": task, "lead": lead, "segment": segment}
                    rows.append(keys | scores(chosen))
    return pd.DataFrame(rows)


def scores(frame: pd.DataFrame) -> dict[str, float]:
    """The measures of `score_table` over all rows of a table."""
    value = {
        name: frame[name].to_numpy(dtype=float)
        for name in ("actual", "forecast", "no_change", "lo80", "hi80", "lo95", "hi95", "p_same")
    }
    error, naive = value["forecast"] - value["actual"], value["no_change"] - value["actual"]
    mae, mae_no_change = float(np.abs(error).mean()), float(np.abs(naive).mean())
    changed = np.abs(value["actual"] - frame["last_price"].to_numpy(dtype=float)) > SAME
    measures = {
        "n": len(frame),
        "origins": frame["origin"].nunique(),
        "mae": mae,
        "mae_no_change": mae_no_change,
        "ratio": mae / mae_no_change if mae_no_change > 0 else np.nan,
        "bias": float(error.mean()),
        "brier": float(np.mean((1 - value["p_same"] - changed) ** 2)),
        "auc": area_under_curve(1 - value["p_same"], changed),
    }
    for name, nominal in (("80", 0.80), ("95", 0.95)):
        low, high = value[f"lo{name}"], value[f"hi{name}"]
        measures[f"cover{name}"] = float(((low - 1e-9 <= value["actual"]) & (value["actual"] <= high + 1e-9)).mean())
        measures[f"score{name}"] = float(interval_score(value["actual"], low, high, nominal).mean())
    return measures


def interval_score(actual: NDArray[Any], low: NDArray[Any], high: NDArray[Any], nominal: float) -> NDArray[Any]:
    """Width plus 2/alpha times the miss, alpha = 1 - nominal; lower is better (Gneiting and Raftery 2007, eq. 43)."""
    penalty = 2.0 / (1.0 - nominal)
    return np.asarray(high - low + penalty * (np.maximum(low - actual, 0.0) + np.maximum(actual - high, 0.0)))


def area_under_curve(score: NDArray[Any], positive: NDArray[np.bool_]) -> float:
    """Chance that a positive scores above a negative, ties counting half (Mann and Whitney); NaN without both."""
    number, others = int(positive.sum()), int((~positive).sum())
    if not number or not others:
        return float("nan")
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = np.cumsum(count) - (count - 1) / 2
    return float((rank[place][positive].sum() - number * (number + 1) / 2) / (number * others))
