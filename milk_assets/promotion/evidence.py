"""Evidence: how challenger, champion and no change did on the same dates, in the sums that every rule is computed from.

Belongs here: from the backtest's rows to sums per date, and their plain form for the ledger. What they mean is the gate's business.
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
DIGITS = 6  # of every sum: a thousandth of a centavo, and a decision is taken from what is recorded, not from what was


@dataclass(frozen=True)
class Evidence:
    """Sums over series, for each of MODELS.

    by_date: one row a model x task x lead x date x segment, in KEYS and SUMS: number of forecasts, sum of absolute errors, of no
    change's absolute errors, of signed errors (MXN/l), number of outcomes inside the 80 % interval, sum of squared errors of
    P(change). date: the target publication; of months, the origin. by_state: model, state, n, error over all judged publications.
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
        """The evidence that `to_document` wrote."""
        return Evidence(pd.DataFrame(dict(values["by_date"])), pd.DataFrame(dict(values["by_state"])))

    def per_date(self, model: str, lead: int, task: str = "publication") -> pd.Series:
        """Mean absolute error of a model at each date, MXN/l, by date in order: rows of one date are not independent."""
        rows = self.by_date[(self.by_date.model == model) & (self.by_date.task == task) & (self.by_date.lead == lead)]
        sums = rows.groupby("date")[["error", "n"]].sum()
        return sums.error / sums.n

    @property
    def window_start(self) -> str | None:
        """The first date that is judged, YYYY-MM-DD; None where nothing is."""
        return None if self.by_date.empty else str(self.by_date.date.min())


def gather(backtest: pd.DataFrame, policy: Policy | None = None) -> Evidence:
    """The evidence in a backtest: the newest dates of each judged horizon that every model has a forecast for.

    backtest: one row a model x origin x target x series, in `forecasting.backtest.COLUMNS`. Rows without an outcome or a forecast
    do not count, and a date that lacks a model counts for none.
    """
    policy = policy or Policy()
    judged = pd.MultiIndex.from_frame(backtest[["task", "lead"]].astype({"task": object})).isin(list(JUDGED))
    known = backtest.actual.notna() & backtest.forecast.notna() & (backtest.level == "city")
    rows = backtest[judged & known.to_numpy()]
    rows = rows.assign(date=rows.target.where(rows.task == "publication", rows.origin))
    seen = rows.groupby(["task", "lead", "date"], as_index=False, observed=True).agg(models=("model", "nunique"))
    shared = seen[seen.models == len(MODELS)].sort_values("date").groupby(["task", "lead"]).tail(policy.dates)
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
    return Evidence(by_date.round(DIGITS), by_state.round(DIGITS))


def ratios(evidence: Evidence) -> pd.DataFrame:
    """Mean absolute errors by model and judged horizon: model, task, lead, dates, mae, mae_no_change, ratio.

    Errors are averaged per date first, then over dates. A horizon or model without any date has no row.
    """
    sums = evidence.by_date.groupby(["model", "task", "lead", "date"], as_index=False)[["n", "error", "no_change"]].sum()
    means = sums.assign(mae=sums.error / sums.n, mae_no_change=sums.no_change / sums.n)
    figures = {"dates": ("date", "nunique"), "mae": ("mae", "mean"), "mae_no_change": ("mae_no_change", "mean")}
    table = means.groupby(["model", "task", "lead"], as_index=False).agg(**figures)
    return table.assign(ratio=table.mae / table.mae_no_change.replace(0.0, np.nan))


def skill(table: pd.DataFrame, model: str) -> float | None:
    """S: mean over judged horizons of a model's MAE over that of no change; below 1 is better. None where one has no figure.

    table: as `ratios` gives it.
    """
    found = by_horizon(table, model)
    return None if len(found) < len(JUDGED) else float(np.mean(list(found.values())))


def by_horizon(table: pd.DataFrame, model: str) -> dict[tuple[str, int], float]:
    """The ratio of a model at each judged horizon that has one."""
    own = table[table.model == model]
    found = dict(zip(zip(own.task, own.lead, strict=True), own.ratio.astype(float), strict=True))
    return {key: found[key] for key in JUDGED if np.isfinite(found.get(key, np.nan))}
