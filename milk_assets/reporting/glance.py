"""De un vistazo: the four markets' national means and how far they have come.

Belongs here: changes of the published averages, monthly means, their history. City prices are in the other sections.
"""

import numpy as np
import pandas as pd

from milk_assets.reporting.market import Market
from milk_assets.reporting.report import FILES_ONLY, Column, Section, Table, table
from milk_assets.reporting.words import AVERAGE, CHANNEL, MILK, SEGMENTS, month, plain_date

STEPS = {"month": pd.DateOffset(months=1), "year": pd.DateOffset(years=1)}
"""How far back the two longer comparisons look: the newest publication on or before that day."""


def glance(market: Market) -> Section:
    """Four markets x simple and weighted mean: the price, and its change since the last publication, a month and a year ago."""
    since = _compared_with(market)
    said = [
        f"la publicación anterior ({_said(since['publication'])})",
        f"un mes atrás ({_said(since['month'])})",
        f"un año atrás ({_said(since['year'])})",
    ]
    lead = (
        "Promedios nacionales al consumidor, en pesos por litro. El aritmético cuenta igual a cada ciudad; "
        "el ponderado, según su población."
    )
    return Section(
        "glance",
        "De un vistazo",
        lead,
        (
            _changes(market, since, f"Cambio contra {said[0]}, {said[1]} y {said[2]}."),
            _monthly(market),
            _history(market),
        ),
    )


def _compared_with(market: Market) -> dict[str, pd.Timestamp | None]:
    """The earlier publications compared with; None where the record does not reach."""
    day = pd.Timedelta(days=1)
    back = {name: market.before(market.publication - step) for name, step in STEPS.items()}
    return {"publication": market.before(market.publication - day), **back}


def _said(moment: pd.Timestamp | None) -> str:
    return "sin registro" if moment is None else plain_date(moment.date())


def _changes(market: Market, since: dict[str, pd.Timestamp | None], caption: str) -> Table:
    now = market.averages.loc[market.publication]
    rows = []
    for average in AVERAGE:
        for milk, channel in SEGMENTS:
            price = now.get((average, milk, channel), np.nan)
            row: dict[str, object] = {
                "average": AVERAGE[average],
                "milk": MILK[milk],
                "channel": CHANNEL[channel],
                "price": price,
            }
            for name, moment in since.items():
                before = np.nan if moment is None else market.averages.loc[moment].get((average, milk, channel), np.nan)
                row |= {f"change_{name}": price - before, f"percent_{name}": 100 * (price / before - 1)}
            rows.append(row)
    columns = (
        Column("average", "Promedio"),
        Column("milk", "Leche"),
        Column("channel", "Canal"),
        Column("price", "MXN/l", "price"),
        Column("change_publication", "Última public.", "change"),
        Column("percent_publication", "%", "percent"),
        Column("change_month", "Mes", "change"),
        Column("percent_month", "%", "percent"),
        Column("change_year", "Año", "change"),
        Column("percent_year", "%", "percent"),
    )
    return table("glance", "Promedios y cambios", columns, pd.DataFrame(rows), caption=caption, group_by=("average",))


def _monthly(market: Market) -> Table:
    """Means of the publications of the running month, the month before it and the same month a year ago."""
    running = market.publication.to_period("M")
    periods = pd.PeriodIndex(market.averages.index, freq="M")
    means = market.averages.groupby(periods).mean()
    rows = []
    for average in AVERAGE:
        for milk, channel in SEGMENTS:
            own = means.get((average, milk, channel), pd.Series(dtype=float))
            this, previous, year = (own.get(period, np.nan) for period in (running, running - 1, running - 12))
            rows.append(
                {
                    "average": AVERAGE[average],
                    "milk": MILK[milk],
                    "channel": CHANNEL[channel],
                    "this": this,
                    "previous": previous,
                    "change": this - previous,
                    "percent": 100 * (this / previous - 1),
                    "percent_year": 100 * (this / year - 1),
                }
            )
    published = int((periods == running).sum())
    columns = (
        Column("average", "Promedio"),
        Column("milk", "Leche"),
        Column("channel", "Canal"),
        Column("this", "Este mes", "price"),
        Column("previous", "Mes anterior", "price"),
        Column("change", "Cambio", "change"),
        Column("percent", "%", "percent"),
        Column("percent_year", "% anual", "percent"),
    )
    count = "1 publicación" if published == 1 else f"{published} publicaciones"
    caption = f"Promedio de {month(market.publication.date())} con {count} hasta hoy, en pesos por litro."
    return table("glance_months", "Promedio del mes", columns, pd.DataFrame(rows), caption=caption, group_by=("average",))


def _history(market: Market) -> Table:
    """The averages as published, for the charts and for whoever computes on."""
    columns = tuple(
        Column(f"{average}/{milk}/{channel}", f"{AVERAGE[average]}, {MILK[milk]}, {CHANNEL[channel]}", "price")
        for average in AVERAGE
        for milk, channel in SEGMENTS
    )
    frame = market.averages.set_axis(["/".join(keys) for keys in market.averages.columns], axis=1)
    frame = frame.reindex(columns=[column.name for column in columns]).rename_axis("publication").reset_index()
    caption = "Promedios nacionales de cada publicación, en pesos por litro."
    columns = (Column("publication", "Publicación", "date"), *columns)
    return table("history", "Historia de los promedios", columns, frame, caption=caption, places=FILES_ONLY)
