"""The report's facts: every figure and sentence of one day's report, computed once.

Belongs here: the assembly, the headline and the warnings. Each section's figures are in its own module; layout is in the formats.
"""

from datetime import date

import pandas as pd

from milk_assets.reporting.anomalies import anomalies
from milk_assets.reporting.glance import glance
from milk_assets.reporting.market import CENT, Market, build_market
from milk_assets.reporting.movers import movers
from milk_assets.reporting.notes import data_notes, method, missing_states
from milk_assets.reporting.outlook import outlook
from milk_assets.reporting.record import record
from milk_assets.reporting.report import Column, Provenance, Report, ReportError, Section, Table, table
from milk_assets.reporting.spreads import spreads
from milk_assets.reporting.words import SEGMENTS, listing, long_date, money, month, plain_date, segment, signed

HASH_SHOWN = 12
"""Digits of the sha256 printed in running text; the files hold all 64."""


def build_report(
    prices: pd.DataFrame,
    averages: pd.DataFrame,
    forecasts: pd.DataFrame,
    *,
    day: date,
    publication: date,
    next_publication: date,
    provenance: Provenance,
    previous_forecasts: pd.DataFrame | None = None,
    track_record: pd.DataFrame | None = None,
    evaluation: pd.DataFrame | None = None,
) -> Report:
    """The report of `day`, made from the prices known at `publication` and the forecasts made there.

    prices, averages, forecasts: the platform's frames, prices in MXN per litre; rows after `publication` are not looked at.
    next_publication: the next expected publication. previous_forecasts: the forecasts frame of an earlier publication.
    track_record, evaluation: backtest frames of resolved live forecasts and of the served model's backtest; the first wins.
    An empty forecasts frame gives a report that says so. Pure: no clock, no file. ReportError when the frames are of other dates.
    """
    if not publication <= day or not publication < next_publication:
        raise ReportError(
            f"Report: expected publication <= day and publication < next publication, "
            f"found publication {publication}, day {day}, next {next_publication}."
        )
    market = build_market(prices, averages, publication)
    at_a_glance, changed = glance(market), movers(market)
    ahead = outlook(market, forecasts, previous_forecasts)
    return Report(
        day=day,
        publication=publication,
        next_publication=next_publication,
        provenance=provenance,
        banners=_banners(market, provenance, publication, forecasts.empty),
        headline=_headline(at_a_glance.tables[0]),
        summary=_summary(at_a_glance, changed.tables[0], ahead, provenance, publication),
        sections=(
            _header(day, publication, next_publication, provenance),
            at_a_glance,
            changed,
            ahead,
            spreads(market),
            anomalies(market),
            record(track_record, evaluation),
            data_notes(market, provenance),
            method(provenance),
        ),
    )


def _header(day: date, publication: date, next_publication: date, provenance: Provenance) -> Section:
    learned = provenance.trained_through
    facts = [
        ("Boletín del", plain_date(day)),
        ("Precios publicados el", plain_date(publication)),
        ("Próxima publicación esperada", plain_date(next_publication)),
        ("Libro de la fuente", provenance.workbook),
        ("sha256 del libro", provenance.sha256),
        ("Cobertura", f"{provenance.coverage} series con precio"),
        ("Datos", "De muestra, generados; no oficiales" if provenance.sample else "SNIIM, Secretaría de Economía"),
        ("Modelo", f"{provenance.model_version} ({provenance.model_alias})"),
        ("Pronóstico", "Sin cambio (línea base)" if provenance.is_baseline else "Modelo"),
        ("Aprendido hasta", "no aplica" if learned is None else plain_date(learned)),
        ("Atraso de los datos", "ninguno" if provenance.stale_days == 0 else _days(provenance.stale_days)),
    ]
    frame = pd.DataFrame(facts, columns=["fact", "value"])
    columns = (Column("fact", "Dato"), Column("value", "Valor"))
    return Section("header", "Encabezado", "De dónde sale este boletín.", (table("header", "Encabezado", columns, frame),))


def _banners(market: Market, provenance: Provenance, publication: date, no_forecast: bool) -> tuple[str, ...]:
    """What every reader must know before the first figure, gravest first."""
    banners = []
    if provenance.sample:
        banners.append("Datos de muestra: los precios son generados, no oficiales.")
    if provenance.stale_days > 0:
        banners.append(
            f"Datos atrasados {_days(provenance.stale_days)}: la publicación más reciente es del {plain_date(publication)} "
            "y ya se esperaba otra."
        )
    if no_forecast:
        banners.append("Sin pronóstico: no se ha calculado para esta publicación.")
    elif provenance.is_baseline:
        banners.append(
            "Pronóstico: sin cambio (línea base). Ningún modelo está en servicio: se muestra el último precio con su intervalo."
        )
    away = missing_states(market)
    if away:
        banners.append(f"Cobertura incompleta: sin precios de {listing(away)}.")
    return tuple(banners)


def _days(count: int) -> str:
    return f"{count} {'día' if count == 1 else 'días'}"


def _headline(changes: Table) -> str:
    """One sentence that is true of the four arithmetic means, against a month ago or, failing that, the last publication."""
    arithmetic = changes.frame.head(len(SEGMENTS))
    for column, since in (("change_month", "en un mes"), ("change_publication", "desde la publicación anterior")):
        moves = arithmetic[column].dropna()
        if len(moves) == len(SEGMENTS):
            return _moves(moves, since)
    return "Primeros precios del registro"


def _moves(moves: pd.Series, since: str) -> str:
    up, down = int((moves > CENT).sum()), int((moves < -CENT).sum())
    span = _span(float(moves.abs().min()), float(moves.abs().max()))
    if up == len(moves):
        return f"La leche sube {span} por litro {since}"
    if down == len(moves):
        return f"La leche baja {span} por litro {since}"
    if up == down == 0:
        return f"La leche no se mueve {since}"
    parts = [f"sube en {_markets(up)}"] if up else []
    parts += [f"baja en {_markets(down)}"] if down else []
    if len(moves) - up - down:
        parts.append(f"queda igual en {_markets(len(moves) - up - down)}")
    return f"La leche {listing(parts)} {since}"


def _span(low: float, high: float) -> str:
    """ "12 centavos", "entre 20 y 50 centavos", "entre 20 centavos y 1.35 pesos"."""
    words = [_amount(value).split() for value in (low, high)]
    if words[0] == words[1]:
        return " ".join(words[1])
    least = words[0][0] if words[0][1] == words[1][1] else " ".join(words[0])
    return f"entre {least} y {' '.join(words[1])}"


def _amount(value: float) -> str:
    """Pesos from one peso on, centavos below."""
    if round(value, 2) >= 1:
        return f"{value:.2f} pesos"
    cents = round(100 * value)
    return f"{cents} {'centavo' if cents == 1 else 'centavos'}"


def _markets(count: int) -> str:
    return f"{('un', 'dos', 'tres', 'cuatro')[count - 1]} {'mercado' if count == 1 else 'mercados'}"


def _summary(at_a_glance: Section, changed: Table, ahead: Section, provenance: Provenance, publication: date) -> tuple[str, ...]:
    """Three sentences: today's means, what moved, what is expected."""
    now = at_a_glance.tables[0].frame.head(len(SEGMENTS))
    means = [
        f"{money(price)} la {segment(*pair).lower().replace(', ', ' en ')}"
        for pair, price in zip(SEGMENTS, now["price"], strict=True)
    ]
    moves = changed.frame["change"]
    up, down = int((moves > 0).sum()), int((moves < 0).sum())
    moved = (
        f"Desde la publicación anterior cambiaron {len(moves)} de {provenance.covered} precios: {up} al alza y {down} a la baja."
    )
    if not len(moves):
        moved = "Ningún precio cambió desde la publicación anterior."
    return (
        f"El {long_date(publication)} el litro promedió {listing(means)}.",
        moved,
        *_expected(next(table for table in ahead.tables if table.key == "outlook_months_arithmetic"), provenance, publication),
    )


def _expected(months: Table, provenance: Provenance, publication: date) -> tuple[str, ...]:
    """The headline forecast: the farthest month, the four means, against today's."""
    if months.frame.empty:
        return ()
    last = months.frame["target"].max()
    rows = months.frame[months.frame["target"] == last]
    when = month(pd.Timestamp(last).date())
    if provenance.is_baseline:
        return (f"Hasta {when} el pronóstico es el último precio: sin cambio, con su intervalo.",)
    figures = zip(rows["segment"].str.lower().str.replace(", ", " en "), rows["forecast"], rows["moved"], strict=True)
    said = [f"{name} {money(price)} ({signed(change)})" for name, price, change in figures]
    return (f"Para {when} se espera un promedio de {listing(said)}.",)
