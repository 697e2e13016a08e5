"""De un vistazo: the national means of the four markets and how they changed.

Belongs here: changes of the published averages, monthly means and their history. Not here: city prices, which are in the other
sections.
"""

import numpy as np
import pandas as pd

from milk_assets.reporting.model.columns import MARKET_COLUMNS, PRICE_PER_LITRE, PUBLICATION
from milk_assets.reporting.model.market_prices import MarketPrices
from milk_assets.reporting.model.report import FILES_ONLY, Column, Section, Table, make_table
from milk_assets.reporting.text.bilingual import BilingualText, format_bilingual
from milk_assets.reporting.text.formatting import (
    AVERAGE_TEXTS,
    CHANNEL_TEXTS,
    MARKETS,
    MILK_TEXTS,
    count_text,
    long_month,
    record_date,
)

AVERAGE_COLUMN = Column("average", BilingualText("Promedio", "Mean"))
PERCENT_LABEL = BilingualText("%", "%")


def at_a_glance_section(market: MarketPrices) -> Section:
    """Make the section of both national means of the four markets: the price and its changes."""
    compared_with = _comparison_dates(market)
    lead = BilingualText(
        "Promedios nacionales al consumidor, en pesos por litro. El aritmético cuenta igual a cada ciudad; "
        "el ponderado, según su población.",
        "National consumer means, pesos per litre. The simple mean counts every city alike; the weighted one, by population.",
    )
    tables = (_changes(market, compared_with), _monthly_means(market), _history(market))
    return Section("glance", BilingualText("De un vistazo", "At a glance"), lead, tables)


def _comparison_dates(market: MarketPrices) -> dict[str, pd.Timestamp | None]:
    """The earlier publications that prices are compared with; None where the record does not reach."""
    return {
        "publication": market.newest_until(market.publication - pd.Timedelta(days=1)),
        "month": market.month_ago,
        "year": market.year_ago,
    }


def _changes(market: MarketPrices, compared_with: dict[str, pd.Timestamp | None]) -> Table:
    newest = market.averages.loc[market.publication]
    rows = []
    for average, average_text in AVERAGE_TEXTS.items():
        for milk, channel in MARKETS:
            price = newest.get((average, milk, channel), np.nan)
            row = _labels(average_text, milk, channel) | {"price": price}
            for name, publication in compared_with.items():
                earlier = (
                    np.nan if publication is None else market.averages.loc[publication].get((average, milk, channel), np.nan)
                )
                row |= {f"change_{name}": price - earlier, f"percent_{name}": 100 * (price / earlier - 1)}
            rows.append(row)
    columns = (
        AVERAGE_COLUMN,
        *MARKET_COLUMNS,
        PRICE_PER_LITRE,
        Column("change_publication", BilingualText("Última public.", "Last public."), "change"),
        Column("percent_publication", PERCENT_LABEL, "percent"),
        Column("change_month", BilingualText("Mes", "Month"), "change"),
        Column("percent_month", PERCENT_LABEL, "percent"),
        Column("change_year", BilingualText("Año", "Year"), "change"),
        Column("percent_year", PERCENT_LABEL, "percent"),
    )
    caption = format_bilingual(
        "Cambio contra la publicación anterior ({publication}), un mes atrás ({month}) y un año atrás ({year}).",
        "Change since the publication before ({publication}), a month ago ({month}) and a year ago ({year}).",
        **{name: record_date(publication) for name, publication in compared_with.items()},
    )
    title = BilingualText("Promedios y cambios", "Means and changes")
    return make_table("glance", title, columns, pd.DataFrame(rows), caption=caption, group_by=("average",), folded=True)


def _labels(average: BilingualText, milk: str, channel: str) -> dict[str, object]:
    return {"average": average, "milk": MILK_TEXTS[milk], "channel": CHANNEL_TEXTS[channel]}


def _monthly_means(market: MarketPrices) -> Table:
    """Means of the publications of the current month, of the month before it and of the same month a year ago."""
    current_month = market.publication.to_period("M")
    month_of_row = pd.PeriodIndex(market.averages.index, freq="M")
    monthly_means = market.averages.groupby(month_of_row).mean()
    rows = []
    for average, average_text in AVERAGE_TEXTS.items():
        for milk, channel in MARKETS:
            means = monthly_means.get((average, milk, channel), pd.Series(dtype=float))
            this_month = means.get(current_month, np.nan)
            last_month = means.get(current_month - 1, np.nan)
            last_year = means.get(current_month - 12, np.nan)
            figures = {
                "this": this_month,
                "previous": last_month,
                "change": this_month - last_month,
                "percent": 100 * (this_month / last_month - 1),
                "percent_year": 100 * (this_month / last_year - 1),
            }
            rows.append(_labels(average_text, milk, channel) | figures)
    columns = (
        AVERAGE_COLUMN,
        *MARKET_COLUMNS,
        Column("this", BilingualText("Este mes", "This month"), "price"),
        Column("previous", BilingualText("Mes anterior", "Month before"), "price"),
        Column("change", BilingualText("Cambio", "Change"), "change"),
        Column("percent", PERCENT_LABEL, "percent"),
        Column("percent_year", BilingualText("% anual", "% on year"), "percent"),
    )
    published = int((month_of_row == current_month).sum())
    caption = format_bilingual(
        "Promedio de {month} con {count} hasta hoy, en pesos por litro.",
        "Mean of {month} over {count} so far, pesos per litre.",
        month=long_month(market.publication.date()),
        count=count_text(published, BilingualText("publicación", "publication"), BilingualText("publicaciones", "publications")),
    )
    title = BilingualText("Promedio del mes", "Mean of the month")
    return make_table("glance_months", title, columns, pd.DataFrame(rows), caption=caption, group_by=("average",), folded=True)


def _history(market: MarketPrices) -> Table:
    """The averages of each publication, for the charts and for programs."""
    average_columns = tuple(
        Column(
            f"{average}/{milk}/{channel}",
            format_bilingual(
                "{average}, {milk}, {channel}",
                "{average}, {milk}, {channel}",
                average=average_text,
                milk=MILK_TEXTS[milk],
                channel=CHANNEL_TEXTS[channel],
            ),
            "price",
        )
        for average, average_text in AVERAGE_TEXTS.items()
        for milk, channel in MARKETS
    )
    frame = market.averages.set_axis(["/".join(keys) for keys in market.averages.columns], axis=1)
    frame = frame.reindex(columns=[column.name for column in average_columns]).rename_axis("publication").reset_index()
    caption = BilingualText(
        "Promedios nacionales de cada publicación, en pesos por litro.", "National means of each publication, pesos per litre."
    )
    title = BilingualText("Historia de los promedios", "History of the means")
    return make_table("history", title, (PUBLICATION, *average_columns), frame, caption=caption, outputs=FILES_ONLY)
