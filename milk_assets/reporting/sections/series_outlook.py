"""Series outlook: every series of the market in one row, with its price and its forecast.

Belongs here: the tables by series, the choice of likely changes, the suggested price. Not here: national figures
(`sections.outlook`).
"""

import numpy as np
import pandas as pd

from milk_assets.reporting.model.columns import PUBLICATION, SERIES_COLUMNS, SERIES_KEY
from milk_assets.reporting.model.forecast_rows import (
    AGAINST_NO_CHANGE,
    CHANCES,
    INTERVAL_80,
    LAST_PRICE,
    P_DOWN,
    P_UP,
    REVISION,
    column_names,
    empty_frame,
)
from milk_assets.reporting.model.market_prices import MarketPrices, run_lengths
from milk_assets.reporting.model.report import DOCUMENT_ONLY, FILES_ONLY, Column, Table, make_table
from milk_assets.reporting.text.bilingual import BilingualText, format_bilingual
from milk_assets.reporting.text.formatting import short_date, short_month

SERIES_INDEX = ["state", "city", "order", "milk", "channel", "series"]
NEXT_PUBLICATION_LEAD, NEXT_MONTH_LEAD = 1, 1
"""The next price list, and the month after the current one."""
MOST_LIKELY_CHANGES = 12
"""Series named as likely to change: as many as a buyer can check before the next list."""
LEAST_ADVISED_STEP = 0.05
"""MXN. A suggested price nearer than this to today's is no reason to print a new list."""

RAISE, HOLD, LOWER = BilingualText("Subir", "Raise"), BilingualText("Mantener", "Hold"), BilingualText("Bajar", "Lower")
ADVICE = Column("advice", BilingualText("Qué hacer", "What to do"))
NO_SERIES = BilingualText("No hay pronóstico por serie.", "There is no forecast by series.")


def price_advice(step: float) -> BilingualText:
    """Return what a suggested price, `step` MXN above today's, means: raise, hold or lower."""
    if step >= LEAST_ADVISED_STEP:
        return RAISE
    return LOWER if step <= -LEAST_ADVISED_STEP else HOLD


def month_labels(rows: pd.DataFrame) -> dict[int, BilingualText]:
    """Return the month of each lead. The target of a lead is the same for every series."""
    first = rows.drop_duplicates("lead").sort_values("lead")
    return {int(lead): short_month(day.date()) for lead, day in zip(first["lead"], first["target"], strict=True)}


def month_columns(months: dict[int, BilingualText]) -> tuple[Column, ...]:
    """Return a forecast column per month, and the 80 % interval of the last month."""
    forecasts = [Column(f"forecast_{lead}", label, "price") for lead, label in months.items()]
    last_lead = list(months)[-1:]
    bounds = [Column(f"{bound.name}_{lead}", bound.label, "price") for lead in last_lead for bound in INTERVAL_80]
    return (*forecasts, *bounds)


def months_side_by_side(rows: pd.DataFrame, index: list[str]) -> pd.DataFrame:
    """Pivot monthly forecasts.

    Args:
        rows: Forecast rows of months.
        index: Columns that identify a series.

    Returns:
        One row per series: `index`, last_price and columns `<figure>_<lead>` of the forecast and its 80 % interval.
    """
    figures = ["forecast", *column_names(INTERVAL_80)]
    wide = rows.pivot(index=[*index, "last_price"], columns="lead", values=figures)
    wide = wide.set_axis(["_".join(str(level) for level in column) for column in wide.columns.to_flat_index()], axis=1)
    return wide.reset_index().sort_values(["state", "city", "order"])


def _cities(rows: pd.DataFrame, task: str) -> pd.DataFrame:
    return rows[(rows["level_code"] == "city") & (rows["task_code"] == task)]


def likely_changes(market: MarketPrices, rows: pd.DataFrame) -> Table:
    """Make the table of the series whose price most probably changes in the next publication, the most likely first."""
    cities = _cities(rows, "publication")
    next_publication = cities[cities["lead"] == NEXT_PUBLICATION_LEAD].assign(p_change=lambda frame: 1 - frame["p_same"])
    expected_changes = next_publication["p_change"].sum()
    likeliest = next_publication.sort_values(["p_change", "series"], ascending=[False, True]).head(MOST_LIKELY_CHANGES)
    current_runs = {series: int(run_lengths(market.prices[series].dropna().to_numpy())[-1]) for series in likeliest["series"]}
    likeliest = likeliest.assign(stood=likeliest["series"].map(current_runs))
    columns = (
        *SERIES_COLUMNS,
        Column("p_change", BilingualText("P(cambia)", "P(change)"), "share"),
        P_DOWN,
        P_UP,
        LAST_PRICE,
        Column("stood", BilingualText("Publicaciones igual", "Publications unchanged"), "count"),
        SERIES_KEY,
    )
    target = next_publication["target"].iloc[0].date() if len(next_publication) else market.publication.date()
    caption = format_bilingual(
        "Probabilidad de que el precio sea otro el {day}. Se esperan unos {expected} cambios entre {count} series.",
        "Probability that the price is another on {day}. About {expected} changes are expected among {count} series.",
        day=short_date(target),
        expected=round(expected_changes),
        count=len(next_publication),
    )
    title = BilingualText("Cambios probables", "Likely changes")
    return make_table("likely_changes", title, columns, likeliest, caption=caption, empty=NO_SERIES)


def every_series(market: MarketPrices, rows: pd.DataFrame) -> Table:
    """Make the table with one row per series, the national means first; the page's explorer is made of it.

    `last_price` is the last known price, `change` its change from the publication before, `gap` its difference from the market's
    simple national mean today.
    """
    months = rows[rows["task_code"] == "month"]
    month_of_lead = month_labels(months).get(NEXT_MONTH_LEAD, BilingualText("", ""))
    columns = (
        *SERIES_COLUMNS,
        Column("last_price", BilingualText("Precio", "Price"), "price"),
        Column("change", BilingualText("Cambio", "Change"), "change"),
        Column("gap", BilingualText("Contra nacional", "Against national"), "change", moves=False),
        Column("forecast", format_bilingual("Sugerido {month}", "Suggested {month}", month=month_of_lead), "price"),
        *INTERVAL_80,
        AGAINST_NO_CHANGE,
        REVISION,
        *CHANCES,
        ADVICE,
        SERIES_KEY,
    )
    caption = BilingualText(
        "Cada serie: precio, cambio en la última publicación, precio sugerido para el mes próximo con su intervalo, y "
        "probabilidades para la próxima publicación. Pesos por litro.",
        "Each series: price, change in the last publication, suggested price for next month with its interval, and chances for "
        "the next publication. Pesos per litre.",
    )
    title = BilingualText("Todas las series", "Every series")
    return make_table("series", title, columns, _series_rows(market, rows), caption=caption, empty=NO_SERIES)


def _series_rows(market: MarketPrices, rows: pd.DataFrame) -> pd.DataFrame:
    """Next month's forecast of each series, with the chances of the next publication and the comparisons of today's price."""
    next_month = rows[(rows["task_code"] == "month") & (rows["lead"] == NEXT_MONTH_LEAD)]
    next_publication = rows[(rows["task_code"] == "publication") & (rows["lead"] == NEXT_PUBLICATION_LEAD)]
    frame = next_month.sort_values(["level_code", "state", "city", "order"], ascending=[False, True, True, True])
    chances = column_names(CHANCES)
    frame = frame.drop(columns=chances).join(next_publication.set_index("series")[chances], on="series")
    latest_changes = market.prices_and_averages.diff().iloc[-1]
    national = market.averages.iloc[-1]
    national_means = [
        national.get(("arithmetic", milk, channel), np.nan)
        for milk, channel in zip(frame["milk_code"], frame["channel_code"], strict=True)
    ]
    return frame.assign(
        change=frame["series"].map(latest_changes),
        gap=frame["last_price"] - np.array(national_means, dtype=float),
        advice=[price_advice(step) for step in frame["moved"]],
    )


def monthly_forecasts(rows: pd.DataFrame) -> Table:
    """Make the table of the monthly forecasts of each series, side by side."""
    cities = _cities(rows, "month")
    columns = (
        *SERIES_COLUMNS,
        Column("last_price", BilingualText("Último", "Last"), "price"),
        *month_columns(month_labels(cities)),
        SERIES_KEY,
    )
    frame = months_side_by_side(cities, SERIES_INDEX) if len(cities) else empty_frame(columns)
    caption = BilingualText(
        "Promedio mensual pronosticado de cada serie, con el intervalo de 80 % del último mes, en pesos por litro.",
        "Forecast monthly mean of each series, with the 80 % interval of the last month, pesos per litre.",
    )
    title = BilingualText("Por serie, promedio mensual", "By series, monthly mean")
    return make_table("outlook_series_months", title, columns, frame, caption=caption, empty=NO_SERIES, outputs=FILES_ONLY)


def price_history(market: MarketPrices) -> Table:
    """Make the table of all published prices, one column per series, for the charts and for programs."""
    columns = (PUBLICATION, *(Column(str(name), BilingualText(str(name), str(name)), "price") for name in market.prices))
    caption = BilingualText("Precios de cada publicación, en pesos por litro.", "Prices of each publication, pesos per litre.")
    title = BilingualText("Historia de los precios", "History of the prices")
    frame = market.prices.rename_axis("publication").reset_index()
    return make_table("price_history", title, columns, frame, caption=caption, outputs=DOCUMENT_ONLY)
