"""Features table: features as a frame, one row per series and origin, for people and for the lake.

Belongs here: building the frame. Not here: the figures, which come from `milk_model.features`, the one feature function of training, batch
and online.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from milk_assets.forecasting.panel import Panel
from milk_model.features import FEATURES, compute_features

if TYPE_CHECKING:
    import pandas as pd


def features_frame(panel: Panel, origins: Iterable[Any]) -> pd.DataFrame:
    """Features of every active series at some origins.

    Args:
        panel: Prices.
        origins: Publication dates of the panel.

    Returns:
        origin, series, state, city, milk, channel, last_price (MXN/l) and FEATURES. Series without a price by then have no row.

    Raises:
        ValueError: An origin is not a publication date of the panel.
    """
    import pandas as pd

    active_panel = panel.only_active()
    days = np.array([np.datetime64(day, "D") for day in origins])
    unknown = days[~np.isin(days, panel.dates)]
    if len(unknown):
        raise ValueError(f"{unknown[0]} is not a publication of the panel ({panel.dates[0]} to {panel.origin})")
    rows = np.searchsorted(panel.dates, days)
    history_features = compute_features(active_panel.prices, active_panel.segments)
    frame = pd.DataFrame({"origin": np.repeat(days.astype("datetime64[ns]"), len(active_panel.names.series))})
    for part, values in vars(active_panel.names).items():
        frame[part] = np.tile(np.array(values, dtype=object), len(days))
    frame["last_price"] = history_features.last_price[rows].ravel()
    for index, name in enumerate(FEATURES):
        frame[name] = history_features.features[rows, :, index].ravel()
    return frame[frame["last_price"].notna()].reset_index(drop=True)
