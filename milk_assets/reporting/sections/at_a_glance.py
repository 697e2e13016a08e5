"""De un vistazo: the four markets' national means and how far they have come.

Belongs here: changes of the published averages, monthly means, their history. City prices are in the other sections.
"""

import numpy as np
import pandas as pd

from milk_assets.reporting.model.market_prices import Market
from milk_assets.reporting.model.report import FILES_ONLY, MARKET_NAMES, Column, Section, Table, table
from milk_assets.reporting.text.bilingual import Text, say
from milk_assets.reporting.text.formatting import AVERAGE, CHANNEL, MILK, SEGMENTS, counted, month, plain_date

STEPS = {"month": pd.DateOffset(months=1), "year": pd.DateOffset(years=1)}
"""How far back the two longer comparisons look: the newest publication on or before that day."""
AVERAGE_COLUMN = Column("average", Text("Promedio", "Mean"))


def glance(market: Market) -> Section:
    """Four markets x simple and weighted mean: the price, and its change since the last publication, a month and a year ago."""
    since = _compared_with(market)
    caption = say(
        "Cambio contra la publicación anterior ({publication}), un mes atrás ({month}) y un año atrás ({year}).",
        "Change since the publication before ({publication}), a month ago ({month}) and a year ago ({year}).",
        **{name: _said(moment) for name, moment in since.items()},
    )
    lead = Text(
        "Promedios nacionales al consumidor, en pesos por litro. El aritmético cuenta igual a cada ciudad; "
        "el ponderado, según su población.",
        "National consumer means, pesos per litre. The simple mean counts every city alike; the weighted one, by population.",
    )
    tables = (_changes(market, since, caption), _monthly(market), _history(market))
    return Section("glance", Text("De un vistazo", "At a glance"), lead, tables)


def _compared_with(market: Market) -> dict[str, pd.Timestamp | None]:
    """The earlier publications compared with; None where the record does not reach."""
    day = pd.Timedelta(days=1)
    back = {name: market.before(market.publication - step) for name, step in STEPS.items()}
    return {"publication": market.before(market.publication - day), **back}


def _said(moment: pd.Timestamp | None) -> Text:
    return Text("sin registro", "no record") if moment is None else plain_date(moment.date())


def _changes(market: Market, since: dict[str, pd.Timestamp | None], caption: Text) -> Table:
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
    per_cent = Text("%", "%")
    columns = (
        AVERAGE_COLUMN,
        *MARKET_NAMES,
        Column("price", Text("MXN/l", "MXN/l"), "price"),
        Column("change_publication", Text("Última public.", "Last public."), "change"),
        Column("percent_publication", per_cent, "percent"),
        Column("change_month", Text("Mes", "Month"), "change"),
        Column("percent_month", per_cent, "percent"),
        Column("change_year", Text("Año", "Year"), "change"),
        Column("percent_year", per_cent, "percent"),
    )
    title = Text("Promedios y cambios", "Means and changes")
    return table("glance", title, columns, pd.DataFrame(rows), caption=caption, group_by=("average",), folded=True)


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
    columns = (
        AVERAGE_COLUMN,
        *MARKET_NAMES,
        Column("this", Text("Este mes", "This month"), "price"),
        Column("previous", Text("Mes anterior", "Month before"), "price"),
        Column("change", Text("Cambio", "Change"), "change"),
        Column("percent", Text("%", "%"), "percent"),
        Column("percent_year", Text("% anual", "% on year"), "percent"),
    )
    published = int((periods == running).sum())
    caption = say(
        "Promedio de {month} con {count} hasta hoy, en pesos por litro.",
        "Mean of {month} over {count} so far, pesos per litre.",
        month=month(market.publication.date()),
        count=counted(published, Text("publicación", "publication"), Text("publicaciones", "publications")),
    )
    title = Text("Promedio del mes", "Mean of the month")
    return table("glance_months", title, columns, pd.DataFrame(rows), caption=caption, group_by=("average",), folded=True)


def _history(market: Market) -> Table:
    """The averages as published, for the charts and for whoever computes on."""
    columns = tuple(
        Column(
            f"{average}/{milk}/{channel}",
            say("{a}, {m}, {c}", "{a}, {m}, {c}", a=AVERAGE[average], m=MILK[milk], c=CHANNEL[channel]),
            "price",
        )
        for average in AVERAGE
        for milk, channel in SEGMENTS
    )
    frame = market.averages.set_axis(["/".join(keys) for keys in market.averages.columns], axis=1)
    frame = frame.reindex(columns=[column.name for column in columns]).rename_axis("publication").reset_index()
    caption = Text(
        "Promedios nacionales de cada publicación, en pesos por litro.", "National means of each publication, pesos per litre."
    )
    columns = (Column("publication", Text("Publicación", "Publication"), "date"), *columns)
    title = Text("Historia de los promedios", "History of the means")
    return table("history", title, columns, frame, caption=caption, places=FILES_ONLY)
