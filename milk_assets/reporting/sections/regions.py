"""Mapa: prices by state and region, north compared with south, the most and least expensive cities.

Belongs here: prices by place. A state's price is the mean of its cities that publish one. Not here: drawing the map
(`charts.state_map`).
"""

import numpy as np
import pandas as pd

from milk_assets.reporting.model.columns import CITY_COUNT, MARKET_COLUMNS, MARKET_LABEL, PRICE_PER_LITRE, STATE_COLUMN
from milk_assets.reporting.model.market_prices import MarketPrices
from milk_assets.reporting.model.report import FILES_ONLY, Column, Section, Table, make_table
from milk_assets.reporting.sections.spreads import CITY_GAP_COLUMNS, city_gaps
from milk_assets.reporting.text.bilingual import BilingualText, format_bilingual
from milk_assets.reporting.text.formatting import CHANNEL_TEXTS, MARKETS, MILK_TEXTS, market_label, record_date

CITIES_AT_EACH_END = 3
"""Cities named at each end of a market: enough to see where milk is expensive, too few to accuse a single shop."""
REGION_TEXTS = {
    "north": BilingualText("Norte", "North"),
    "centre_north": BilingualText("Centro norte", "Centre-north"),
    "centre": BilingualText("Centro", "Centre"),
    "south": BilingualText("Sur", "South"),
}
STATES_OF_REGION = {
    "north": ("Baja California", "Chihuahua", "Coahuila", "Nuevo León", "Sonora", "Tamaulipas"),
    "centre_north": (
        "Aguascalientes",
        "Baja California Sur",
        "Colima",
        "Durango",
        "Jalisco",
        "Michoacán",
        "Nayarit",
        "San Luis Potosí",
        "Sinaloa",
        "Zacatecas",
    ),
    "centre": (
        "Ciudad de México",
        "Estado de México",
        "Guanajuato",
        "Hidalgo",
        "Morelos",
        "Puebla",
        "Querétaro",
        "Tlaxcala",
    ),
    "south": ("Campeche", "Chiapas", "Guerrero", "Oaxaca", "Quintana Roo", "Tabasco", "Veracruz", "Yucatán"),
}
"""The four regions of Banco de México's "Reporte sobre las economías regionales"."""
REGION_OF = {state: region for region, states in STATES_OF_REGION.items() for state in states}


def regions_section(market: MarketPrices) -> Section:
    """Make the section of prices by state, of the four regions with the gap south minus north, and of the cities at each end."""
    lead = BilingualText(
        "Promedio simple de las ciudades de cada estado que publican precio, en pesos por litro. La mayoría de los estados tiene "
        "una o dos ciudades: el color dice lo que cuesta ahí, no en todo el estado.",
        "Simple mean of the cities of each state that publish a price, pesos per litre. Most states have one or two cities: the "
        "colour says what milk costs there, not across the state.",
    )
    return Section("map", BilingualText("Mapa", "Map"), lead, (_regions(market), _extremes(market), _states(market)))


def _states(market: MarketPrices) -> Table:
    """One row per state and market: the mean price of its cities, and its change over a month in the cities priced on both days."""
    frame = market.names.assign(price=market.prices.iloc[-1])
    month_ago = market.month_ago
    frame["change"] = frame["price"] - (np.nan if month_ago is None else market.last_known.loc[month_ago])
    keys = ["state", "milk_code", "channel_code"]
    means = (
        frame.dropna(subset=["price"])
        .groupby(keys)
        .agg(price=("price", "mean"), change=("change", "mean"), cities=("price", "size"))
    )
    means = means.reset_index()
    means["order"] = [MARKETS.index(market_codes) for market_codes in zip(means["milk_code"], means["channel_code"], strict=True)]
    means = means.sort_values(["state", "order"]).assign(
        region=means["state"].map(REGION_OF).map(REGION_TEXTS),
        milk=means["milk_code"].map(MILK_TEXTS),
        channel=means["channel_code"].map(CHANNEL_TEXTS),
    )
    columns = (
        STATE_COLUMN,
        Column("region", BilingualText("Región", "Region")),
        *MARKET_COLUMNS,
        PRICE_PER_LITRE,
        Column("change", BilingualText("Cambio en un mes", "Change in a month"), "change"),
        CITY_COUNT,
    )
    caption = format_bilingual(
        "Promedio de las ciudades con precio; el cambio es contra el {day}, en las mismas ciudades.",
        "Mean of the cities with a price; the change is since {day}, in the same cities.",
        day=record_date(month_ago),
    )
    title = BilingualText("Precio por estado", "Price by state")
    return make_table("states", title, columns, means, caption=caption, outputs=FILES_ONLY, group_by=("state", "region"))


def _regions(market: MarketPrices) -> Table:
    """One row per market: the mean city price of each region today, and south minus north today, a month and a year ago."""
    region_of_series = market.names["state"].map(REGION_OF)
    compared_with = {"gap": market.publication, "gap_month": market.month_ago, "gap_year": market.year_ago}
    rows = []
    for milk, channel in MARKETS:
        series = market.series_of(milk, channel).index
        row: dict[str, object] = {"segment": market_label(milk, channel)}
        for name, publication in compared_with.items():
            means = {}
            if publication is not None:
                means = market.prices[series].loc[publication].groupby(region_of_series[series]).mean().to_dict()
            row[name] = means.get("south", np.nan) - means.get("north", np.nan)
            if name == "gap":
                row |= {region: means.get(region, np.nan) for region in REGION_TEXTS}
        rows.append(row)
    columns = (
        MARKET_LABEL,
        *(Column(name, label, "price") for name, label in REGION_TEXTS.items()),
        Column("gap", BilingualText("Sur − norte", "South − north"), "change", moves=False),
        Column("gap_month", BilingualText("hace un mes", "a month ago"), "change", moves=False),
        Column("gap_year", BilingualText("hace un año", "a year ago"), "change", moves=False),
    )
    caption = BilingualText(
        "Promedio simple de las ciudades de cada región con precio ese día. Regiones del Banco de México.",
        "Simple mean of each region's cities priced that day. Regions of Banco de México.",
    )
    title = BilingualText("Norte contra sur", "North against south")
    return make_table("regions", title, columns, pd.DataFrame(rows), caption=caption)


def _extremes(market: MarketPrices) -> Table:
    cities = city_gaps(market)
    if len(cities):
        cities = pd.concat([_ends(market_cities) for _, market_cities in cities.groupby("order", sort=True)])
    columns = (MARKET_LABEL, *CITY_GAP_COLUMNS)
    caption = format_bilingual(
        "Las {count} ciudades más caras y las {count} más baratas de cada mercado contra su promedio aritmético nacional. "
        "Pocos establecimientos por ciudad: un extremo no es un comercio ni una marca.",
        "The {count} dearest and the {count} cheapest cities of each market against its simple national mean. Few shops a city: "
        "an extreme is neither a shop nor a brand.",
        count=CITIES_AT_EACH_END,
    )
    title = BilingualText("Ciudades en los extremos", "Cities at the ends")
    return make_table("spread_extremes", title, columns, cities, caption=caption, group_by=("segment",), folded=True)


def _ends(cities: pd.DataFrame) -> pd.DataFrame:
    """The first and last rows, no city twice."""
    if len(cities) <= 2 * CITIES_AT_EACH_END:
        return cities
    return pd.concat([cities.head(CITIES_AT_EACH_END), cities.tail(CITIES_AT_EACH_END)])
