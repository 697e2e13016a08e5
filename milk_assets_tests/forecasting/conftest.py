"""A small generated market: enough publications and series to fit a model on in a second."""

import numpy as np
import pandas as pd
import pytest

from milk_assets.forecasting.hyperparameters import Hyperparameters, Trees
from milk_assets.forecasting.panel import Panel, build_panel
from milk_assets.sniim.calendar import expected_publications
from milk_assets.sniim.names import AVERAGES, CHANNELS, MILKS, known_places, series_key

SMALL = Hyperparameters(publication=Trees(depth=3, rounds=6), month=Trees(depth=2, rounds=5, blend=0.5, dead_zone=0.1))


def market(publications: int = 70, cities: int = 5, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Prices and averages frames: random steps with a drift, blanks, and one series without any price."""
    random = np.random.default_rng(seed)
    dates = pd.to_datetime(expected_publications(pd.Timestamp("2024-01-02").date(), publications))
    rows = []
    for state, places in list(known_places().items())[:cities]:
        for milk in MILKS:
            for channel in CHANNELS:
                moves = np.where(random.random(publications) < 0.25, random.normal(0.06, 0.5, publications).round(2), 0.0)
                price = (random.uniform(20, 32) + np.cumsum(moves)).round(2)
                blank = random.random(publications) < 0.1
                if state == "Campeche" and milk == "pasteurised" and channel == "store":
                    blank[:] = True
                part = pd.DataFrame({"publication": dates, "series": series_key(state, places[0], milk, channel)})
                part = part.assign(state=state, city=places[0], milk=milk, channel=channel, price=np.where(blank, np.nan, price))
                rows.append(part.assign(kept=np.where(blank, "blank", "kept")))
    prices = pd.concat(rows, ignore_index=True).sort_values(["publication", "series"], ignore_index=True)
    means = prices.groupby(["publication", "milk", "channel"], as_index=False)["price"].mean()
    parts = [means.assign(average=average) for average in AVERAGES]
    return prices, pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="session")
def panel() -> Panel:
    return build_panel(*market())


@pytest.fixture(scope="session")
def hyperparameters() -> Hyperparameters:
    return SMALL
