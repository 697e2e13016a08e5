"""The backtest at a glance: a Markdown summary and a plot of its score table.

Belongs here: how scores are shown to people. How they are made stands in `scores`.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from milk_assets.forecasting.evaluation.scores import ALL_LEADS, ALL_SEGMENTS

if TYPE_CHECKING:
    import pandas as pd

UNITS = {"publication": "publications", "month": "months"}
_HEADER = "| lead | origins | MAE | no change | ratio | bias | in 80 % | in 95 % | AUC of a change | Brier |"


def summary(scores: pd.DataFrame, model: str) -> str:
    """Markdown tables of one model's scores on city series: by lead, then by segment. Raises ValueError when it has none."""
    own = _of(scores, model)
    parts = [f"## {model}: forecasts of city series beside no change"]
    for task, unit in UNITS.items():
        by_lead = own[(own["task"] == task) & (own["segment"] == ALL_SEGMENTS)]
        if by_lead.empty:
            continue
        lines = [_line(_lead(int(row["lead"]), unit), row) for _, row in by_lead.iterrows()]
        parts.append("\n".join([f"### {unit.capitalize()} ahead", "", _HEADER, _rule(_HEADER), *lines]))
    by_segment = own[(own["lead"] == ALL_LEADS) & (own["segment"] != ALL_SEGMENTS)]
    lines = [_line(f"{row['segment']}, {UNITS[row['task']]}", row) for _, row in by_segment.iterrows()]
    parts.append("\n".join(["### By segment, all leads", "", _HEADER.replace("lead", "segment"), _rule(_HEADER), *lines]))
    return "\n\n".join(parts) + "\n"


def plot(scores: pd.DataFrame) -> bytes:
    """A PNG of each model's error relative to no change, by lead, publications beside months; below 1 is better."""
    from matplotlib.figure import Figure

    chosen = scores[(scores["level"] == "city") & (scores["segment"] == ALL_SEGMENTS) & (scores["lead"] != ALL_LEADS)]
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    for axes, (task, unit) in zip(figure.subplots(1, 2, sharey=True), UNITS.items(), strict=True):
        for model, part in chosen[chosen["task"] == task].groupby("model"):
            axes.plot(part["lead"], part["ratio"], marker="o", markersize=3, label=str(model))
        axes.set_xlabel(f"{unit} ahead")
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("error / error of no change")
    figure.axes[0].legend(frameon=False)
    drawn = BytesIO()
    # without the metadata the same scores give the same bytes
    figure.savefig(drawn, format="png", dpi=110, metadata={"Software": None})
    return drawn.getvalue()


def _of(scores: pd.DataFrame, model: str) -> pd.DataFrame:
    own = scores[(scores["model"] == model) & (scores["level"] == "city")]
    if own.empty:
        raise ValueError(f"no scores of model {model!r} on city series; the table holds {sorted(scores['model'].unique())}")
    return own


def _lead(lead: int, unit: str) -> str:
    if lead == ALL_LEADS:
        return "1 to 13" if unit == "publications" else "1 to 6"
    return "running month" if unit == "months" and lead == 0 else str(lead)


def _line(name: str, row: pd.Series) -> str:
    figures = (
        row["mae"],
        row["mae_no_change"],
        row["ratio"],
        row["bias"],
        row["cover80"],
        row["cover95"],
        row["auc"],
        row["brier"],
    )
    return f"| {name} | {int(row['origins'])} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |"


def _rule(header: str) -> str:
    return "| --- |" + " ---: |" * (header.count("|") - 2)
