"""Respuestas: the questions for which people open the report, each answered in one sentence of figures.

Belongs here: sentences made from the tables of the sections. Not here: computing figures, which the sections do.
"""

from collections.abc import Callable, Mapping

import pandas as pd

from milk_assets.reporting.model.report import Column, Table, make_table, row_dicts
from milk_assets.reporting.sections.anomalies import CONFIRMED, REASON_TEXTS
from milk_assets.reporting.text.bilingual import BilingualText, format_bilingual, join_texts
from milk_assets.reporting.text.formatting import format_pesos, format_signed, list_text, short_month

MOST_NAMED_SERIES = 3
"""Series named in a sentence; their table holds the others."""
LIKELY_CHANCE = 0.5
"""Probability of a change from which a series counts as likely to change."""
ANSWER_COLUMNS = (
    Column("question", BilingualText("Pregunta", "Question")),
    Column("answer", BilingualText("Respuesta", "Answer")),
    Column("section", BilingualText("Sección", "Section")),
)
NO_FORECAST = BilingualText("Hoy no hay pronóstico.", "There is no forecast today.")
Tables = Mapping[str, Table]


def answers_table(tables: Tables) -> Table:
    """Make the table of the five questions, their answers and the keys of the sections with the details.

    An answer whose table is empty says that the question cannot be answered today.

    Args:
        tables: The tables of the other sections, by key.
    """
    rows = (
        (
            BilingualText("¿Cuánto más cuesta en el sur que en el norte?", "How much dearer is the south than the north?"),
            _south_against_north(tables),
            "map",
        ),
        (BilingualText("¿Cuánto separa a leches y canales?", "How far apart are milks and channels?"), _gaps(tables), "spreads"),
        (
            BilingualText("¿Qué precios están fuera de lo normal?", "Which prices are out of the ordinary?"),
            _unusual_prices(tables),
            "anomalies",
        ),
        (BilingualText("¿Dónde es probable un cambio?", "Where is a change likely?"), _likely_changes(tables), "outlook"),
        (
            BilingualText("¿Qué precio poner en la próxima lista?", "What price for the next list?"),
            _suggested_prices(tables),
            "outlook",
        ),
    )
    frame = pd.DataFrame(rows, columns=[column.name for column in ANSWER_COLUMNS])
    return make_table("answers", BilingualText("Cinco respuestas", "Five answers"), ANSWER_COLUMNS, frame)


def _figure_per_market(rows: pd.DataFrame, figure: Callable[..., str]) -> BilingualText:
    """Write a figure and its market for each row: "+0.50 pasteurizada, tiendas; +1.20 …"."""
    parts = [
        format_bilingual("{figure} {market}", "{figure} {market}", figure=figure(row), market=row["segment"].lower())
        for row in row_dicts(rows)
    ]
    return join_texts(parts, "; ")


def _south_against_north(tables: Tables) -> BilingualText:
    rows = tables["regions"].frame.dropna(subset=["gap"])
    if rows.empty:
        return BilingualText("Hoy no hay precios de ambas regiones.", "There are no prices of both regions today.")
    return format_bilingual(
        "{gaps}. Pesos por litro, sur menos norte.",
        "{gaps}. Pesos per litre, south minus north.",
        gaps=_figure_per_market(rows, lambda row: format_signed(row["gap"])),
    )


def _gaps(tables: Tables) -> BilingualText:
    rows = tables["spreads"].frame.dropna(subset=["now"])
    if rows.empty:
        return BilingualText("Hoy ninguna ciudad publica ambos precios.", "No city publishes both prices today.")
    sentences = []
    for gap, gap_rows in rows.groupby("gap", sort=False):
        figures = [
            format_bilingual(
                "{figure} en {within}",
                "{figure} in {within}",
                figure=format_signed(row["now"]),
                within=row["within"].lower(),
            )
            for row in row_dicts(gap_rows)
        ]
        sentences.append(format_bilingual("{gap}: {figures}", "{gap}: {figures}", gap=gap, figures=list_text(figures)))
    return format_bilingual("{sentences}.", "{sentences}.", sentences=join_texts(sentences, ". "))


def _unusual_prices(tables: Tables) -> BilingualText:
    rows, quarantined = tables["anomalies"].frame, tables["quarantined"].frame
    unconfirmed = int((quarantined["reason"] != REASON_TEXTS[CONFIRMED]).sum())
    extra = BilingualText("", "")
    if unconfirmed:
        extra = format_bilingual(" En cuarentena: {count}.", " Quarantined: {count}.", count=unconfirmed)
    if rows.empty:
        return format_bilingual("Ninguno sale de su propia banda.{extra}", "None leaves its own band.{extra}", extra=extra)
    return format_bilingual(
        "{count} fuera de su propia banda: {named}.{extra}",
        "{count} outside their own band: {named}.{extra}",
        count=len(rows),
        named=_first_series(rows, lambda row: format_pesos(row["price"])),
        extra=extra,
    )


def _likely_changes(tables: Tables) -> BilingualText:
    rows = tables["series"].frame
    rows = rows[~rows["series"].str.startswith("nacional/")]
    if rows.empty:
        return NO_FORECAST
    likely = int((1 - rows["p_same"] >= LIKELY_CHANCE).sum())
    return format_bilingual(
        "{likely} de {all} series, con probabilidad de 50 % o más en la próxima publicación: {named}.",
        "{likely} of {all} series, with a chance of 50 % or more in the next publication: {named}.",
        likely=likely,
        all=len(rows),
        named=_first_series(tables["likely_changes"].frame, lambda row: f"{100 * row['p_change']:.0f} %"),
    )


def _suggested_prices(tables: Tables) -> BilingualText:
    rows = tables["suggested"].frame
    if rows.empty:
        return NO_FORECAST
    return format_bilingual(
        "{month}, con intervalo de 80 %: {prices}.",
        "{month}, with its 80 % interval: {prices}.",
        month=short_month(rows["target"].iloc[0].date()).capitalize(),
        prices=_figure_per_market(rows, lambda row: f"{format_pesos(row['forecast'])} ({row['lo80']:.2f}–{row['hi80']:.2f})"),
    )


def _first_series(rows: pd.DataFrame, figure: Callable[..., str]) -> BilingualText:
    """Name the first series of a table, each with a figure."""
    names = [
        format_bilingual(
            "{city} ({milk}, {channel}; {figure})",
            "{city} ({milk}, {channel}; {figure})",
            city=row["city"],
            milk=row["milk"].lower(),
            channel=row["channel"].lower(),
            figure=figure(row),
        )
        for row in row_dicts(rows.head(MOST_NAMED_SERIES))
    ]
    return list_text(names)
