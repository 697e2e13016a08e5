"""Diferenciales: what one milk, channel or city costs more than another.

Belongs here: gaps between published prices of the same day. How they drift is `milk_assets.monitoring`'s.
"""

import numpy as np
import pandas as pd

from milk_assets.reporting.model.market_prices import Market
from milk_assets.reporting.model.report import CITY, FILES_ONLY, KEY, MARKET_NAMES, STATE, Column, Section, Table, table
from milk_assets.reporting.text.bilingual import Text
from milk_assets.reporting.text.formatting import CHANNEL, MILK, SEGMENTS, segment

UHT_GAP = Text("Ultrapasteurizada − pasteurizada", "UHT − pasteurised")
CHANNEL_GAP = Text("Autoservicios − tiendas", "Supermarkets − stores")
PAIRS = (
    (UHT_GAP, CHANNEL["store"], ("uht", "store"), ("pasteurised", "store")),
    (UHT_GAP, CHANNEL["supermarket"], ("uht", "supermarket"), ("pasteurised", "supermarket")),
    (CHANNEL_GAP, MILK["pasteurised"], ("pasteurised", "supermarket"), ("pasteurised", "store")),
    (CHANNEL_GAP, MILK["uht"], ("uht", "supermarket"), ("uht", "store")),
)
CITY_COLUMNS = (
    CITY,
    STATE,
    Column("price", Text("MXN/l", "MXN/l"), "price"),
    Column("gap", Text("Contra el promedio", "Against the mean"), "change", moves=False),
    Column("percent", Text("%", "%"), "percent", moves=False),
)


def spreads(market: Market) -> Section:
    """Gaps between milks and channels in the same cities, and of each city against its market's national mean."""
    lead = Text(
        "Comparaciones del mismo día y de las mismas ciudades, en pesos por litro. Cada precio viene de pocos establecimientos: "
        "una ciudad lejos del promedio es una señal para mirar, no un veredicto.",
        "Compared on the same day and in the same cities, pesos per litre. Each price comes from few shops: a city far from the "
        "mean is a sign to look at, not a verdict.",
    )
    return Section("spreads", Text("Diferenciales", "Spreads"), lead, (_pairs(market), _all_cities(city_gaps(market))))


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
            "low": gaps.iloc[-1].astype(float).quantile(0.1),
            "high": gaps.iloc[-1].astype(float).quantile(0.9),
        }
        for when, moment in moments.items():
            row[when] = np.nan if moment is None else gaps.loc[moment].median()
        rows.append(row)
    columns = (
        Column("gap", Text("Diferencia", "Gap")),
        Column("within", Text("En", "In")),
        Column("now", Text("Hoy", "Today"), "change", moves=False),
        Column("low", Text("Decil bajo", "Low decile"), "change", moves=False),
        Column("high", Text("Decil alto", "High decile"), "change", moves=False),
        Column("month", Text("Hace un mes", "A month ago"), "change", moves=False),
        Column("year", Text("Hace un año", "A year ago"), "change", moves=False),
        Column("cities", Text("Ciudades", "Cities"), "count"),
    )
    caption = Text(
        "Mediana de la diferencia en las ciudades que publican ambos precios, y sus deciles de hoy.",
        "Median gap over the cities that publish both prices, and its deciles today.",
    )
    title = Text("Entre leches y canales", "Between milks and channels")
    return table("spreads", title, columns, pd.DataFrame(rows), caption=caption, group_by=("gap",))


def _by_city(market: Market, milk: str, channel: str) -> pd.DataFrame:
    """One market's prices, T publications x its cities (named state/city)."""
    own = market.names[(market.names["milk_code"] == milk) & (market.names["channel_code"] == channel)]
    return market.prices[own.index].set_axis(own["state"] + "/" + own["city"], axis=1)


def city_gaps(market: Market) -> pd.DataFrame:
    """Each priced series against the arithmetic national mean of its market, dearest first within the market."""
    frame = market.names.assign(price=market.prices.iloc[-1]).dropna(subset=["price"]).rename_axis("series").reset_index()
    national = market.averages.iloc[-1]
    pairs = list(zip(frame["milk_code"], frame["channel_code"], strict=True))
    means = {pair: float(national.get(("arithmetic", *pair), np.nan)) for pair in SEGMENTS}
    frame["national"] = [means[pair] for pair in pairs]
    frame["gap"] = frame["price"] - frame["national"]
    frame["percent"] = 100 * (frame["price"] / frame["national"] - 1)
    frame["order"] = [SEGMENTS.index(pair) for pair in pairs]
    frame["segment"] = [segment(*pair) for pair in pairs]
    return frame.sort_values(["order", "gap", "series"], ascending=[True, False, True])


def _all_cities(cities: pd.DataFrame) -> Table:
    columns = (*MARKET_NAMES, *CITY_COLUMNS, KEY)
    caption = Text(
        "Cada ciudad contra el promedio aritmético nacional de su mercado, en pesos por litro.",
        "Each city against the simple national mean of its market, pesos per litre.",
    )
    title = Text("Ciudad contra el promedio", "City against the mean")
    return table("spread_cities", title, columns, cities, caption=caption, places=FILES_ONLY)
