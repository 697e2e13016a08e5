"""Qué cambió: the series whose price changed in this publication.

Belongs here: the comparison of each price with the one before it, and how long that one had applied. Not here: changes of the
national means (`sections.at_a_glance`).
"""

import pandas as pd

from milk_assets.reporting.model.columns import SERIES_COLUMNS, SERIES_KEY
from milk_assets.reporting.model.market_prices import PRICE_TOLERANCE, MarketPrices, run_lengths
from milk_assets.reporting.model.report import Column, Section, make_table
from milk_assets.reporting.text.bilingual import BilingualText, format_bilingual, join_texts
from milk_assets.reporting.text.formatting import plain_date

MOVER_COLUMNS = (
    *SERIES_COLUMNS,
    Column("before", BilingualText("Antes", "Before"), "price"),
    Column("price", BilingualText("Ahora", "Now"), "price"),
    Column("change", BilingualText("Cambio", "Change"), "change"),
    Column("percent", BilingualText("%", "%"), "percent"),
    Column("since", BilingualText("El de antes regía desde", "Earlier price since"), "date"),
    Column("stood", BilingualText("Publicaciones", "Publications"), "count"),
    SERIES_KEY,
)
TITLE = BilingualText("Qué cambió", "What changed")


def movers_section(market: MarketPrices) -> Section:
    """Make the section of every series whose price differs from its last known one, from the largest rise to the largest fall.

    In the table, `since` is the first publication of the unbroken run at the old price and `stood` the number of prices in that run.
    A gap without a price does not break a run, because the source did not publish a change.
    """
    moves = [_latest_move(market.prices[series]) for series in market.prices]
    rows = [move for move in moves if move is not None]
    frame = market.with_names(pd.DataFrame(rows, columns=["series", "before", "price", "change", "percent", "since", "stood"]))
    frame = frame.sort_values(["change", "series"], ascending=[False, True])
    caption = format_bilingual(
        "{moved} de {priced} precios cambiaron. Pesos por litro, del mayor aumento a la mayor baja.",
        "{moved} of {priced} prices changed. Pesos per litre, from the largest rise to the largest fall.",
        moved=len(frame),
        priced=int(market.prices.iloc[-1].notna().sum()),
    )
    if len(frame) > 0 and frame["since"].eq(market.prices.index[0]).any():
        start = format_bilingual(
            "El registro empieza el {day}: un precio puede regir desde antes.",
            "The record begins on {day}: a price may have applied for longer.",
            day=plain_date(market.prices.index[0].date()),
        )
        caption = join_texts([caption, start])
    lead = BilingualText(
        "Sólo las series cuyo precio es distinto del que tenían, con el precio anterior y el tiempo que llevaba.",
        "Only series whose price is another than before, with the earlier price and how long it had applied.",
    )
    empty = BilingualText("Ningún precio cambió en esta publicación.", "No price changed in this publication.")
    return Section("movers", TITLE, lead, (make_table("movers", TITLE, MOVER_COLUMNS, frame, caption=caption, empty=empty),))


def _latest_move(prices: pd.Series) -> dict[str, object] | None:
    """The newest change of one series, or None when its newest price is missing, is its first, or is unchanged."""
    published = prices.dropna()
    if len(published) < 2 or published.index[-1] != prices.index[-1]:
        return None
    values = published.to_numpy()
    previous_price, price = values[-2], values[-1]
    if abs(price - previous_price) <= PRICE_TOLERANCE:
        return None
    run_length = int(run_lengths(values[:-1])[-1])
    return {
        "series": prices.name,
        "before": previous_price,
        "price": price,
        "change": price - previous_price,
        "percent": 100 * (price / previous_price - 1),
        "since": published.index[-1 - run_length],
        "stood": run_length,
    }
