"""Mapa: prices by state and region, north against south, the dearest and the cheapest cities.

Belongs here: where milk is dear. A state's price is the mean of its cities that publish one; drawing is `choropleth`'s.
"""

import numpy as np
import pandas as pd

from milk_assets.reporting.model.market_prices import Market
from milk_assets.reporting.model.report import FILES_ONLY, MARKET_NAMES, STATE, Column, Section, Table, table
from milk_assets.reporting.sections.spreads import CITY_COLUMNS, city_gaps
from milk_assets.reporting.text.bilingual import Text, say
from milk_assets.reporting.text.formatting import CHANNEL, MILK, SEGMENTS, plain_date, segment

EXTREMES = 3
"""Cities named at each end of a market: enough to see where it is dear, too few to headline a single shop."""
REGIONS = {
    "north": Text("Norte", "North"),
    "centre_north": Text("Centro norte", "Centre-north"),
    "centre": Text("Centro", "Centre"),
    "south": Text("Sur", "South"),
}
MEMBERS = {
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
REGION_OF = {state: region for region, states in MEMBERS.items() for state in states}


def regions(market: Market) -> Section:
    """Prices by state, the four regions with the gap of south minus north, and the cities at each end."""
    lead = Text(
        "Promedio simple de las ciudades de cada estado que publican precio, en pesos por litro. La mayoría de los estados tiene "
        "una o dos ciudades: el color dice lo que cuesta ahí, no en todo el estado.",
        "Simple mean of the cities of each state that publish a price, pesos per litre. Most states have one or two cities: the "
        "colour says what milk costs there, not across the state.",
    )
    return Section("map", Text("Mapa", "Map"), lead, (_regions(market), _extremes(market), _states(market)))


def _states(market: Market) -> Table:
    """One row a state and market: the mean price of its cities, and its change over a month in the cities priced on both days."""
    moment = market.before(market.publication - pd.DateOffset(months=1))
    frame = market.names.assign(price=market.prices.iloc[-1])
    frame["before"] = np.nan if moment is None else market.last_known.loc[moment]
    frame["change"] = frame["price"] - frame["before"]
    keys = ["state", "milk_code", "channel_code"]
    means = (
        frame.dropna(subset=["price"])
        .groupby(keys)
        .agg(price=("price", "mean"), change=("change", "mean"), cities=("price", "size"))
    )
    means = means.reset_index()
    means["order"] = [SEGMENTS.index(pair) for pair in zip(means["milk_code"], means["channel_code"], strict=True)]
    means = means.sort_values(["state", "order"]).assign(
        region=means["state"].map(REGION_OF).map(REGIONS),
        milk=means["milk_code"].map(MILK),
        channel=means["channel_code"].map(CHANNEL),
    )
    columns = (
        STATE,
        Column("region", Text("Región", "Region")),
        *MARKET_NAMES,
        Column("price", Text("MXN/l", "MXN/l"), "price"),
        Column("change", Text("Cambio en un mes", "Change in a month"), "change"),
        Column("cities", Text("Ciudades", "Cities"), "count"),
    )
    against = Text("sin registro", "no record") if moment is None else plain_date(moment.date())
    caption = say(
        "Promedio de las ciudades con precio; el cambio es contra el {day}, en las mismas ciudades.",
        "Mean of the cities with a price; the change is since {day}, in the same cities.",
        day=against,
    )
    title = Text("Precio por estado", "Price by state")
    return table("states", title, columns, means, caption=caption, places=FILES_ONLY, group_by=("state", "region"))


def _regions(market: Market) -> Table:
    """One row a market: the mean city price of each region today, and south minus north today, a month and a year ago."""
    region = market.names["state"].map(REGION_OF)
    moments = {
        "gap": market.publication,
        "gap_month": market.before(market.publication - pd.DateOffset(months=1)),
        "gap_year": market.before(market.publication - pd.DateOffset(years=1)),
    }
    rows = []
    for milk, channel in SEGMENTS:
        own = market.names[(market.names["milk_code"] == milk) & (market.names["channel_code"] == channel)].index
        row: dict[str, object] = {"segment": segment(milk, channel)}
        for name, moment in moments.items():
            means = pd.Series(dtype=float) if moment is None else market.prices[own].loc[moment].groupby(region[own]).mean()
            row[name] = means.get("south", np.nan) - means.get("north", np.nan)
            if name == "gap":
                row |= {place: means.get(place, np.nan) for place in REGIONS}
        rows.append(row)
    columns = (
        Column("segment", Text("Mercado", "Market")),
        *(Column(name, label, "price") for name, label in REGIONS.items()),
        Column("gap", Text("Sur − norte", "South − north"), "change", moves=False),
        Column("gap_month", Text("hace un mes", "a month ago"), "change", moves=False),
        Column("gap_year", Text("hace un año", "a year ago"), "change", moves=False),
    )
    caption = Text(
        "Promedio simple de las ciudades de cada región con precio ese día. Regiones del Banco de México.",
        "Simple mean of each region's cities priced that day. Regions of Banco de México.",
    )
    title = Text("Norte contra sur", "North against south")
    return table("regions", title, columns, pd.DataFrame(rows), caption=caption)


def _extremes(market: Market) -> Table:
    cities = city_gaps(market)
    ends = pd.concat([group for _, own in cities.groupby("order", sort=True) for group in _ends(own)]) if len(cities) else cities
    columns = (Column("segment", Text("Mercado", "Market")), *CITY_COLUMNS)
    caption = say(
        "Las {count} ciudades más caras y las {count} más baratas de cada mercado contra su promedio aritmético nacional. "
        "Pocos establecimientos por ciudad: un extremo no es un comercio ni una marca.",
        "The {count} dearest and the {count} cheapest cities of each market against its simple national mean. Few shops a city: "
        "an extreme is neither a shop nor a brand.",
        count=EXTREMES,
    )
    title = Text("Ciudades en los extremos", "Cities at the ends")
    return table("spread_extremes", title, columns, ends, caption=caption, group_by=("segment",), folded=True)


def _ends(own: pd.DataFrame) -> list[pd.DataFrame]:
    """The first and last rows, no city twice."""
    return [own] if len(own) <= 2 * EXTREMES else [own.head(EXTREMES), own.tail(EXTREMES)]
