"""The report's facts: every figure and sentence of one day's report, computed once.

Belongs here: the assembly of sections, and the header. Each section's figures are in its own module; layout is in the formats.
"""

from dataclasses import replace
from datetime import date

import pandas as pd

from milk_assets.reporting.model.market_prices import build_market
from milk_assets.reporting.model.report import Column, Provenance, Report, ReportError, Section, Table, table
from milk_assets.reporting.sections.anomalies import anomalies
from milk_assets.reporting.sections.answers import answers
from milk_assets.reporting.sections.at_a_glance import glance
from milk_assets.reporting.sections.data_notes import data_notes, method
from milk_assets.reporting.sections.headline import banners, days_late, headline, summary
from milk_assets.reporting.sections.movers import movers
from milk_assets.reporting.sections.outlook import outlook
from milk_assets.reporting.sections.regions import regions
from milk_assets.reporting.sections.series_outlook import price_history
from milk_assets.reporting.sections.spreads import spreads
from milk_assets.reporting.sections.track_record import record
from milk_assets.reporting.text.bilingual import Text, say
from milk_assets.reporting.text.formatting import plain_date


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
    restated: pd.DataFrame | None = None,
    track_record: pd.DataFrame | None = None,
    evaluation: pd.DataFrame | None = None,
    flagged: pd.DataFrame | None = None,
) -> Report:
    """The report of `day`, made from the prices known at `publication` and the forecasts made there.

    prices, averages, forecasts: the platform's frames, prices in MXN per litre; rows after `publication` are not looked at.
    next_publication: the next expected publication. previous_forecasts: the forecasts frame of an earlier publication.
    track_record, evaluation: resolved live forecasts and the served model's backtest; the first wins. restated: past prices that the
    workbook tells otherwise (publication, series, old, new). flagged: prices held until confirmed (publication, series, price,
    previous, reason).
    An empty forecasts frame gives a report that says so. Pure: no clock, no file. ReportError when the frames are of other dates.
    """
    if not publication <= day or not publication < next_publication:
        raise ReportError(
            f"Report: expected publication <= day and publication < next publication, "
            f"found publication {publication}, day {day}, next {next_publication}."
        )
    market = build_market(prices, averages, publication)
    sections = [
        glance(market),
        movers(market),
        outlook(market, forecasts, previous_forecasts),
        regions(market),
        spreads(market),
        anomalies(market, flagged),
        record(track_record, evaluation),
        data_notes(market, provenance, restated),
        method(provenance),
    ]
    tables = {one.key: one for section in sections for one in section.tables}
    at_a_glance, *others = sections
    return Report(
        day=day,
        publication=publication,
        next_publication=next_publication,
        provenance=provenance,
        banners=banners(market, provenance, publication, forecasts.empty),
        headline=headline(tables["glance"]),
        summary=summary(tables["glance"], tables["movers"], tables["outlook_months_arithmetic"], provenance, publication),
        sections=(
            _header(day, publication, next_publication, provenance, answers(tables)),
            replace(at_a_glance, tables=(*at_a_glance.tables, price_history(market))),
            *others,
        ),
    )


def _header(day: date, publication: date, next_publication: date, provenance: Provenance, answered: Table) -> Section:
    """Where the report comes from, and its answers: the first page of every format."""
    learned = provenance.trained_through
    coverage = provenance.coverage
    facts = [
        (Text("Boletín del", "Report of"), plain_date(day)),
        (Text("Precios publicados el", "Prices published on"), plain_date(publication)),
        (Text("Próxima publicación esperada", "Next publication expected"), plain_date(next_publication)),
        (Text("Libro de la fuente", "Workbook of the source"), provenance.workbook),
        (Text("sha256 del libro", "sha256 of the workbook"), provenance.sha256),
        (
            Text("Cobertura", "Coverage"),
            say("{coverage} series con precio", "{coverage} series priced", coverage=coverage),
        ),
        (
            Text("Datos", "Data"),
            Text("De muestra, generados; no oficiales", "Sample, generated; not official")
            if provenance.sample
            else Text("SNIIM, Secretaría de Economía", "SNIIM, Secretaría de Economía"),
        ),
        (Text("Modelo", "Model"), f"{provenance.model_version} ({provenance.model_alias})"),
        (
            Text("Pronóstico", "Forecast"),
            Text("Sin cambio (línea base)", "No change (baseline)") if provenance.is_baseline else Text("Modelo", "Model"),
        ),
        (
            Text("Aprendido hasta", "Trained through"),
            Text("no aplica", "does not apply") if learned is None else plain_date(learned),
        ),
        (Text("Atraso de los datos", "Data late by"), days_late(provenance.stale_days)),
    ]
    frame = pd.DataFrame(facts, columns=["fact", "value"])
    columns = (Column("fact", Text("Dato", "Fact")), Column("value", Text("Valor", "Value")))
    title = Text("Encabezado", "Header")
    lead = Text("De dónde sale este boletín.", "Where this report comes from.")
    return Section("header", title, lead, (table("header", title, columns, frame), answered))
