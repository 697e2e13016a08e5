"""Diferenciales: what one milk, channel or city costs more than another.

Belongs here: gaps between published prices of the same day. How they drift is `milk_assets.monitoring`'s.
"""

import numpy as np
import pandas as pd

from milk_assets.reporting.market import Market
from milk_assets.reporting.report import FILES_ONLY, Column, Section, Table, table
from milk_assets.reporting.words import SEGMENTS

PAIRS = (
    ("Ultrapasteurizada − pasteurizada", "Tiendas", ("uht", "store"), ("pasteurised", "store")),
    ("Ultrapasteurizada − pasteurizada", "Autoservicios", ("uht", "supermarket"), ("pasteurised", "supermarket")),
    ("Autoservicios − tiendas", "Pasteurizada", ("pasteurised", "supermarket"), ("pasteurised", "store")),
    ("Autoservicios − tiendas", "Ultrapasteurizada", ("uht", "supermarket"), ("uht", "store")),
)
EXTREMES = 3
"""Cities named at each end of a market: enough to see where it is dear, too few to headline a single shop."""


def spreads(market: Market) -> Section:
    """Gaps between milks and channels in the same cities, and of each city against its market's national mean."""
    cities = _cities(market)
    lead = (
        "Comparaciones del mismo día y de las mismas ciudades, en pesos por litro. Cada precio viene de pocos establecimientos: "
        "una ciudad lejos del promedio es una señal para mirar, no un veredicto."
    )
    return Section("spreads", "Diferenciales", lead, (_pairs(market), _extremes(cities), _all_cities(cities)))


def _pairs(market: Market) -> Table:
    """The middle gap over the cities that have both prices, now, a month and a year ago, and how many cities that is."""
    moments = {
        "now": market.publication,
        "month": market.before(market.publication - pd.DateOffset(months=1)),
        "year": market.before(market.publication - pd.DateOffset(years=1)),
    }
    rows = []
    for name, within, dear, cheap in PAIRS:
        gaps = _by_city(market, *dear) - _by_city(market, *cheap)
        row: dict[str, object] = {
            "gap": name,
            "within": within,
            "cities": int(np.isfinite(gaps.iloc[-1].to_numpy(dtype=float)).sum()),
        }
        for when, moment in moments.items():
            row[when] = np.nan if moment is None else gaps.loc[moment].median()
        rows.append(row)
    columns = (
        Column("gap", "Diferencia"),
        Column("within", "En"),
        Column("now", "Hoy", "change", moves=False),
        Column("month", "Hace un mes", "change", moves=False),
        Column("year", "Hace un año", "change", moves=False),
        Column("cities", "Ciudades", "count"),
    )
    caption = "Mediana de la diferencia en las ciudades que publican ambos precios."
    return table("spreads", "Entre leches y canales", columns, pd.DataFrame(rows), caption=caption, group_by=("gap",))


def _by_city(market: Market, milk: str, channel: str) -> pd.DataFrame:
    """One market's prices, T publications x its cities (named state/city)."""
    own = market.names[(market.names["milk_code"] == milk) & (market.names["channel_code"] == channel)]
    return market.prices[own.index].set_axis(own["state"] + "/" + own["city"], axis=1)


def _cities(market: Market) -> pd.DataFrame:
    """Each priced series against the arithmetic national mean of its market, dearest first within the market."""
    frame = market.names.assign(price=market.prices.iloc[-1]).dropna(subset=["price"]).rename_axis("series").reset_index()
    national = market.averages.iloc[-1]
    means = {pair: float(national.get(("arithmetic", *pair), np.nan)) for pair in SEGMENTS}
    frame["national"] = [means[pair] for pair in zip(frame["milk_code"], frame["channel_code"], strict=True)]
    frame["gap"] = frame["price"] - frame["national"]
    frame["percent"] = 100 * (frame["price"] / frame["national"] - 1)
    order = {pair: place for place, pair in enumerate(SEGMENTS)}
    frame["order"] = [order[pair] for pair in zip(frame["milk_code"], frame["channel_code"], strict=True)]
    frame["segment"] = frame["milk"] + ", " + frame["channel"].str.lower()
    return frame.sort_values(["order", "gap", "series"], ascending=[True, False, True])


CITY_COLUMNS = (
    Column("city", "Ciudad"),
    Column("state", "Estado"),
    Column("price", "MXN/l", "price"),
    Column("gap", "Contra el promedio", "change", moves=False),
    Column("percent", "%", "percent", moves=False),
)


def _extremes(cities: pd.DataFrame) -> Table:
    ends = pd.concat([group for _, own in cities.groupby("order", sort=True) for group in _ends(own)]) if len(cities) else cities
    columns = (Column("segment", "Mercado"), *CITY_COLUMNS)
    caption = (
        f"Las {EXTREMES} ciudades más caras y las {EXTREMES} más baratas de cada mercado contra su promedio aritmético nacional."
    )
    return table("spread_extremes", "Ciudades en los extremos", columns, ends, caption=caption, group_by=("segment",))


def _ends(own: pd.DataFrame) -> list[pd.DataFrame]:
    """The first and last rows, no city twice."""
    return [own] if len(own) <= 2 * EXTREMES else [own.head(EXTREMES), own.tail(EXTREMES)]


def _all_cities(cities: pd.DataFrame) -> Table:
    columns = (Column("milk", "Leche"), Column("channel", "Canal"), *CITY_COLUMNS, Column("series", "Clave"))
    caption = "Cada ciudad contra el promedio aritmético nacional de su mercado, en pesos por litro."
    return table("spread_cities", "Ciudad contra el promedio", columns, cities, caption=caption, places=FILES_ONLY)
