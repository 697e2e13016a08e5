"""Notas de datos, and Método y límites: what is missing, and what a reader must know before trusting a figure.

Belongs here: the state of the data and the fixed words about the method.
"""

import pandas as pd

from milk_assets.reporting.market import Market
from milk_assets.reporting.report import Column, Provenance, Section, table
from milk_assets.reporting.words import CHANNEL, MILK, listing, plain_date

WHY = {"blank": "Celda vacía", "zero": "0 en la fuente"}


def data_notes(market: Market, provenance: Provenance) -> Section:
    """Series without a price in this publication and why, and the reach of the record."""
    silent = market.newest[market.newest["price"].isna()]
    last = {series: market.prices[series].last_valid_index() for series in market.prices}
    frame = pd.DataFrame(
        {
            "state": silent["state"],
            "city": silent["city"],
            "milk": silent["milk"].map(MILK),
            "channel": silent["channel"].map(CHANNEL),
            "why": silent["kept"].map(WHY).fillna(silent["kept"]),
            "last": pd.Series([last.get(series) for series in silent["series"]], index=silent.index, dtype="datetime64[ns]"),
            "series": silent["series"],
        }
    )
    columns = (
        Column("state", "Estado"),
        Column("city", "Ciudad"),
        Column("milk", "Leche"),
        Column("channel", "Canal"),
        Column("why", "Motivo"),
        Column("last", "Último precio", "date"),
        Column("series", "Clave"),
    )
    lost = int(frame["last"].notna().sum())
    caption = (
        f"{len(frame)} series sin precio: {len(frame) - lost} que nunca lo han tenido y {lost} que sí. "
        "Un 0 de la fuente es «sin precio»."
    )
    dates = market.prices.index
    lines = [
        f"El libro trae {len(dates)} publicaciones, del {plain_date(dates[0].date())} al {plain_date(dates[-1].date())}, "
        f"y {market.newest['series'].nunique()} series, de las que {market.prices.shape[1]} han tenido precio alguna vez.",
        f"Cobertura de esta publicación: {provenance.coverage} series activas.",
    ]
    away = missing_states(market)
    if away:
        lines.append(f"Sin ningún precio en esta publicación: {listing(away)}.")
    if provenance.source_note:
        lines.append(f"Nota de la fuente: «{provenance.source_note}»")
    return Section(
        "notes",
        "Notas de datos",
        "Qué falta en esta publicación y hasta dónde llega el registro.",
        (
            table(
                "missing",
                "Series sin precio",
                columns,
                frame,
                caption=caption,
                empty="Todas las series tienen precio.",
                folded=True,
            ),
        ),
        tuple(lines),
    )


def missing_states(market: Market) -> list[str]:
    """States that have had prices and have none in this publication."""
    ever = set(market.names["state"])
    today = set(market.names.loc[market.prices.iloc[-1].notna(), "state"])
    return sorted(ever - today)


def method(provenance: Provenance) -> Section:
    """Method and limits in eight lines."""
    learned = "" if provenance.trained_through is None else f", aprendido hasta el {plain_date(provenance.trained_through)}"
    model = (
        "El pronóstico en servicio es «sin cambio»: el último precio publicado, con intervalos de sus propios errores."
        if provenance.is_baseline
        else f"El pronóstico parte de «sin cambio» y suma parte de lo que espera el modelo {provenance.model_version}{learned}."
    )
    return Section(
        "method",
        "Método y límites",
        "Ocho líneas para leer bien este boletín.",
        lines=(
            "Son precios al consumidor, en pesos corrientes por litro, que publica el SNIIM (Secretaría de Economía).",
            "Se publican lunes, miércoles y viernes hábiles; se pronostican sólo esas fechas y los promedios de mes.",
            "Cada precio de ciudad resume pocos establecimientos: una ciudad no es su estado, ni un extremo un comercio.",
            "Cuatro de cada cinco precios no se mueven entre publicaciones; por eso todo se mide contra «sin cambio».",
            model,
            "El peso del modelo (0 a 100 %) se aprende de sus aciertos pasados: cuando «sin cambio» va ganando, el peso baja.",
            "Los intervalos de 80 y 95 % salen de errores pasados: suponen que lo que viene se parece a lo visto.",
            "Un 0 o una celda vacía es «sin precio»; nada se rellena ni se corrige, y las anomalías sólo se señalan.",
        ),
    )
