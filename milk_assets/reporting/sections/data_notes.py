"""Notas de datos, and Método y límites: what is missing or was rewritten, and what to know before trusting a figure.

Belongs here: the state of the data and the fixed words about the method.
"""

import pandas as pd

from milk_assets.reporting.model.market_prices import Market
from milk_assets.reporting.model.report import KEY, SERIES_NAMES, Column, Provenance, ReportError, Section, Table, table
from milk_assets.reporting.text.bilingual import Text, say
from milk_assets.reporting.text.formatting import counted, listing, plain_date, short_date
from milk_assets.sniim.calendar import expected_between

WHY = {"blank": Text("Celda vacía", "Empty cell"), "zero": Text("0 en la fuente", "0 in the source")}
RESTATED = (
    Column("old", Text("Antes decía", "Said before"), "price"),
    Column("new", Text("Ahora dice", "Says now"), "price"),
)
LATE_SHOWN = 5
"""Missing dates that are named; the count tells of the others."""


def data_notes(market: Market, provenance: Provenance, restated: pd.DataFrame | None = None) -> Section:
    """Series without a price and why, prices rewritten since an earlier workbook, dates not published, the reach of the record.

    restated: one row a past price that this workbook tells otherwise (publication, series, old, new; MXN per litre, null for none),
    None where there is no earlier workbook. ReportError when it lacks a column.
    """
    lead = Text(
        "Qué falta en esta publicación, qué se corrigió y hasta dónde llega el registro.",
        "What is missing in this publication, what was restated, and how far the record reaches.",
    )
    tables = (_restated(market, restated), _missing(market))
    return Section("notes", Text("Notas de datos", "Notes on the data"), lead, tables, _lines(market, provenance))


def _lines(market: Market, provenance: Provenance) -> tuple[Text, ...]:
    dates = market.prices.index
    first, last = dates[0].date(), dates[-1].date()
    lines = [
        say(
            "El libro trae {count} publicaciones, del {first} al {last}, y {series} series, de las que {priced} han tenido precio "
            "alguna vez.",
            "The workbook holds {count} publications, from {first} to {last}, and {series} series, {priced} of which ever had a "
            "price.",
            count=len(dates),
            first=plain_date(first),
            last=plain_date(last),
            series=market.newest["series"].nunique(),
            priced=market.prices.shape[1],
        ),
        say(
            "Cobertura de esta publicación: {coverage} series activas.",
            "Coverage of this publication: {coverage} active series.",
            coverage=provenance.coverage,
        ),
    ]
    published = {day.date() for day in dates}
    late = [day for day in expected_between(first, last) if day not in published]
    if late:
        lines.append(
            say(
                "{count} sin publicar en el registro; las últimas: {days}.",
                "{count} not published in the record; the last: {days}.",
                count=counted(len(late), Text("fecha esperada", "expected date"), Text("fechas esperadas", "expected dates")),
                days=listing([short_date(day) for day in late[-LATE_SHOWN:]]),
            )
        )
    else:
        lines.append(
            Text("Ninguna fecha esperada quedó sin publicar en el registro.", "No expected date went unpublished in the record.")
        )
    away = missing_states(market)
    if away:
        lines.append(
            say("Sin ningún precio en esta publicación: {states}.", "Without any price today: {states}.", states=listing(away))
        )
    if provenance.source_note:
        lines.append(say("Nota de la fuente: «{note}»", "Note of the source: “{note}”", note=provenance.source_note))
    return tuple(lines)


def _restated(market: Market, restated: pd.DataFrame | None) -> Table:
    """Past prices that this workbook tells otherwise than the one before it, newest first."""
    columns = (
        Column("publication", Text("Publicación", "Publication"), "date"),
        *SERIES_NAMES,
        *RESTATED,
        KEY,
    )
    keys = ["publication", "series"]
    given = pd.DataFrame(columns=[*keys, *(column.name for column in RESTATED)]) if restated is None else restated
    missing = [name for name in (*keys, "old", "new") if name not in given]
    if missing:
        raise ReportError(f"Restated prices: expected the columns {missing} too, found {list(given.columns)}.")
    frame = market.named(given[[*keys, "old", "new"]]).sort_values(keys, ascending=[False, True])
    caption = say(
        "{count} del pasado que el libro anterior decía de otro modo.",
        "{count} of the past that the workbook before told otherwise.",
        count=counted(len(frame), Text("precio", "price"), Text("precios", "prices")),
    )
    empty = (
        Text("No hay un libro anterior con qué comparar.", "There is no earlier workbook to compare with.")
        if restated is None
        else Text(
            "Ningún precio pasado se corrigió desde el libro anterior.", "No past price was restated since the workbook before."
        )
    )
    title = Text("Valores corregidos", "Restated values")
    return table("restated", title, columns, frame, caption=caption, empty=empty)


def _missing(market: Market) -> Table:
    silent = market.newest[market.newest["price"].isna()]
    last = {series: market.prices[series].last_valid_index() for series in market.prices}
    frame = market.in_words(silent).assign(
        why=silent["kept"].map(WHY).fillna(silent["kept"]),
        last=pd.Series([last.get(series) for series in silent["series"]], index=silent.index, dtype="datetime64[ns]"),
    )
    columns = (
        *SERIES_NAMES,
        Column("why", Text("Motivo", "Reason")),
        Column("last", Text("Último precio", "Last price"), "date"),
        KEY,
    )
    lost = int(frame["last"].notna().sum())
    caption = say(
        "{count} series sin precio: {never} que nunca lo han tenido y {lost} que sí. Un 0 de la fuente es «sin precio».",
        "{count} series without a price: {never} that never had one and {lost} that had. A 0 in the source is “no price”.",
        count=len(frame),
        never=len(frame) - lost,
        lost=lost,
    )
    empty = Text("Todas las series tienen precio.", "Every series has a price.")
    title = Text("Series sin precio", "Series without a price")
    return table("missing", title, columns, frame, caption=caption, empty=empty, folded=True)


def missing_states(market: Market) -> list[str]:
    """States that have had prices and have none in this publication."""
    ever = set(market.names["state"])
    today = set(market.names.loc[market.prices.iloc[-1].notna(), "state"])
    return sorted(ever - today)


def method(provenance: Provenance) -> Section:
    """Method and limits in eight lines."""
    if provenance.is_baseline:
        model = Text(
            "El pronóstico en servicio es «sin cambio»: el último precio publicado, con intervalos de sus propios errores.",
            "The forecast served is “no change”: the last published price, with intervals of its own errors.",
        )
    else:
        model = say(
            "El pronóstico parte de «sin cambio» y suma parte de lo que espera el modelo {version}{learned}.",
            "The forecast starts from “no change” and adds part of what model {version} expects{learned}.",
            version=provenance.model_version,
            learned=_learned(provenance),
        )
    return Section(
        "method",
        Text("Método y límites", "Method and limits"),
        Text("Ocho líneas para leer bien este boletín.", "Eight lines to read this report well."),
        lines=(
            Text(
                "Son precios al consumidor, en pesos corrientes por litro, que publica el SNIIM (Secretaría de Economía).",
                "These are consumer prices, in current pesos per litre, published by SNIIM (Secretaría de Economía).",
            ),
            Text(
                "Se publican lunes, miércoles y viernes hábiles; se pronostican sólo esas fechas y los promedios de mes.",
                "They are published on working Mondays, Wednesdays and Fridays; only those dates and monthly means are forecast.",
            ),
            Text(
                "Cada precio de ciudad resume pocos establecimientos: una ciudad no es su estado, ni un extremo un comercio.",
                "Each city's price sums up few shops: a city is not its state, nor an extreme a shop.",
            ),
            Text(
                "Cuatro de cada cinco precios no se mueven entre publicaciones; por eso todo se mide contra «sin cambio».",
                "Four prices in five do not move between publications; so everything is measured against “no change”.",
            ),
            model,
            Text(
                "El peso del modelo (0 a 100 %) se aprende de sus aciertos pasados: cuando «sin cambio» va ganando, el peso baja.",
                "The model's weight (0 to 100 %) is learned from its past hits: while “no change” is winning, the weight falls.",
            ),
            Text(
                "Los intervalos de 80 y 95 % salen de errores pasados: suponen que lo que viene se parece a lo visto.",
                "The 80 and 95 % intervals come from past errors: they suppose that what comes is like what was seen.",
            ),
            Text(
                "Un 0 o una celda vacía es «sin precio»; nada se rellena ni se corrige, y las anomalías sólo se señalan.",
                "A 0 or an empty cell is “no price”; nothing is filled in or corrected, and anomalies are only pointed at.",
            ),
        ),
    )


def _learned(provenance: Provenance) -> Text:
    if provenance.trained_through is None:
        return Text("", "")
    return say(", aprendido hasta el {day}", ", trained through {day}", day=plain_date(provenance.trained_through))
