"""Pronóstico: the forecasts laid out for reading, and set against the forecasts made before.

Belongs here: choice and arrangement of what `milk_assets.forecasting` computed. Nothing is forecast here.
"""

from datetime import date

import numpy as np
import pandas as pd

from milk_assets.reporting.market import Market
from milk_assets.reporting.report import DATA_ONLY, EVERYWHERE, FILES_ONLY, Column, ReportError, Section, Table, table
from milk_assets.reporting.words import AVERAGE, CHANNEL, LEVEL, MILK, SEGMENTS, TASK, plain_date, short_date, short_month
from milk_assets.sniim.names import AVERAGES

LEADS = (1, 3, 6, 13)
"""Publications ahead that are printed: the next one, one week, two weeks, a month. The tidy files hold every lead."""
PAGE_LEADS = (1, 6, 13)
"""Of those, the ones that fit a page for each of the 185 series."""
FIGURES = ("forecast", "lo80", "hi80", "lo95", "hi95", "p_up", "p_same", "p_down")
REQUIRED = (
    "origin",
    "level",
    "series",
    "state",
    "city",
    "milk",
    "channel",
    "task",
    "lead",
    "target",
    "last_price",
    "no_change",
    "trust",
)

TIDY = (
    Column("origin", "Origen", "date"),
    Column("level", "Nivel"),
    Column("series", "Clave"),
    Column("state", "Estado"),
    Column("city", "Ciudad"),
    Column("milk", "Leche"),
    Column("channel", "Canal"),
    Column("task", "Pregunta"),
    Column("lead", "Adelanto", "count"),
    Column("target", "Para", "date"),
    Column("last_price", "Último precio", "price"),
    Column("no_change", "Sin cambio", "price"),
    Column("forecast", "Pronóstico", "price"),
    Column("lo80", "80 % desde", "price"),
    Column("hi80", "80 % hasta", "price"),
    Column("lo95", "95 % desde", "price"),
    Column("hi95", "95 % hasta", "price"),
    Column("p_up", "P(sube)", "share"),
    Column("p_same", "P(igual)", "share"),
    Column("p_down", "P(baja)", "share"),
    Column("trust", "Peso del modelo", "share"),
    Column("previous", "Pronóstico anterior", "price"),
    Column("revision", "Contra el anterior", "change"),
)


def outlook(market: Market, forecasts: pd.DataFrame, previous: pd.DataFrame | None) -> Section:
    """The forecast section: months and next publications, national and by series, against the previous forecast when given.

    forecasts, previous: forecasts frames (one row a series x task x lead). ReportError when the forecasts were made at another
    publication, or lack a column.
    """
    tidy = tidy_forecasts(market, forecasts, previous)
    lead = (
        "Sólo se pronostican fechas en que se publicará un precio. El intervalo de 80 % debe contener el precio ocho de cada "
        "diez veces; el de 95 %, diecinueve de cada veinte. Pesos por litro."
    )
    earlier = "" if previous is None or previous.empty else f" El pronóstico anterior es del {_origin(previous)}."
    tables = (
        _headline_months(tidy),
        _national_months(tidy, "arithmetic", earlier),
        _national_months(tidy, "weighted", earlier),
        _national_publications(tidy, earlier),
        _series_months(tidy),
        _series_publications(tidy),
        _series_detail(tidy),
        _everything(tidy),
    )
    return Section("outlook", "Pronóstico", lead, tables)


def tidy_forecasts(market: Market, forecasts: pd.DataFrame, previous: pd.DataFrame | None) -> pd.DataFrame:
    """One row a forecast, in Spanish words (codes kept as milk_code, channel_code, task_code, level_code), beside the previous.

    previous: the forecast of the same series and target made before, NaN where there was none; revision: this one minus that one.
    """
    missing = [name for name in (*REQUIRED, *FIGURES) if name not in forecasts]
    if missing:
        raise ReportError(f"Forecasts: expected the columns {missing} too, found {list(forecasts.columns)}.")
    made = forecasts["origin"].unique()
    if len(forecasts) and (len(made) != 1 or pd.Timestamp(made[0]) != market.publication):
        raise ReportError(
            f"Report of {market.publication.date()}: expected forecasts made at that publication, "
            f"found origins {sorted(str(pd.Timestamp(origin).date()) for origin in made)}. Forecast it first."
        )
    frame = forecasts.assign(previous=np.nan)
    if previous is not None and not previous.empty:
        keys = ["series", "task", "target"]
        before = previous.drop_duplicates(keys).set_index(keys)["forecast"]
        frame["previous"] = before.reindex(pd.MultiIndex.from_frame(frame[keys])).to_numpy(dtype=float)
    frame["revision"] = frame["forecast"] - frame["previous"]
    for name, words in (("level", LEVEL), ("milk", MILK), ("channel", CHANNEL), ("task", TASK)):
        frame[f"{name}_code"] = frame[name]
        frame[name] = frame[name].map(words)
    frame["segment"] = frame["milk"] + ", " + frame["channel"].str.lower()
    frame["moved"] = frame["forecast"] - frame["last_price"]
    order = {pair: place for place, pair in enumerate(SEGMENTS)}
    frame["order"] = [order[pair] for pair in zip(frame["milk_code"], frame["channel_code"], strict=True)]
    return frame


def _origin(forecasts: pd.DataFrame) -> str:
    return plain_date(pd.Timestamp(forecasts["origin"].max()).date())


def _national(tidy: pd.DataFrame, task: str, average: str) -> pd.DataFrame:
    own = tidy[(tidy["level_code"] == "national") & (tidy["task_code"] == task)]
    own = own[own["city"] == AVERAGES[average]]
    return own.sort_values(["order", "lead"])


def _headline_months(tidy: pd.DataFrame) -> Table:
    """Markets x months, both averages: what most readers come for."""
    own = tidy[(tidy["level_code"] == "national") & (tidy["task_code"] == "month")]
    months = {int(lead): short_month(_day(own, lead)) for lead in sorted(own["lead"].unique())}
    points = tuple(Column(f"forecast_{lead}", label, "price") for lead, label in months.items())
    ends = _ends(months)
    columns = (Column("city", "Promedio"), Column("segment", "Mercado"), Column("last_price", "Último", "price"), *points, *ends)
    frame = _wide(own, ["forecast", "lo80", "hi80"], [*INDEX, "segment"]) if len(own) else _no_rows(columns)
    caption = "Promedio mensual nacional, del mes en curso a seis meses, con el intervalo de 80 % del último, en pesos por litro."
    empty = "No hay pronóstico mensual."
    return table("outlook_months", "Promedio mensual", columns, frame, caption=caption, empty=empty, group_by=("city",))


def _ends(months: dict[int, str]) -> tuple[Column, ...]:
    """The interval of the farthest month."""
    return tuple(
        column
        for lead in list(months)[-1:]
        for column in (Column(f"lo80_{lead}", "80 % desde", "price"), Column(f"hi80_{lead}", "hasta", "price"))
    )


def _national_months(tidy: pd.DataFrame, average: str, earlier: str) -> Table:
    columns = (
        Column("segment", "Mercado"),
        Column("target", "Mes", "month"),
        Column("forecast", "Pronóstico", "price"),
        Column("lo80", "80 % desde", "price"),
        Column("hi80", "hasta", "price"),
        Column("lo95", "95 % desde", "price"),
        Column("hi95", "hasta", "price"),
        Column("moved", "Contra el último", "change"),
        Column("revision", "Contra el anterior", "change"),
        Column("trust", "Peso del modelo", "share"),
    )
    words = AVERAGE[average].lower()
    caption = (
        f"Promedio mensual nacional ({words}), del mes en curso a seis meses. El peso dice cuánto se cree al modelo frente a "
        f"«sin cambio».{earlier}"
    )
    return table(
        f"outlook_months_{average}",
        f"Detalle mensual, {words}",
        columns,
        _national(tidy, "month", average),
        caption=caption,
        empty="No hay pronóstico mensual.",
        places=EVERYWHERE if average == "arithmetic" else FILES_ONLY,
        group_by=("segment",),
        folded=True,
    )


def _national_publications(tidy: pd.DataFrame, earlier: str) -> Table:
    own = _national(tidy, "publication", "arithmetic")
    columns = (
        Column("segment", "Mercado"),
        Column("lead", "Public.", "count"),
        Column("target", "Fecha esperada", "date"),
        Column("forecast", "Pronóstico", "price"),
        Column("lo80", "80 % desde", "price"),
        Column("hi80", "hasta", "price"),
        Column("p_up", "P(sube)", "share"),
        Column("p_same", "P(igual)", "share"),
        Column("p_down", "P(baja)", "share"),
        Column("revision", "Contra el anterior", "change"),
        Column("trust", "Peso del modelo", "share"),
    )
    caption = f"Promedio nacional aritmético de las próximas publicaciones, con su fecha esperada.{earlier}"
    return table(
        "outlook_publications",
        "Próximas publicaciones",
        columns,
        own[own["lead"].isin(LEADS)],
        caption=caption,
        empty="No hay pronóstico de las próximas publicaciones.",
        group_by=("segment",),
    )


SERIES = (Column("state", "Estado"), Column("city", "Ciudad"), Column("milk", "Leche"), Column("channel", "Canal"))
INDEX = ["state", "city", "order", "milk", "channel", "series"]


def _by_series(tidy: pd.DataFrame, task: str) -> pd.DataFrame:
    return tidy[(tidy["level_code"] == "city") & (tidy["task_code"] == task)]


def _wide(own: pd.DataFrame, names: list[str], index: list[str]) -> pd.DataFrame:
    """One row a series; columns named `<figure>_<lead>`."""
    wide = own.pivot(index=[*index, "last_price"], columns="lead", values=names)
    wide = wide.set_axis(["_".join(map(str, pair)) for pair in wide.columns.to_flat_index()], axis=1)
    return wide.reset_index().sort_values(["state", "city", "order"])


def _series_months(tidy: pd.DataFrame) -> Table:
    own = _by_series(tidy, "month")
    months = {int(lead): short_month(_day(own, lead)) for lead in sorted(own["lead"].unique())}
    points = tuple(Column(f"forecast_{lead}", label, "price") for lead, label in months.items())
    columns = (*SERIES, Column("last_price", "Último", "price"), *points, *_ends(months), Column("series", "Clave"))
    caption = "Promedio mensual pronosticado de cada serie, con el intervalo de 80 % del último mes, en pesos por litro."
    return _series_table(
        "outlook_series_months", "Por serie, promedio mensual", columns, own, ["forecast", "lo80", "hi80"], caption
    )


def _series_publications(tidy: pd.DataFrame) -> Table:
    own = _by_series(tidy, "publication")
    own = own[own["lead"].isin(PAGE_LEADS)]
    figures: list[Column] = []
    for lead in sorted(own["lead"].unique()):
        day = short_date(_day(own, lead))
        if lead == PAGE_LEADS[0]:
            figures += [
                Column(f"p_down_{lead}", f"P(baja) {day}", "share"),
                Column(f"p_same_{lead}", "P(igual)", "share"),
                Column(f"p_up_{lead}", "P(sube)", "share"),
            ]
        else:
            figures += [
                Column(f"forecast_{lead}", day, "price"),
                Column(f"lo80_{lead}", "80 % desde", "price"),
                Column(f"hi80_{lead}", "hasta", "price"),
            ]
    columns = (*SERIES, Column("last_price", "Último", "price"), *figures, Column("series", "Clave"))
    names = ["forecast", "lo80", "hi80", "p_up", "p_same", "p_down"]
    caption = (
        "Qué puede pasar con cada precio en la próxima publicación, y su pronóstico a dos semanas y a un mes, en pesos por litro."
    )
    return _series_table("outlook_series", "Por serie, publicaciones", columns, own, names, caption)


def _series_table(key: str, title: str, columns: tuple[Column, ...], own: pd.DataFrame, names: list[str], caption: str) -> Table:
    frame = _wide(own, names, INDEX) if len(own) else _no_rows(columns)
    return table(
        key, title, columns, frame, caption=caption, empty="No hay pronóstico por serie.", group_by=("state", "city"), folded=True
    )


def _no_rows(columns: tuple[Column, ...]) -> pd.DataFrame:
    return pd.DataFrame(columns=[column.name for column in columns])


def _series_detail(tidy: pd.DataFrame) -> Table:
    own = _by_series(tidy, "publication")
    own = own[own["lead"].isin(LEADS)].sort_values(["state", "city", "order", "lead"])
    drop = {"origin", "level", "task", "lo95", "hi95"}
    columns = tuple(column for column in TIDY if column.name not in drop)
    caption = "Pronóstico de cada serie a 1, 3, 6 y 13 publicaciones, en pesos por litro."
    return table("outlook_series_detail", "Por serie, detalle", columns, own, caption=caption, places=FILES_ONLY)


def _everything(tidy: pd.DataFrame) -> Table:
    rows = tidy.sort_values(["level_code", "state", "city", "order", "task_code", "lead"])
    caption = "Todos los pronósticos, uno por renglón, en pesos por litro."
    return table("forecasts", "Pronósticos", TIDY, rows, caption=caption, places=DATA_ONLY)


def _day(own: pd.DataFrame, lead: int) -> date:
    """The target of a lead: the same for every series."""
    return pd.Timestamp(own.loc[own["lead"] == lead, "target"].iloc[0]).date()
