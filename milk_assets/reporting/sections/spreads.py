"""Diferenciales: what one milk, channel or city costs more than another.

Belongs here: gaps between published prices of the same day. Not here: drift of those gaps (`milk_assets.monitoring.detection`).
"""

import numpy as np
import pandas as pd

from milk_assets.reporting.model.columns import (
    CITY_COLUMN,
    CITY_COUNT,
    MARKET_COLUMNS,
    PRICE_PER_LITRE,
    SERIES_KEY,
    STATE_COLUMN,
)
from milk_assets.reporting.model.market_prices import MarketPrices
from milk_assets.reporting.model.report import FILES_ONLY, Column, Section, Table, make_table
from milk_assets.reporting.text.bilingual import BilingualText
from milk_assets.reporting.text.formatting import CHANNEL_TEXTS, MARKETS, MILK_TEXTS, market_label

UHT_GAP = BilingualText("Ultrapasteurizada − pasteurizada", "UHT − pasteurised")
CHANNEL_GAP = BilingualText("Autoservicios − tiendas", "Supermarkets − stores")
COMPARED_MARKETS = (
    (UHT_GAP, CHANNEL_TEXTS["store"], ("uht", "store"), ("pasteurised", "store")),
    (UHT_GAP, CHANNEL_TEXTS["supermarket"], ("uht", "supermarket"), ("pasteurised", "supermarket")),
    (CHANNEL_GAP, MILK_TEXTS["pasteurised"], ("pasteurised", "supermarket"), ("pasteurised", "store")),
    (CHANNEL_GAP, MILK_TEXTS["uht"], ("uht", "supermarket"), ("uht", "store")),
)
"""Gap, the milk or channel that both markets share, the more expensive market, the cheaper one."""
CITY_GAP_COLUMNS = (
    CITY_COLUMN,
    STATE_COLUMN,
    PRICE_PER_LITRE,
    Column("gap", BilingualText("Contra el promedio", "Against the mean"), "change", moves=False),
    Column("percent", BilingualText("%", "%"), "percent", moves=False),
)


def spreads_section(market: MarketPrices) -> Section:
    """Make the section of gaps between milks and channels in the same cities, and of each city from its market's national mean."""
    lead = BilingualText(
        "Comparaciones del mismo día y de las mismas ciudades, en pesos por litro. Cada precio viene de pocos establecimientos: "
        "una ciudad lejos del promedio es una señal para mirar, no un veredicto.",
        "Compared on the same day and in the same cities, pesos per litre. Each price comes from few shops: a city far from the "
        "mean is a sign to look at, not a verdict.",
    )
    return Section("spreads", BilingualText("Diferenciales", "Spreads"), lead, (_gaps(market), _all_cities(city_gaps(market))))


def _gaps(market: MarketPrices) -> Table:
    """The median gap over the cities with both prices, now, a month and a year ago, and the number of those cities."""
    compared_with = {"now": market.publication, "month": market.month_ago, "year": market.year_ago}
    rows = []
    for gap, shared, dear_market, cheap_market in COMPARED_MARKETS:
        gaps = _prices_by_city(market, *dear_market) - _prices_by_city(market, *cheap_market)
        newest = gaps.iloc[-1].astype(float)
        row: dict[str, object] = {
            "gap": gap,
            "within": shared,
            "cities": int(np.isfinite(newest.to_numpy()).sum()),
            "low": newest.quantile(0.1),
            "high": newest.quantile(0.9),
        }
        for name, publication in compared_with.items():
            row[name] = np.nan if publication is None else gaps.loc[publication].median()
        rows.append(row)
    columns = (
        Column("gap", BilingualText("Diferencia", "Gap")),
        Column("within", BilingualText("En", "In")),
        Column("now", BilingualText("Hoy", "Today"), "change", moves=False),
        Column("low", BilingualText("Decil bajo", "Low decile"), "change", moves=False),
        Column("high", BilingualText("Decil alto", "High decile"), "change", moves=False),
        Column("month", BilingualText("Hace un mes", "A month ago"), "change", moves=False),
        Column("year", BilingualText("Hace un año", "A year ago"), "change", moves=False),
        CITY_COUNT,
    )
    caption = BilingualText(
        "Mediana de la diferencia en las ciudades que publican ambos precios, y sus deciles de hoy.",
        "Median gap over the cities that publish both prices, and its deciles today.",
    )
    title = BilingualText("Entre leches y canales", "Between milks and channels")
    return make_table("spreads", title, columns, pd.DataFrame(rows), caption=caption, group_by=("gap",))


def _prices_by_city(market: MarketPrices, milk: str, channel: str) -> pd.DataFrame:
    """Prices of one market: T publications x its cities, named state/city."""
    series = market.series_of(milk, channel)
    return market.prices[series.index].set_axis(series["state"] + "/" + series["city"], axis=1)


def city_gaps(market: MarketPrices) -> pd.DataFrame:
    """Compare each price of today with the arithmetic national mean of its market.

    Returns:
        One row per series with a price, in the order of the markets and from the most expensive city to the cheapest: its names,
        price, national (the mean) and gap (MXN per litre), percent, order and segment (position and label of the market).
    """
    frame = market.names.assign(price=market.prices.iloc[-1]).dropna(subset=["price"]).rename_axis("series").reset_index()
    national = market.averages.iloc[-1]
    markets = list(zip(frame["milk_code"], frame["channel_code"], strict=True))
    means = {market_codes: float(national.get(("arithmetic", *market_codes), np.nan)) for market_codes in MARKETS}
    frame["national"] = [means[market_codes] for market_codes in markets]
    frame["gap"] = frame["price"] - frame["national"]
    frame["percent"] = 100 * (frame["price"] / frame["national"] - 1)
    frame["order"] = [MARKETS.index(market_codes) for market_codes in markets]
    frame["segment"] = [market_label(*market_codes) for market_codes in markets]
    return frame.sort_values(["order", "gap", "series"], ascending=[True, False, True])


def _all_cities(cities: pd.DataFrame) -> Table:
    columns = (*MARKET_COLUMNS, *CITY_GAP_COLUMNS, SERIES_KEY)
    caption = BilingualText(
        "Cada ciudad contra el promedio aritmético nacional de su mercado, en pesos por litro.",
        "Each city against the simple national mean of its market, pesos per litre.",
    )
    title = BilingualText("Ciudad contra el promedio", "City against the mean")
    return make_table("spread_cities", title, columns, cities, caption=caption, outputs=FILES_ONLY)
