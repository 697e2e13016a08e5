"""Signals: what is watched of the prices, one number a publication and market.

Belongs here: prices turned into returns, share of changes and spreads. Price levels are no signal: they always drift.
"""

import numpy as np
import pandas as pd

CENT = 0.005
"""MXN. Prices are published to the centavo; a smaller difference is the arithmetic of floats."""
SIGNALS = ("returns", "changed", "spread")


def signals(prices: pd.DataFrame) -> pd.DataFrame:
    """T - 1 publications x 12 columns `<signal> <milk>/<channel>`, in per cent, from the prices frame.

    returns: mean log change of the market's prices since each one's last known price. changed: share of them that changed.
    spread: the market's prices against the other markets of the same cities, in log, as the sum of its mean changes; being a sum
    of changes, it does not jump when a city comes or goes. Series without a price at a publication do not count in it.
    """
    wide = prices.pivot(index="publication", columns="series", values="price").sort_index()
    wide = wide.loc[:, wide.notna().any()]
    names = prices.drop_duplicates("series").set_index("series").loc[wide.columns]
    market = (names["milk"] + "/" + names["channel"]).to_numpy()
    city = (names["state"] + "/" + names["city"]).to_numpy()
    present = wide.notna().to_numpy()
    known = wide.ffill()
    logs = np.log(known.to_numpy())
    returns = np.where(present, _steps(logs), np.nan)
    changed = np.where(present & ~np.isnan(_steps(logs)), np.abs(_steps(known.to_numpy())) > CENT, np.nan)
    spread = np.where(present, _steps(logs - _others(logs, city)), np.nan)
    columns = {}
    for name in sorted(set(market)):
        own = market == name
        columns[f"returns {name}"] = 100 * _mean(returns[:, own])
        columns[f"changed {name}"] = 100 * _mean(changed[:, own])
        columns[f"spread {name}"] = 100 * np.nancumsum(_mean(spread[:, own]))
    return pd.DataFrame(columns, index=wide.index).iloc[1:]


def _steps(values: np.ndarray) -> np.ndarray:
    """Change of each column since the row before, (T, N); NaN in the first row."""
    return np.vstack([np.full((1, values.shape[1]), np.nan), np.diff(values, axis=0)])


def _others(logs: np.ndarray, city: np.ndarray) -> np.ndarray:
    """For each series, the mean log price of its city's other series; NaN where it is alone."""
    out = np.full_like(logs, np.nan)
    for name in np.unique(city):
        own = np.flatnonzero(city == name)
        for place in own:
            rest = own[own != place]
            if len(rest):
                out[:, place] = _mean(logs[:, rest])
    return out


def _mean(values: np.ndarray) -> np.ndarray:
    """Row means over what is known, NaN where nothing is, (T,)."""
    count = (~np.isnan(values)).sum(axis=1)
    return np.where(count > 0, np.nansum(values, axis=1) / np.maximum(count, 1), np.nan)
