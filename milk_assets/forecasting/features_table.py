"""Features as a table: one row a series and origin, for people, drift monitoring and the lake.

Belongs here: framing. The figures come from `milk_model.features`, the one feature function of training, batch and online.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from milk_assets.forecasting.panel import Panel
from milk_model.features import FEATURES, known_at

if TYPE_CHECKING:
    import pandas as pd


def features_frame(panel: Panel, origins: Iterable[Any]) -> pd.DataFrame:
    """Features of every active series at some origins: origin, series, state, city, milk, channel, last_price and the FEATURES.

    origins: publication dates of the panel. Raises ValueError on a date that is none.
    """
    import pandas as pd

    chosen = panel.only_active()
    days = np.array([np.datetime64(day, "D") for day in origins])
    unknown = days[~np.isin(days, panel.dates)]
    if len(unknown):
        raise ValueError(f"{unknown[0]} is no publication of the panel ({panel.dates[0]} to {panel.origin})")
    rows = np.searchsorted(panel.dates, days)
    known = known_at(chosen.prices, chosen.segments)
    frame = pd.DataFrame({"origin": np.repeat(days.astype("datetime64[ns]"), len(chosen.names.series))})
    for part, values in vars(chosen.names).items():
        frame[part] = np.tile(np.array(values, dtype=object), len(days))
    frame["last_price"] = known.last[rows].ravel()
    for place, name in enumerate(FEATURES):
        frame[name] = known.features[rows, :, place].ravel()
    return frame[frame["last_price"].notna()].reset_index(drop=True)
