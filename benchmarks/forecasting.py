"""Forecasts beside their peers: one run, the same origins, the same targets.

    pip install -r requirements/benchmark.txt        # the peers are no dependency of the product
    python benchmarks/forecasting.py --workbook Leche31032025.xlsx [--from 2024-04-01] [--out FILE.csv]

Belongs here: peers as functions from a price history to a path of publications, and their scores. Origins are the last publications of
months, so that publications ahead and months ahead are judged from the same dates. Every peer sees prices up to the origin only, blanks
carried forward; a month is the mean of its part of the path. The product's own forecasts come from its own code, fitted at each origin.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from milk_assets.forecasting.evaluation.backtest import backtest
from milk_assets.forecasting.hyperparameters import Hyperparameters
from milk_assets.forecasting.model import expected_dates
from milk_assets.forecasting.panel import Panel, build_panel
from milk_assets.sniim.workbook import read_workbook
from milk_model.features import carried_forward
from milk_model.targets import Window, windows_from

Path_ = np.ndarray  # (H, N): a price for each of the next H publications and each series, MXN/l
SEASON = 13  # publications: a month. A year of them is longer than the history at most origins
LAGS = [1, 2, 3, 6, 13]


def no_change(prices: np.ndarray, panel: Panel, steps: int) -> Path_:
    """The last price, for ever."""
    return np.repeat(prices[-1:], steps, axis=0)


def seasonal_naive(prices: np.ndarray, panel: Panel, steps: int) -> Path_:
    """The price a month of publications before, repeated."""
    return prices[len(prices) - SEASON + np.arange(steps) % SEASON]


def drift(prices: np.ndarray, panel: Panel, steps: int) -> Path_:
    """The line through the first and the last price of each series."""
    known = np.isfinite(prices)
    first = known.argmax(axis=0)
    slope = (prices[-1] - prices[first, np.arange(prices.shape[1])]) / np.maximum(len(prices) - 1 - first, 1)
    return prices[-1] + np.arange(1, steps + 1)[:, None] * slope


def auto_ets(prices: np.ndarray, panel: Panel, steps: int) -> Path_:
    """Exponential smoothing chosen series by series (statsforecast)."""
    from statsforecast.models import AutoETS

    return _statistical(prices, steps, AutoETS(season_length=1))


def auto_theta(prices: np.ndarray, panel: Panel, steps: int) -> Path_:
    """Theta models chosen series by series (statsforecast)."""
    from statsforecast.models import AutoTheta

    return _statistical(prices, steps, AutoTheta(season_length=1))


def mlforecast_xgboost(prices: np.ndarray, panel: Panel, steps: int) -> Path_:
    """MLForecast on differences, XGBoost, squared error."""
    from xgboost import XGBRegressor

    return _recursive(prices, panel, steps, XGBRegressor(n_estimators=140, max_depth=6, learning_rate=0.06, n_jobs=2))


def mlforecast_lightgbm(prices: np.ndarray, panel: Panel, steps: int) -> Path_:
    """MLForecast on differences, LightGBM, squared error."""
    from lightgbm import LGBMRegressor

    return _recursive(prices, panel, steps, LGBMRegressor(n_estimators=140, learning_rate=0.06, n_jobs=2, verbosity=-1))


def level_xgboost(prices: np.ndarray, panel: Panel, steps: int) -> Path_:
    """The level as target, one-hot names, the last price and the mean of the last seven: the usual first attempt, walked step by step."""
    from xgboost import XGBRegressor

    names = pd.DataFrame(vars(panel.names))[["state", "city", "milk", "channel"]]
    hot = pd.get_dummies(names).to_numpy(dtype=np.float32)
    rows, target = [], []
    for row in range(7, len(prices)):
        rows.append(np.column_stack([hot, prices[row - 1], prices[row - 7 : row].mean(axis=0)]))
        target.append(prices[row])
    x, y = np.concatenate(rows), np.concatenate(target)
    kept = np.isfinite(x).all(axis=1) & np.isfinite(y)
    model = XGBRegressor(n_estimators=200, max_depth=6, learning_rate=0.1, n_jobs=2).fit(x[kept], y[kept])
    walked = list(prices[-7:])
    for _ in range(steps):
        walked.append(model.predict(np.column_stack([hot, walked[-1], np.mean(walked[-7:], axis=0)])))
    return np.array(walked[7:])


PEERS: dict[str, Callable[[np.ndarray, Panel, int], Path_]] = {
    "no change": no_change,
    "seasonal naive": seasonal_naive,
    "drift": drift,
    "AutoETS": auto_ets,
    "AutoTheta": auto_theta,
    "MLForecast, XGBoost": mlforecast_xgboost,
    "MLForecast, LightGBM": mlforecast_lightgbm,
    "level XGBoost": level_xgboost,
}


def compare(panel: Panel, first: date) -> tuple[pd.DataFrame, dict[str, float]]:
    """Absolute errors of every method on the rows all of them forecast, and the seconds each took."""
    months = panel.dates.astype("datetime64[M]")
    ends = panel.dates[:-1][months[1:] > months[:-1]]
    origins = [day for day in ends if day.item() >= first]
    begun = time.perf_counter()
    ours = backtest(panel, {"ours": Hyperparameters()}, origins, refit_every=1)
    seconds = {"ours": time.perf_counter() - begun}
    keys = ["origin", "task", "lead", "series"]
    table = ours[ours["level"] == "city"].set_index(keys)[["actual", "forecast"]].rename(columns={"forecast": "ours"})
    for name, peer in PEERS.items():
        begun = time.perf_counter()
        parts = []
        for origin in origins:
            known = panel.until(origin).only_active()
            windows = [w for w in windows_from(known.dates, expected_dates(known.origin)) if w.size]
            path = peer(carried_forward(known.prices)[0], known, max(w.last_price for w in windows))
            parts.append(_framed(path, windows, known))
        seconds[name] = time.perf_counter() - begun
        table[name] = pd.concat(parts).set_index(keys)["value"].reindex(table.index)
        print(f"  {name}: {seconds[name]:.0f} s for {len(origins)} origins", flush=True)
    return table.dropna(), seconds


def ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Error of each method relative to no change: publications 1, 6, 12 and 1 to 13; months 1, 3, 6 and 1 to 6."""
    errors = table.drop(columns="actual").sub(table["actual"], axis=0).abs()
    lead, task = errors.index.get_level_values("lead"), errors.index.get_level_values("task")
    columns = {}
    for name, letter, marks, last in (("publication", "D", (1, 6, 12), 13), ("month", "M", (1, 3, 6), 6)):
        for mark in marks:
            columns[f"{letter} {mark}"] = errors[(task == name) & (lead == mark)].mean()
        columns[f"{letter} 1-{last}"] = errors[(task == name) & (lead >= 1) & (lead <= last)].mean()
    means = pd.DataFrame(columns)
    return means / means.loc["no change"]


def _framed(path: Path_, windows: list[Window], known: Panel) -> pd.DataFrame:
    parts = []
    for window in windows:
        value = path[window.first - 1 : window.last_price].mean(axis=0)
        parts.append(pd.DataFrame({"series": known.names.series, "value": value}).assign(task=window.task, lead=window.lead))
    return pd.concat(parts).assign(origin=pd.Timestamp(known.origin))


def _statistical(prices: np.ndarray, steps: int, model: object) -> Path_:
    path = np.empty((steps, prices.shape[1]))
    for series in range(prices.shape[1]):
        column = prices[:, series]
        column = column[np.isfinite(column)]
        try:
            path[:, series] = model.predict(y=column, h=steps)["mean"]  # type: ignore[attr-defined]
        except Exception:  # a constant series has no such model; it is forecast as what it is
            path[:, series] = column[-1]
    return path


def _recursive(prices: np.ndarray, panel: Panel, steps: int, regressor: object) -> Path_:
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import ExpandingMean, RollingMean
    from mlforecast.target_transforms import Differences

    long = (
        pd.DataFrame(prices, columns=list(panel.names.series))
        .rename_axis("ds")
        .reset_index()
        .melt("ds", var_name="unique_id", value_name="y")
    )
    model = MLForecast(
        models={"model": regressor},
        freq=1,
        lags=LAGS,
        lag_transforms={1: [RollingMean(6), RollingMean(13), ExpandingMean()]},
        target_transforms=[Differences([1])],
    )
    path = model.fit(long.dropna()).predict(steps).pivot(index="ds", columns="unique_id", values="model")
    return path[list(panel.names.series)].to_numpy()


def main() -> None:
    """Print the table of ratios; with --out, write it too."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workbook", type=Path, required=True)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=date(2024, 4, 1))
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore")
    book = read_workbook(chosen.workbook)
    table, seconds = compare(build_panel(book.prices, book.averages), chosen.first)
    result = ratios(table).assign(seconds=pd.Series(seconds)).sort_values("M 1-6", ascending=False)
    print(result.round(3).to_string())
    print(f"{len(table)} rows, {table.index.get_level_values('origin').nunique()} origins; below 1 is better than no change")
    if chosen.out:
        result.round(4).to_csv(chosen.out, index_label="method")


if __name__ == "__main__":
    main()
