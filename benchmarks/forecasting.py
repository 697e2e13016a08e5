"""Forecasting benchmark: the product's forecasts compared with other methods, in one run, from the same origins, for the same targets.

    pip install -r requirements/benchmark.txt        # the other methods are not dependencies of the product
    python benchmarks/forecasting.py --workbook Leche31032025.xlsx [--from 2024-04-01] [--out FILE.csv]

Belongs here: the other methods, as functions from a price history to a path of future prices, and their scores. Origins are the last
publications of months, so that publications ahead and months ahead are judged from the same dates. Every method sees only prices up to
the origin, with blanks carried forward; a month is the mean of its part of the path. The product's forecasts are made by its own code,
fitted at each origin.
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
from milk_model.features import carry_forward
from milk_model.targets import Window, windows_from

PricePath = np.ndarray  # (H, N): price of each series at each of the next H publications, MXN/l
SEASON_LENGTH = 13  # publications, a month; a season of one year is longer than the history at most origins
PRODUCT = "this model"  # name of the product's forecasts in the table
MLFORECAST_LAGS = [1, 2, 3, 6, 13]


def no_change(prices: np.ndarray, panel: Panel, steps: int) -> PricePath:
    """The last price, repeated."""
    return np.repeat(prices[-1:], steps, axis=0)


def seasonal_naive(prices: np.ndarray, panel: Panel, steps: int) -> PricePath:
    """The prices of the last month of publications, repeated."""
    return prices[len(prices) - SEASON_LENGTH + np.arange(steps) % SEASON_LENGTH]


def drift(prices: np.ndarray, panel: Panel, steps: int) -> PricePath:
    """The line through the first and the last price of each series."""
    first = np.isfinite(prices).argmax(axis=0)
    slope = (prices[-1] - prices[first, np.arange(prices.shape[1])]) / np.maximum(len(prices) - 1 - first, 1)
    return prices[-1] + np.arange(1, steps + 1)[:, None] * slope


def auto_ets(prices: np.ndarray, panel: Panel, steps: int) -> PricePath:
    """Exponential smoothing chosen series by series (statsforecast)."""
    from statsforecast.models import AutoETS

    return _statistical(prices, steps, AutoETS(season_length=1))


def auto_theta(prices: np.ndarray, panel: Panel, steps: int) -> PricePath:
    """Theta models chosen series by series (statsforecast)."""
    from statsforecast.models import AutoTheta

    return _statistical(prices, steps, AutoTheta(season_length=1))


def mlforecast_xgboost(prices: np.ndarray, panel: Panel, steps: int) -> PricePath:
    """MLForecast on differences, XGBoost, squared error."""
    from xgboost import XGBRegressor

    return _recursive(prices, panel, steps, XGBRegressor(n_estimators=140, max_depth=6, learning_rate=0.06, n_jobs=2))


def mlforecast_lightgbm(prices: np.ndarray, panel: Panel, steps: int) -> PricePath:
    """MLForecast on differences, LightGBM, squared error."""
    from lightgbm import LGBMRegressor

    return _recursive(prices, panel, steps, LGBMRegressor(n_estimators=140, learning_rate=0.06, n_jobs=2, verbosity=-1))


def level_xgboost(prices: np.ndarray, panel: Panel, steps: int) -> PricePath:
    """The usual first attempt: the price itself as target, one-hot names, the last price and the mean of the last seven, step by step."""
    from xgboost import XGBRegressor

    names = pd.DataFrame(vars(panel.names))[["state", "city", "milk", "channel"]]
    one_hot = pd.get_dummies(names).to_numpy(dtype=np.float32)
    rows, target = [], []
    for row in range(7, len(prices)):
        rows.append(np.column_stack([one_hot, prices[row - 1], prices[row - 7 : row].mean(axis=0)]))
        target.append(prices[row])
    x, y = np.concatenate(rows), np.concatenate(target)
    is_usable = np.isfinite(x).all(axis=1) & np.isfinite(y)
    model = XGBRegressor(n_estimators=200, max_depth=6, learning_rate=0.1, n_jobs=2).fit(x[is_usable], y[is_usable])
    path = list(prices[-7:])
    for _ in range(steps):
        path.append(model.predict(np.column_stack([one_hot, path[-1], np.mean(path[-7:], axis=0)])))
    return np.array(path[7:])


METHODS: dict[str, Callable[[np.ndarray, Panel, int], PricePath]] = {
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
    """Forecasts of every method on the rows that all of them forecast, with the actual prices, and the seconds each method took."""
    months = panel.dates.astype("datetime64[M]")
    ends = panel.dates[:-1][months[1:] > months[:-1]]
    origins = [day for day in ends if day.item() >= first]
    started = time.perf_counter()
    backtested = backtest(panel, {PRODUCT: Hyperparameters()}, origins, refit_every=1)
    seconds = {PRODUCT: time.perf_counter() - started}
    keys = ["origin", "task", "lead", "series"]
    city_rows = backtested[backtested["level"] == "city"].set_index(keys)
    table = city_rows[["actual", "forecast"]].rename(columns={"forecast": PRODUCT})
    for name, method in METHODS.items():
        started = time.perf_counter()
        parts = []
        for origin in origins:
            panel_at_origin = panel.until(origin).only_active()
            windows = [window for window in windows_from(panel_at_origin.dates, expected_dates(origin)) if window.size]
            path = method(carry_forward(panel_at_origin.prices)[0], panel_at_origin, max(window.last for window in windows))
            parts.append(_window_means(path, windows, panel_at_origin))
        seconds[name] = time.perf_counter() - started
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


def _window_means(path: PricePath, windows: list[Window], panel: Panel) -> pd.DataFrame:
    parts = []
    for window in windows:
        value = path[window.first - 1 : window.last_price].mean(axis=0)
        parts.append(pd.DataFrame({"series": panel.names.series, "value": value}).assign(task=window.task, lead=window.lead))
    return pd.concat(parts).assign(origin=pd.Timestamp(panel.origin))


def _statistical(prices: np.ndarray, steps: int, model: object) -> PricePath:
    path = np.empty((steps, prices.shape[1]))
    for series in range(prices.shape[1]):
        column = prices[:, series]
        column = column[np.isfinite(column)]
        try:
            path[:, series] = model.predict(y=column, h=steps)["mean"]  # type: ignore[attr-defined]
        except Exception:  # a constant series has no such model; its last price is the forecast
            path[:, series] = column[-1]
    return path


def _recursive(prices: np.ndarray, panel: Panel, steps: int, regressor: object) -> PricePath:
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
        lags=MLFORECAST_LAGS,
        lag_transforms={1: [RollingMean(6), RollingMean(13), ExpandingMean()]},
        target_transforms=[Differences([1])],
    )
    path = model.fit(long.dropna()).predict(steps).pivot(index="ds", columns="unique_id", values="model")
    return path[list(panel.names.series)].to_numpy()


def main() -> None:
    """Print the table of ratios, and write it to --out if given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workbook", type=Path, required=True)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=date(2024, 4, 1))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    book = read_workbook(arguments.workbook)
    table, seconds = compare(build_panel(book.prices, book.averages), arguments.first)
    result = ratios(table).assign(seconds=pd.Series(seconds)).sort_values("M 1-6", ascending=False)
    print(result.round(3).to_string())
    print(f"{len(table)} rows, {table.index.get_level_values('origin').nunique()} origins; below 1 is better than no change")
    if arguments.out:
        result.round(4).to_csv(arguments.out, index_label="method")


if __name__ == "__main__":
    main()
