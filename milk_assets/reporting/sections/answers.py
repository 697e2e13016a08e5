"""Respuestas: the questions people open the report with, each answered in one sentence of figures.

Belongs here: sentences made from the sections' tables, each naming the section with the whole of it. Nothing is computed anew.
"""

from collections.abc import Callable, Mapping

import pandas as pd

from milk_assets.reporting.model.report import Column, Table, records, table
from milk_assets.reporting.sections.anomalies import CONFIRMED, REASONS
from milk_assets.reporting.text.bilingual import Text, say
from milk_assets.reporting.text.formatting import listing, money, short_month, signed

NAMED = 3
"""Series named in a sentence; their table holds the others."""
SURE = 0.5
"""Chance of a change from which a series counts as likely to change."""
COLUMNS = (
    Column("question", Text("Pregunta", "Question")),
    Column("answer", Text("Respuesta", "Answer")),
    Column("section", Text("Sección", "Section")),
)
Tables = Mapping[str, Table]


def answers(tables: Tables) -> Table:
    """Five questions with their answers; one whose table is empty says that it cannot be answered today."""
    asked: tuple[tuple[Text, Callable[[Tables], Text], str], ...] = (
        (
            Text("¿Cuánto más cuesta en el sur que en el norte?", "How much dearer is the south than the north?"),
            _north_south,
            "map",
        ),
        (Text("¿Cuánto separa a leches y canales?", "How far apart are milks and channels?"), _gaps, "spreads"),
        (Text("¿Qué precios están fuera de lo normal?", "Which prices are out of the ordinary?"), _odd, "anomalies"),
        (Text("¿Dónde es probable un cambio?", "Where is a change likely?"), _likely, "outlook"),
        (Text("¿Qué precio poner en la próxima lista?", "What price for the next list?"), _suggested, "outlook"),
    )
    rows = [(question, answer(tables), section) for question, answer, section in asked]
    frame = pd.DataFrame(rows, columns=[column.name for column in COLUMNS])
    return table("answers", Text("Cinco respuestas", "Five answers"), COLUMNS, frame)


def _pairs(frame: pd.DataFrame, figure: Callable[..., str]) -> Text:
    """ "+0.50 pasteurizada, tiendas; +1.20 …": a figure a market."""
    said = [
        say("{figure} {market}", "{figure} {market}", figure=figure(row), market=row["segment"].lower()) for row in records(frame)
    ]
    return Text("; ".join(map(str, said)), "; ".join(one.en for one in said))


def _north_south(tables: Tables) -> Text:
    rows = tables["regions"].frame.dropna(subset=["gap"])
    if rows.empty:
        return Text("Hoy no hay precios de ambas regiones.", "There are no prices of both regions today.")
    said = _pairs(rows, lambda row: signed(row["gap"]))
    return say("{said}. Pesos por litro, sur menos norte.", "{said}. Pesos per litre, south minus north.", said=said)


def _gaps(tables: Tables) -> Text:
    rows = tables["spreads"].frame.dropna(subset=["now"])
    if rows.empty:
        return Text("Hoy ninguna ciudad publica ambos precios.", "No city publishes both prices today.")
    parts = []
    for gap, own in rows.groupby("gap", sort=False):
        figures = [
            say("{figure} en {within}", "{figure} in {within}", figure=signed(row["now"]), within=row["within"].lower())
            for row in records(own)
        ]
        parts.append(say("{gap}: {figures}", "{gap}: {figures}", gap=gap, figures=listing(figures)))
    return Text(". ".join(map(str, parts)) + ".", ". ".join(one.en for one in parts) + ".")


def _odd(tables: Tables) -> Text:
    rows, jumps = tables["anomalies"].frame, tables["quarantined"].frame
    held = int((jumps["reason"] != REASONS[CONFIRMED]).sum())
    extra = say(" En cuarentena: {held}.", " Quarantined: {held}.", held=held) if held else Text("", "")
    if rows.empty:
        return say("Ninguno sale de su propia banda.{extra}", "None leaves its own band.{extra}", extra=extra)
    return say(
        "{count} fuera de su propia banda: {named}.{extra}",
        "{count} outside their own band: {named}.{extra}",
        count=len(rows),
        named=_named(rows, lambda row: money(row["price"])),
        extra=extra,
    )


def _likely(tables: Tables) -> Text:
    rows = tables["series"].frame
    rows = rows[~rows["series"].str.startswith("nacional/")]
    if rows.empty:
        return Text("Hoy no hay pronóstico.", "There is no forecast today.")
    sure = int((1 - rows["p_same"] >= SURE).sum())
    return say(
        "{sure} de {all} series, con probabilidad de 50 % o más en la próxima publicación: {named}.",
        "{sure} of {all} series, with a chance of 50 % or more in the next publication: {named}.",
        sure=sure,
        all=len(rows),
        named=_named(tables["likely_changes"].frame, lambda row: f"{100 * row['p_change']:.0f} %"),
    )


def _suggested(tables: Tables) -> Text:
    rows = tables["suggested"].frame
    if rows.empty:
        return Text("Hoy no hay pronóstico.", "There is no forecast today.")
    said = _pairs(rows, lambda row: f"{money(row['forecast'])} ({row['lo80']:.2f}–{row['hi80']:.2f})")
    return say(
        "{month}, con intervalo de 80 %: {said}.",
        "{month}, with its 80 % interval: {said}.",
        month=short_month(rows["target"].iloc[0].date()).capitalize(),
        said=said,
    )


def _named(rows: pd.DataFrame, figure: Callable[..., str]) -> Text:
    said = [
        say(
            "{city} ({milk}, {channel}; {figure})",
            "{city} ({milk}, {channel}; {figure})",
            city=row["city"],
            milk=row["milk"].lower(),
            channel=row["channel"].lower(),
            figure=figure(row),
        )
        for row in records(rows.head(NAMED))
    ]
    return listing(said)
