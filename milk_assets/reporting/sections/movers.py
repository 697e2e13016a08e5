"""Qué cambió: the series whose price moved in this publication, and nothing else.

Belongs here: the comparison of each price with the one before it and how long that one had stood.
"""

import pandas as pd

from milk_assets.reporting.model.market_prices import CENT, Market, runs
from milk_assets.reporting.model.report import KEY, SERIES_NAMES, Column, Section, table
from milk_assets.reporting.text.bilingual import Text, joined, say
from milk_assets.reporting.text.formatting import plain_date

COLUMNS = (
    *SERIES_NAMES,
    Column("before", Text("Antes", "Before"), "price"),
    Column("price", Text("Ahora", "Now"), "price"),
    Column("change", Text("Cambio", "Change"), "change"),
    Column("percent", Text("%", "%"), "percent"),
    Column("since", Text("El de antes regía desde", "Earlier one stood since"), "date"),
    Column("stood", Text("Publicaciones", "Publications"), "count"),
    KEY,
)
TITLE = Text("Qué cambió", "What changed")


def movers(market: Market) -> Section:
    """Every series whose price is another than its last known one, the largest rise first, the largest fall last.

    `since` is the first publication of the unbroken run at the old price and `stood` its length in prices published. A gap
    without a price does not break a run, as nobody said that the price had changed.
    """
    rows = [row for series in market.prices if (row := _move(market.prices[series])) is not None]
    frame = market.named(pd.DataFrame(rows, columns=["series", "before", "price", "change", "percent", "since", "stood"]))
    frame = frame.sort_values(["change", "series"], ascending=[False, True])
    caption = say(
        "{moved} de {priced} precios cambiaron. Pesos por litro, del mayor aumento a la mayor baja.",
        "{moved} of {priced} prices changed. Pesos per litre, from the largest rise to the largest fall.",
        moved=len(frame),
        priced=int(market.prices.iloc[-1].notna().sum()),
    )
    if len(frame) > 0 and frame["since"].eq(market.prices.index[0]).any():
        start = say(
            "El registro empieza el {day}: un precio puede regir desde antes.",
            "The record begins on {day}: a price may have stood for longer.",
            day=plain_date(market.prices.index[0].date()),
        )
        caption = joined([caption, start])
    lead = Text(
        "Sólo las series cuyo precio es distinto del que tenían, con el precio anterior y el tiempo que llevaba.",
        "Only series whose price is another than before, with the earlier price and how long it had stood.",
    )
    empty = Text("Ningún precio cambió en esta publicación.", "No price changed in this publication.")
    return Section("movers", TITLE, lead, (table("movers", TITLE, COLUMNS, frame, caption=caption, empty=empty),))


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
