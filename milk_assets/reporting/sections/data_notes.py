"""Notas de datos, and Método y límites: missing and restated prices, and the limits of the method.

Belongs here: the state of the data and the fixed text about the method. Not here: prices in quarantine (`sections.anomalies`).
"""

import pandas as pd

from milk_assets.reporting.model.columns import PUBLICATION, SERIES_COLUMNS, SERIES_KEY
from milk_assets.reporting.model.market_prices import MarketPrices
from milk_assets.reporting.model.report import Column, Provenance, ReportError, Section, Table, make_table
from milk_assets.reporting.text.bilingual import BilingualText, format_bilingual
from milk_assets.reporting.text.formatting import count_text, list_text, plain_date, short_date
from milk_assets.sniim.calendar import expected_between

REASON_TEXTS = {"blank": BilingualText("Celda vacía", "Empty cell"), "zero": BilingualText("0 en la fuente", "0 in the source")}
RESTATED_COLUMNS = (
    PUBLICATION,
    *SERIES_COLUMNS,
    Column("old", BilingualText("Antes decía", "Old value"), "price"),
    Column("new", BilingualText("Ahora dice", "New value"), "price"),
    SERIES_KEY,
)
MOST_NAMED_DATES = 5
"""Missing dates that are named; the others are only counted."""


def data_notes_section(market: MarketPrices, provenance: Provenance, restated: pd.DataFrame | None = None) -> Section:
    """Make the section of series without a price, prices restated since an earlier workbook and dates not published.

    Args:
        market: Prices up to the publication.
        provenance: Coverage and the source's note.
        restated: One row per past price that this workbook changed: publication, series, old and new (MXN per litre, null for no
            price). None without an earlier workbook.

    Raises:
        ReportError: When `restated` lacks a column.
    """
    lead = BilingualText(
        "Qué falta en esta publicación, qué se corrigió y hasta dónde llega el registro.",
        "What is missing in this publication, what was restated, and how far the record reaches.",
    )
    tables = (_restated(market, restated), _missing(market))
    return Section("notes", BilingualText("Notas de datos", "Notes on the data"), lead, tables, _lines(market, provenance))


def _lines(market: MarketPrices, provenance: Provenance) -> tuple[BilingualText, ...]:
    dates = market.prices.index
    first, last = dates[0].date(), dates[-1].date()
    lines = [
        format_bilingual(
            "El libro trae {count} publicaciones, del {first} al {last}, y {series} series, de las que {priced} han tenido precio "
            "alguna vez.",
            "The workbook holds {count} publications, from {first} to {last}, and {series} series, {priced} of which ever had a "
            "price.",
            count=len(dates),
            first=plain_date(first),
            last=plain_date(last),
            series=market.newest_rows["series"].nunique(),
            priced=market.prices.shape[1],
        ),
        format_bilingual(
            "Cobertura de esta publicación: {coverage} series activas.",
            "Coverage of this publication: {coverage} active series.",
            coverage=provenance.coverage,
        ),
    ]
    lines.append(_unpublished_dates(market))
    without_prices = missing_states(market)
    if without_prices:
        lines.append(
            format_bilingual(
                "Sin ningún precio en esta publicación: {states}.",
                "Without any price today: {states}.",
                states=list_text(without_prices),
            )
        )
    if provenance.source_note:
        lines.append(format_bilingual("Nota de la fuente: «{note}»", "Note of the source: “{note}”", note=provenance.source_note))
    return tuple(lines)


def _unpublished_dates(market: MarketPrices) -> BilingualText:
    """Write how many expected dates of the record have no publication, and name the last ones."""
    published = {day.date() for day in market.prices.index}
    first, last = min(published), max(published)
    late = [day for day in expected_between(first, last) if day not in published]
    if not late:
        return BilingualText(
            "Ninguna fecha esperada quedó sin publicar en el registro.", "No expected date went unpublished in the record."
        )
    return format_bilingual(
        "{count} sin publicar en el registro; las últimas: {days}.",
        "{count} not published in the record; the last: {days}.",
        count=count_text(
            len(late),
            BilingualText("fecha esperada", "expected date"),
            BilingualText("fechas esperadas", "expected dates"),
        ),
        days=list_text([short_date(day) for day in late[-MOST_NAMED_DATES:]]),
    )


def _restated(market: MarketPrices, restated: pd.DataFrame | None) -> Table:
    """Past prices that differ from those of the previous workbook, newest first."""
    names = ["publication", "series", "old", "new"]
    prices = pd.DataFrame(columns=names) if restated is None else restated
    missing = [name for name in names if name not in prices]
    if missing:
        raise ReportError(f"Restated prices: expected the columns {missing} too, found {list(prices.columns)}.")
    frame = market.with_names(prices[names]).sort_values(["publication", "series"], ascending=[False, True])
    caption = format_bilingual(
        "{count} del pasado que el libro anterior decía de otro modo.",
        "{count} of the past changed since the previous workbook.",
        count=count_text(len(frame), BilingualText("precio", "price"), BilingualText("precios", "prices")),
    )
    empty = (
        BilingualText("No hay un libro anterior con qué comparar.", "There is no earlier workbook to compare with.")
        if restated is None
        else BilingualText(
            "Ningún precio pasado se corrigió desde el libro anterior.", "No past price was restated since the workbook before."
        )
    )
    title = BilingualText("Valores corregidos", "Restated values")
    return make_table("restated", title, RESTATED_COLUMNS, frame, caption=caption, empty=empty)


def _missing(market: MarketPrices) -> Table:
    silent = market.newest_rows[market.newest_rows["price"].isna()]
    last = {series: market.prices[series].last_valid_index() for series in market.prices}
    frame = market.with_labels(silent).assign(
        why=silent["kept"].map(REASON_TEXTS).fillna(silent["kept"]),
        last=pd.Series([last.get(series) for series in silent["series"]], index=silent.index, dtype="datetime64[ns]"),
    )
    columns = (
        *SERIES_COLUMNS,
        Column("why", BilingualText("Motivo", "Reason")),
        Column("last", BilingualText("Último precio", "Last price"), "date"),
        SERIES_KEY,
    )
    had_price = int(frame["last"].notna().sum())
    caption = format_bilingual(
        "{count} series sin precio: {never} que nunca lo han tenido y {lost} que sí. Un 0 de la fuente es «sin precio».",
        "{count} series without a price: {never} that never had one and {lost} that had. A 0 in the source is “no price”.",
        count=len(frame),
        never=len(frame) - had_price,
        lost=had_price,
    )
    empty = BilingualText("Todas las series tienen precio.", "Every series has a price.")
    title = BilingualText("Series sin precio", "Series without a price")
    return make_table("missing", title, columns, frame, caption=caption, empty=empty, folded=True)


def missing_states(market: MarketPrices) -> list[str]:
    """Return the states that had prices before and have none in this publication, sorted by name."""
    with_prices_ever = set(market.names["state"])
    with_prices_today = set(market.names.loc[market.prices.iloc[-1].notna(), "state"])
    return sorted(with_prices_ever - with_prices_today)


def method_section(provenance: Provenance) -> Section:
    """Make the section of the method and its limits, in eight lines."""
    if provenance.is_baseline:
        model = BilingualText(
            "El pronóstico en servicio es «sin cambio»: el último precio publicado, con intervalos de sus propios errores.",
            "The forecast served is “no change”: the last published price, with intervals of its own errors.",
        )
    else:
        model = format_bilingual(
            "El pronóstico parte de «sin cambio» y suma parte de lo que espera el modelo {version}{learned}.",
            "The forecast starts from “no change” and adds part of what model {version} expects{learned}.",
            version=provenance.model_version,
            learned=_trained_through(provenance),
        )
    return Section(
        "method",
        BilingualText("Método y límites", "Method and limits"),
        BilingualText("Ocho líneas para leer bien este boletín.", "Eight lines to read this report well."),
        lines=(
            BilingualText(
                "Son precios al consumidor, en pesos corrientes por litro, que publica el SNIIM (Secretaría de Economía).",
                "These are consumer prices, in current pesos per litre, published by SNIIM (Secretaría de Economía).",
            ),
            BilingualText(
                "Se publican lunes, miércoles y viernes hábiles; se pronostican sólo esas fechas y los promedios de mes.",
                "They are published on working Mondays, Wednesdays and Fridays; only those dates and monthly means are forecast.",
            ),
            BilingualText(
                "Cada precio de ciudad resume pocos establecimientos: una ciudad no es su estado, ni un extremo un comercio.",
                "Each city's price sums up few shops: a city is not its state, nor an extreme a shop.",
            ),
            BilingualText(
                "Cuatro de cada cinco precios no se mueven entre publicaciones; por eso todo se mide contra «sin cambio».",
                "Four prices in five do not move between publications; so everything is measured against “no change”.",
            ),
            model,
            BilingualText(
                "El peso del modelo (0 a 100 %) se aprende de sus aciertos pasados: cuando «sin cambio» va ganando, el peso baja.",
                "The model's weight (0 to 100 %) is learned from its past hits: while “no change” is winning, the weight falls.",
            ),
            BilingualText(
                "Los intervalos de 80 y 95 % salen de errores pasados: suponen que lo que viene se parece a lo visto.",
                "The 80 and 95 % intervals come from past errors: they suppose that what comes is like what was seen.",
            ),
            BilingualText(
                "Un 0 o una celda vacía es «sin precio»; nada se rellena ni se corrige, y las anomalías sólo se señalan.",
                "A 0 or an empty cell is “no price”; nothing is filled in or corrected, and anomalies are only pointed at.",
            ),
        ),
    )


def _trained_through(provenance: Provenance) -> BilingualText:
    if provenance.trained_through is None:
        return BilingualText("", "")
    return format_bilingual(", aprendido hasta el {day}", ", trained through {day}", day=plain_date(provenance.trained_through))
