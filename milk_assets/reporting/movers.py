"""Qué cambió: the series whose price moved in this publication, and nothing else.

Belongs here: the comparison of each price with the one before it and how long that one had stood.
"""

import pandas as pd

from milk_assets.reporting.market import CENT, Market, runs
from milk_assets.reporting.report import Column, Section, table

COLUMNS = (
    Column("state", "Estado"),
    Column("city", "Ciudad"),
    Column("milk", "Leche"),
    Column("channel", "Canal"),
    Column("before", "Antes", "price"),
    Column("price", "Ahora", "price"),
    Column("change", "Cambio", "change"),
    Column("percent", "%", "percent"),
    Column("since", "El de antes regía desde", "date"),
    Column("stood", "Publicaciones", "count"),
)


def movers(market: Market) -> Section:
    """Every series whose price is another than its last known one, the largest rise first, the largest fall last.

    `since` is the first publication of the unbroken run at the old price and `stood` its length in prices published. A gap
    without a price does not break a run, as nobody said that the price had changed.
    """
    rows = [row for series in market.prices if (row := _move(market.prices[series])) is not None]
    frame = market.named(pd.DataFrame(rows, columns=["series", "before", "price", "change", "percent", "since", "stood"]))
    frame = frame.sort_values(["change", "series"], ascending=[False, True])
    priced = int(market.prices.iloc[-1].notna().sum())
    caption = f"{len(frame)} de {priced} precios cambiaron. Pesos por litro, del mayor aumento a la mayor baja."
    if len(frame) > 0 and frame["since"].eq(market.prices.index[0]).any():
        caption += f" El registro empieza el {market.prices.index[0]:%d/%m/%Y}: un precio puede regir desde antes."
    columns = (*COLUMNS, Column("series", "Clave"))
    lead = "Sólo las series cuyo precio es distinto del que tenían, con el precio anterior y el tiempo que llevaba."
    return Section(
        "movers",
        "Qué cambió",
        lead,
        (table("movers", "Qué cambió", columns, frame, caption=caption, empty="Ningún precio cambió en esta publicación."),),
    )


def _move(prices: pd.Series) -> dict[str, object] | None:
    """The last step of one series, or None when its newest price is missing, its first, or the same as before."""
    known = prices.dropna()
    if len(known) < 2 or known.index[-1] != prices.index[-1]:
        return None
    values = known.to_numpy()
    before, price = values[-2], values[-1]
    if abs(price - before) <= CENT:
        return None
    stood = int(runs(values[:-1])[-1])
    return {
        "series": prices.name,
        "before": before,
        "price": price,
        "change": price - before,
        "percent": 100 * (price / before - 1),
        "since": known.index[-1 - stood],
        "stood": stood,
    }
