"""Every series of the market in one row: today's price, what is expected of it, where it stands.

Belongs here: the tables by series, the choice of likely changes, the suggested price. National figures are `outlook`'s.
"""

import numpy as np
import pandas as pd

from milk_assets.reporting.model import forecast_rows
from milk_assets.reporting.model.market_prices import Market, runs
from milk_assets.reporting.model.report import DATA_ONLY, EVERYWHERE, FILES_ONLY, KEY, SERIES_NAMES, Column, Table, table
from milk_assets.reporting.text.bilingual import Text, say
from milk_assets.reporting.text.formatting import short_date, short_month

INDEX = ["state", "city", "order", "milk", "channel", "series"]
NEXT_PUBLICATION, NEXT_MONTH = 1, 1
"""Leads: the next price list, the month after the running one."""
LIKELY = 12
"""Series named as likely to change: what a buyer can look at before the next list."""
WORTH_A_STEP = 0.05
"""MXN. A suggested price nearer than this to today's is no reason to print a new list."""

RAISE, HOLD, LOWER = Text("Subir", "Raise"), Text("Mantener", "Hold"), Text("Bajar", "Lower")
NO_SERIES = Text("No hay pronóstico por serie.", "There is no forecast by series.")


def advice(step: float) -> Text:
    """What a suggested price means for today's: raise, hold or lower."""
    return RAISE if step >= WORTH_A_STEP else LOWER if step <= -WORTH_A_STEP else HOLD


def labels(own: pd.DataFrame) -> dict[int, Text]:
    """Lead: its month. The target of a lead is the same for every series."""
    first = own.drop_duplicates("lead").sort_values("lead")
    return {int(lead): short_month(day.date()) for lead, day in zip(first["lead"], first["target"], strict=True)}


def ends(months: dict[int, Text]) -> tuple[Column, ...]:
    """The interval of the farthest month."""
    last = list(months)[-1:]
    return tuple(
        Column(f"{end.name}_{lead}", end.label, "price") for lead in last for end in (forecast_rows.LO80, forecast_rows.HI80)
    )


def wide(own: pd.DataFrame, names: list[str], index: list[str]) -> pd.DataFrame:
    """One row a series; columns named `<figure>_<lead>`."""
    made = own.pivot(index=[*index, "last_price"], columns="lead", values=names)
    made = made.set_axis(["_".join(map(str, pair)) for pair in made.columns.to_flat_index()], axis=1)
    return made.reset_index().sort_values(["state", "city", "order"])


def _city(rows: pd.DataFrame, task: str) -> pd.DataFrame:
    return rows[(rows["level_code"] == "city") & (rows["task_code"] == task)]


def likely_changes(market: Market, rows: pd.DataFrame) -> Table:
    """The series whose price most probably changes in the next publication, the likeliest first."""
    own = _city(rows, "publication")
    own = own[own["lead"] == NEXT_PUBLICATION].assign(p_change=lambda frame: 1 - frame["p_same"])
    expected = own["p_change"].sum()
    named = own.sort_values(["p_change", "series"], ascending=[False, True]).head(LIKELY)
    stood = {name: int(runs(market.prices[name].dropna().to_numpy())[-1]) for name in named["series"]}
    named = named.assign(stood=named["series"].map(stood))
    columns = (
        *SERIES_NAMES,
        Column("p_change", Text("P(cambia)", "P(change)"), "share"),
        forecast_rows.P_DOWN,
        forecast_rows.P_UP,
        forecast_rows.LAST,
        Column("stood", Text("Publicaciones igual", "Publications unchanged"), "count"),
        KEY,
    )
    when = own["target"].iloc[0].date() if len(own) else market.publication.date()
    caption = say(
        "Probabilidad de que el precio sea otro el {day}. Se esperan unos {expected} cambios entre {count} series.",
        "Probability that the price is another on {day}. About {expected} changes are expected among {count} series.",
        day=short_date(when),
        expected=round(expected),
        count=len(own),
    )
    title = Text("Cambios probables", "Likely changes")
    return table("likely_changes", title, columns, named, caption=caption, empty=NO_SERIES)


def every_series(market: Market, rows: pd.DataFrame) -> Table:
    """One row a series: the national means first, then every city; the page's explorer is made of it.

    price is the last known one; change is against the publication before; gap against the market's simple national mean today.
    """
    months, nexts = rows[rows["task_code"] == "month"], rows[rows["task_code"] == "publication"]
    frame = months[months["lead"] == NEXT_MONTH].sort_values(
        ["level_code", "state", "city", "order"], ascending=[False] + [True] * 3
    )
    chances = nexts[nexts["lead"] == NEXT_PUBLICATION].set_index("series")[["p_down", "p_same", "p_up"]]
    frame = frame.drop(columns=["p_down", "p_same", "p_up"]).join(chances, on="series")
    steps = market.every_price.diff().iloc[-1]
    national = market.averages.iloc[-1]
    means = [national.get(("arithmetic", *pair), np.nan) for pair in zip(frame["milk_code"], frame["channel_code"], strict=True)]
    frame = frame.assign(change=frame["series"].map(steps), gap=frame["last_price"] - np.array(means, dtype=float))
    frame["advice"] = [advice(step) for step in frame["moved"]]
    when = labels(months).get(NEXT_MONTH, Text("", ""))
    columns = (
        *SERIES_NAMES,
        Column("last_price", Text("Precio", "Price"), "price"),
        Column("change", Text("Cambio", "Change"), "change"),
        Column("gap", Text("Contra nacional", "Against national"), "change", moves=False),
        Column("forecast", say("Sugerido {month}", "Suggested {month}", month=when), "price"),
        forecast_rows.LO80,
        forecast_rows.HI80,
        forecast_rows.MOVED,
        forecast_rows.REVISION,
        forecast_rows.P_DOWN,
        forecast_rows.P_SAME,
        forecast_rows.P_UP,
        Column("advice", Text("Qué hacer", "What to do")),
        KEY,
    )
    caption = Text(
        "Cada serie: precio, cambio en la última publicación, precio sugerido para el mes próximo con su intervalo, y "
        "probabilidades para la próxima publicación. Pesos por litro.",
        "Each series: price, change in the last publication, suggested price for next month with its interval, and chances for "
        "the next publication. Pesos per litre.",
    )
    title = Text("Todas las series", "Every series")
    return table("series", title, columns, frame, caption=caption, empty=NO_SERIES, places=EVERYWHERE)


def months(rows: pd.DataFrame) -> Table:
    """The monthly forecasts of each series, side by side."""
    own = _city(rows, "month")
    named = labels(own)
    points = tuple(Column(f"forecast_{lead}", label, "price") for lead, label in named.items())
    columns = (*SERIES_NAMES, Column("last_price", Text("Último", "Last"), "price"), *points, *ends(named), KEY)
    frame = wide(own, ["forecast", "lo80", "hi80"], INDEX) if len(own) else forecast_rows.no_rows(columns)
    caption = Text(
        "Promedio mensual pronosticado de cada serie, con el intervalo de 80 % del último mes, en pesos por litro.",
        "Forecast monthly mean of each series, with the 80 % interval of the last month, pesos per litre.",
    )
    title = Text("Por serie, promedio mensual", "By series, monthly mean")
    return table("outlook_series_months", title, columns, frame, caption=caption, empty=NO_SERIES, places=FILES_ONLY)


def price_history(market: Market) -> Table:
    """The prices of every series as published, one column a series: for the charts and for whoever computes on."""
    wide_prices = market.prices.rename_axis("publication").reset_index()
    columns = (
        Column("publication", Text("Publicación", "Publication"), "date"),
        *(Column(str(name), Text(str(name), str(name)), "price") for name in market.prices),
    )
    caption = Text("Precios de cada publicación, en pesos por litro.", "Prices of each publication, pesos per litre.")
    title = Text("Historia de los precios", "History of the prices")
    return table("price_history", title, columns, wide_prices, caption=caption, places=DATA_ONLY)
