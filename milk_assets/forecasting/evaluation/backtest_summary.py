"""Backtest summary: a Markdown summary and a plot of the backtest's score table.

Belongs here: showing scores to people. Not here: computing them, see `scores`.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from milk_assets.forecasting.evaluation.scores import ALL_LEADS, ALL_SEGMENTS

if TYPE_CHECKING:
    import pandas as pd

TASK_UNITS = {"publication": "publications", "month": "months"}
_HEADER = "| lead | origins | MAE | no change | ratio | bias | in 80 % | in 95 % | AUC of a change | Brier |"


def summary(scores: pd.DataFrame, model: str) -> str:
    """Markdown tables of one model's scores on city series, by lead and then by segment.

    Args:
        scores: The table of `score_table`.
        model: Name of the model.

    Raises:
        ValueError: The table has no scores of the model on city series.
    """
    of_model = _city_scores(scores, model)
    parts = [f"## {model}: forecasts of city series compared with no change"]
    for task, unit in TASK_UNITS.items():
        by_lead = of_model[(of_model["task"] == task) & (of_model["segment"] == ALL_SEGMENTS)]
        if by_lead.empty:
            continue
        lines = [_table_row(_lead_label(int(row["lead"]), unit), row) for _, row in by_lead.iterrows()]
        parts.append("\n".join([f"### {unit.capitalize()} ahead", "", _HEADER, _separator(_HEADER), *lines]))
    by_segment = of_model[(of_model["lead"] == ALL_LEADS) & (of_model["segment"] != ALL_SEGMENTS)]
    lines = [_table_row(f"{row['segment']}, {TASK_UNITS[row['task']]}", row) for _, row in by_segment.iterrows()]
    header = _HEADER.replace("lead", "segment")
    parts.append("\n".join(["### By segment, all leads", "", header, _separator(header), *lines]))
    return "\n\n".join(parts) + "\n"


def plot(scores: pd.DataFrame) -> bytes:
    """A PNG of each model's error relative to no change, by lead, publications on the left and months on the right. Below 1 is better."""
    from matplotlib.figure import Figure

    chosen = scores[(scores["level"] == "city") & (scores["segment"] == ALL_SEGMENTS) & (scores["lead"] != ALL_LEADS)]
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    for axes, (task, unit) in zip(figure.subplots(1, 2, sharey=True), TASK_UNITS.items(), strict=True):
        for model, part in chosen[chosen["task"] == task].groupby("model"):
            axes.plot(part["lead"], part["ratio"], marker="o", markersize=3, label=str(model))
        axes.set_xlabel(f"{unit} ahead")
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("error / error of no change")
    figure.axes[0].legend(frameon=False)
    content = BytesIO()
    # no metadata, so that the same scores give the same bytes
    figure.savefig(content, format="png", dpi=110, metadata={"Software": None})
    return content.getvalue()


def _city_scores(scores: pd.DataFrame, model: str) -> pd.DataFrame:
    of_model = scores[(scores["model"] == model) & (scores["level"] == "city")]
    if of_model.empty:
        raise ValueError(f"no scores of model {model!r} on city series; the table holds {sorted(scores['model'].unique())}")
    return of_model


def _lead_label(lead: int, unit: str) -> str:
    if lead == ALL_LEADS:
        return "1 to 13" if unit == "publications" else "1 to 6"
    return "running month" if unit == "months" and lead == 0 else str(lead)


def _table_row(name: str, row: pd.Series) -> str:
    columns = ("mae", "mae_no_change", "ratio", "bias", "cover80", "cover95", "auc", "brier")
    return f"| {name} | {int(row['origins'])} | " + " | ".join(f"{row[column]:.3f}" for column in columns) + " |"


def _separator(header: str) -> str:
    return "| --- |" + " ---: |" * (header.count("|") - 2)
