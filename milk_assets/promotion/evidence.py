"""Evidence: errors of challenger, champion and baseline on the same dates, as the sums that every rule is computed from.

Belongs here: from the rows of a backtest to sums per date, and their form in the ledger. Not here: judging them (`promotion.gate`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from milk_assets.promotion.policy import HORIZONS, JUDGED, Policy
from milk_model.features import SAME_PRICE_TOLERANCE

CHALLENGER, CHAMPION, BASELINE = "challenger", "champion", "baseline"
MODELS = (CHALLENGER, CHAMPION, BASELINE)
KEYS = ("model", "task", "lead", "date", "segment")
SUMS = ("n", "error", "no_change", "signed", "inside", "brier")
STATE_KEYS = ("model", "state")
SUM_DECIMALS = (
    6  # of every sum, a ten-thousandth of a centavo: decisions use the recorded values, so that a replay gives the same
)


@dataclass(frozen=True)
class Evidence:
    """Sums over series, for each of MODELS.

    Attributes:
        by_date: One row per model, task, lead, date and segment (KEYS) with SUMS: number of forecasts, sums of absolute errors, of no
            change's absolute errors and of signed errors (MXN/l), number of prices inside the 80 % interval, sum of squared errors
            of P(change). The date is the target publication; for months, the origin.
        by_state: One row per model and state: n and error over all judged publications.
    """

    by_date: pd.DataFrame
    by_state: pd.DataFrame

    def to_document(self) -> dict[str, Any]:
        """Plain values by column, for the ledger."""
        return {
            "by_date": {name: self.by_date[name].tolist() for name in (*KEYS, *SUMS)},
            "by_state": {name: self.by_state[name].tolist() for name in (*STATE_KEYS, "n", "error")},
        }

    @staticmethod
    def from_document(values: Mapping[str, Any]) -> "Evidence":
        """The evidence that `to_document` returned."""
        return Evidence(pd.DataFrame(dict(values["by_date"])), pd.DataFrame(dict(values["by_state"])))

    def per_date(self, model: str, lead: int, task: str = "publication") -> pd.Series:
        """Mean absolute error of a model at each date, MXN/l, dates ascending. Rows of one date are not independent."""
        rows = self.by_date[(self.by_date.model == model) & (self.by_date.task == task) & (self.by_date.lead == lead)]
        sums = rows.groupby("date")[["error", "n"]].sum()
        return sums.error / sums.n

    @property
    def window_start(self) -> str | None:
        """The first date that is judged, YYYY-MM-DD; None without any."""
        return None if self.by_date.empty else str(self.by_date.date.min())


def gather(backtest: pd.DataFrame, policy: Policy | None = None) -> Evidence:
    """The evidence in a backtest: the newest dates of each judged horizon that every model has a forecast for.

    Rows without a published price or a forecast do not count. A date that lacks one model does not count for any.

    Args:
        backtest: One row per model, origin, target and series, as `forecasting.evaluation.backtest` returns it.
        policy: Thresholds; by default this release's.
    """
    policy = policy or Policy()
    judged = pd.MultiIndex.from_frame(backtest[["task", "lead"]].astype({"task": object})).isin(list(JUDGED))
    complete = backtest.actual.notna() & backtest.forecast.notna() & (backtest.level == "city")
    rows = backtest[judged & complete.to_numpy()]
    rows = rows.assign(date=rows.target.where(rows.task == "publication", rows.origin))
    models_by_date = rows.groupby(["task", "lead", "date"], as_index=False, observed=True).agg(models=("model", "nunique"))
    shared = models_by_date[models_by_date.models == len(MODELS)].sort_values("date").groupby(["task", "lead"]).tail(policy.dates)
    rows = rows.merge(shared[["task", "lead", "date"]], on=["task", "lead", "date"])
    changed = (rows.actual - rows.last_price).abs() > SAME_PRICE_TOLERANCE
    rows = rows.assign(
        date=rows.date.dt.strftime("%Y-%m-%d"),
        segment=rows.milk.astype(str) + "/" + rows.channel.astype(str),
        n=1,
        error=(rows.forecast - rows.actual).abs(),
        no_change=(rows.no_change - rows.actual).abs(),
        signed=rows.forecast - rows.actual,
        inside=((rows.lo80 - 1e-9 <= rows.actual) & (rows.actual <= rows.hi80 + 1e-9)).astype(int),
        brier=(1 - rows.p_same - changed) ** 2,
    )
    by_date = rows.groupby(list(KEYS), as_index=False, observed=True)[list(SUMS)].sum()
    published = rows[(rows.task == "publication") & rows.lead.isin(HORIZONS)]
    by_state = published.groupby(list(STATE_KEYS), as_index=False, observed=True)[["n", "error"]].sum()
    return Evidence(by_date.round(SUM_DECIMALS), by_state.round(SUM_DECIMALS))


def ratios(evidence: Evidence) -> pd.DataFrame:
    """Mean absolute errors by model and judged horizon: model, task, lead, dates, mae, mae_no_change, ratio.

    Errors are averaged per date first, then over dates. Horizons and models without any date have no row.
    """
    sums = evidence.by_date.groupby(["model", "task", "lead", "date"], as_index=False)[["n", "error", "no_change"]].sum()
    means = sums.assign(mae=sums.error / sums.n, mae_no_change=sums.no_change / sums.n)
    figures = {"dates": ("date", "nunique"), "mae": ("mae", "mean"), "mae_no_change": ("mae_no_change", "mean")}
    table = means.groupby(["model", "task", "lead"], as_index=False).agg(**figures)
    return table.assign(ratio=table.mae / table.mae_no_change.replace(0.0, np.nan))


def skill(table: pd.DataFrame, model: str) -> float | None:
    """S: mean over judged horizons of a model's MAE over that of no change; below 1 is better. None if a horizon has no ratio.

    Args:
        table: As `ratios` returns it.
        model: One of MODELS.
    """
    ratio_by_horizon = by_horizon(table, model)
    return None if len(ratio_by_horizon) < len(JUDGED) else float(np.mean(list(ratio_by_horizon.values())))


def by_horizon(table: pd.DataFrame, model: str) -> dict[tuple[str, int], float]:
    """The ratio of a model at each judged horizon that has one."""
    rows = table[table.model == model]
    ratio_by_horizon = dict(zip(zip(rows.task, rows.lead, strict=True), rows.ratio.astype(float), strict=True))
    return {key: ratio_by_horizon[key] for key in JUDGED if np.isfinite(ratio_by_horizon.get(key, np.nan))}
