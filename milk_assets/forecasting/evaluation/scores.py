"""Scores: how accurate forecasts were, computed from the backtest's table.

Belongs here: the measures, and the table of them that the gate, the report and the drift monitor read. Not here: decisions based on
them, see `milk_assets.promotion`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from milk_model.features import SAME_PRICE_TOLERANCE

if TYPE_CHECKING:
    import pandas as pd

ALL_LEADS = -1  # lead of the rows that cover all headline leads of a task
ALL_SEGMENTS = "all"
HEADLINE_LEADS = {"publication": (1, 13), "month": (1, 6)}  # first and last


def score_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Scores of each model x level x task x lead x segment.

    Args:
        frame: The backtest's table.

    Returns:
        One row per combination, with the measures of `scores`. Rows with lead ALL_LEADS cover HEADLINE_LEADS, rows with segment
        ALL_SEGMENTS cover all segments.

    Raises:
        ValueError: The table is empty.
    """
    import pandas as pd

    if frame.empty:
        raise ValueError("the backtest's table is empty: no forecast has reached its target date yet")
    segments = frame["milk"].astype(str) + "/" + frame["channel"].astype(str)
    rows = []
    for (model, level, task), group in frame.groupby(["model", "level", "task"], sort=True):
        first, last = HEADLINE_LEADS[str(task)]
        in_lead = {ALL_LEADS: group["lead"].between(first, last)}
        in_lead |= {int(lead): group["lead"] == lead for lead in sorted(group["lead"].unique())}
        group_segments = segments.loc[group.index]
        for lead, has_lead in in_lead.items():
            for segment in (ALL_SEGMENTS, *sorted(group_segments.unique())):
                has_segment = has_lead if segment == ALL_SEGMENTS else has_lead & (group_segments == segment)
                chosen = group[has_segment]
                if len(chosen):
                    keys = {"model": model, "level": level, "task": task, "lead": lead, "segment": segment}
                    rows.append(keys | scores(chosen))
    return pd.DataFrame(rows)


def scores(frame: pd.DataFrame) -> dict[str, float]:
    """The measures over all rows of a backtest table.

    Returns:
        n and origins (rows and dates), mae and mae_no_change (MXN/l), ratio of the two, bias (mean of forecast minus actual, MXN/l),
        brier and auc of the chance of a change, cover80, cover95, and score80, score95 (mean interval score, MXN/l). A measure that is
        not defined is NaN.
    """
    columns = ("actual", "forecast", "no_change", "lo80", "hi80", "lo95", "hi95", "p_same", "last_price")
    values = {name: frame[name].to_numpy(dtype=float) for name in columns}
    actual = values["actual"]
    error, no_change_error = values["forecast"] - actual, values["no_change"] - actual
    mae, mae_no_change = float(np.abs(error).mean()), float(np.abs(no_change_error).mean())
    has_changed = np.abs(actual - values["last_price"]) > SAME_PRICE_TOLERANCE
    chance_of_change = 1 - values["p_same"]
    measures = {
        "n": len(frame),
        "origins": frame["origin"].nunique(),
        "mae": mae,
        "mae_no_change": mae_no_change,
        "ratio": mae / mae_no_change if mae_no_change > 0 else np.nan,
        "bias": float(error.mean()),
        "brier": float(np.mean((chance_of_change - has_changed) ** 2)),
        "auc": area_under_curve(chance_of_change, has_changed),
    }
    for name, nominal in (("80", 0.80), ("95", 0.95)):
        low, high = values[f"lo{name}"], values[f"hi{name}"]
        measures[f"cover{name}"] = float(((low - 1e-9 <= actual) & (actual <= high + 1e-9)).mean())
        measures[f"score{name}"] = float(interval_score(actual, low, high, nominal).mean())
    return measures


def interval_score(actual: NDArray[Any], low: NDArray[Any], high: NDArray[Any], nominal: float) -> NDArray[Any]:
    """Width plus 2/alpha times the miss, with alpha = 1 - nominal. Lower is better.

    Source: Gneiting and Raftery 2007, equation 43.

    Args:
        actual: (R,) MXN/l.
        low: (R,) lower ends, MXN/l.
        high: (R,) upper ends, MXN/l.
        nominal: Coverage that the intervals are meant to have.

    Returns:
        (R,) MXN/l.
    """
    penalty = 2.0 / (1.0 - nominal)
    return np.asarray(high - low + penalty * (np.maximum(low - actual, 0.0) + np.maximum(actual - high, 0.0)))


def area_under_curve(score: NDArray[Any], positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting half (Mann and Whitney 1947).

    Args:
        score: (R,).
        positive: (R,).

    Returns:
        In [0, 1]; NaN without both positives and negatives.
    """
    positive_count, negative_count = int(positive.sum()), int((~positive).sum())
    if not positive_count or not negative_count:
        return float("nan")
    _, value_index, count = np.unique(score, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(count) - (count - 1) / 2
    rank_sum = mean_rank[value_index][positive].sum()
    return float((rank_sum - positive_count * (positive_count + 1) / 2) / (positive_count * negative_count))
