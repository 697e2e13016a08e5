"""Drift signals: the figures of each market that drift is judged on, one per publication.

Belongs here: turning prices into returns, shares of changed prices and spreads. Not here: judging them (`market_drift`). Price levels are
not a signal, because they always drift.
"""

import numpy as np
import pandas as pd

from milk_model.features import SAME_PRICE_TOLERANCE

PRICE_TOLERANCE = SAME_PRICE_TOLERANCE
"""MXN/l. A smaller difference is no change: prices are published in whole centavos."""


def signals(prices: pd.DataFrame) -> pd.DataFrame:
    """Signals of each market at each publication after the first.

    A series without a price at a publication does not count in it.

    Args:
        prices: The prices frame, T publications.

    Returns:
        T - 1 publications × 12 columns named `<signal> <milk>/<channel>`, in per cent.
        returns: mean log change of the market's prices, each since its last price.
        changed: share of these prices that changed.
        spread: log prices of the market relative to the other markets in the same cities, as the cumulative sum of its mean changes.
        Because it sums changes, it does not jump when a city appears or disappears.
    """
    wide = prices.pivot(index="publication", columns="series", values="price").sort_index()
    wide = wide.loc[:, wide.notna().any()]
    names = prices.drop_duplicates("series").set_index("series").loc[wide.columns]
    market = (names["milk"] + "/" + names["channel"]).to_numpy()
    city = (names["state"] + "/" + names["city"]).to_numpy()
    is_priced = wide.notna().to_numpy()
    filled = wide.ffill().to_numpy()
    logs = np.log(filled)
    log_changes = _changes(logs)
    returns = np.where(is_priced, log_changes, np.nan)
    changed = np.where(is_priced & ~np.isnan(log_changes), np.abs(_changes(filled)) > PRICE_TOLERANCE, np.nan)
    spread = np.where(is_priced, _changes(logs - _other_markets(logs, city)), np.nan)
    columns = {}
    for name in sorted(set(market)):
        in_market = market == name
        columns[f"returns {name}"] = 100 * _mean(returns[:, in_market])
        columns[f"changed {name}"] = 100 * _mean(changed[:, in_market])
        columns[f"spread {name}"] = 100 * np.nancumsum(_mean(spread[:, in_market]))
    return pd.DataFrame(columns, index=wide.index).iloc[1:]


def _changes(values: np.ndarray) -> np.ndarray:
    """Change of each column since the previous row, (T, N); NaN in the first row."""
    return np.vstack([np.full((1, values.shape[1]), np.nan), np.diff(values, axis=0)])


def _other_markets(logs: np.ndarray, city: np.ndarray) -> np.ndarray:
    """For each series, the mean log price of the other series of its city, (T, N); NaN where there is no other."""
    means = np.full_like(logs, np.nan)
    for name in np.unique(city):
        in_city = np.flatnonzero(city == name)
        for series in in_city:
            others = in_city[in_city != series]
            if len(others):
                means[:, series] = _mean(logs[:, others])
    return means


def _mean(values: np.ndarray) -> np.ndarray:
    """Row means of the values that are not NaN, (T,); NaN for a row without any."""
    count = (~np.isnan(values)).sum(axis=1)
    return np.where(count > 0, np.nansum(values, axis=1) / np.maximum(count, 1), np.nan)
