"""Build report: from the frames of one publication to the report of one day.

Belongs here: the assembly of the sections, and the header. Not here: the figures of a section (`sections`) and layout (`formats`).
"""

from dataclasses import replace
from datetime import date

import pandas as pd

from milk_assets.reporting.model.market_prices import build_market_prices
from milk_assets.reporting.model.report import Column, Provenance, Report, ReportError, Section, Table, make_table
from milk_assets.reporting.sections.anomalies import anomalies_section
from milk_assets.reporting.sections.answers import answers_table
from milk_assets.reporting.sections.at_a_glance import at_a_glance_section
from milk_assets.reporting.sections.data_notes import data_notes_section, method_section
from milk_assets.reporting.sections.headline import banners, days_late, headline, summary
from milk_assets.reporting.sections.movers import movers_section
from milk_assets.reporting.sections.outlook import outlook_section
from milk_assets.reporting.sections.regions import regions_section
from milk_assets.reporting.sections.series_outlook import price_history
from milk_assets.reporting.sections.spreads import spreads_section
from milk_assets.reporting.sections.track_record import track_record_section
from milk_assets.reporting.text.bilingual import BilingualText, format_bilingual
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
    """Build the report of a day from the prices known at a publication and the forecasts made there.

    Args:
        prices: The prices frame, MXN per litre. Rows after `publication` are ignored, here and in `averages`.
        averages: The averages frame.
        forecasts: The forecasts made at `publication`. An empty frame gives a report that says that there is no forecast.
        day: The day that the report is for.
        publication: Date of the newest prices.
        next_publication: The next expected publication.
        provenance: Where the figures come from.
        previous_forecasts: The forecasts frame of an earlier publication.
        restated: Past prices that the workbook changed: publication, series, old, new.
        track_record: Issued forecasts with published prices. When any is resolved, the report shows it instead of `evaluation`.
        evaluation: Backtest of the served model.
        flagged: Prices in quarantine: publication, series, price, previous, reason.

    Raises:
        ReportError: When the dates contradict each other, the frames are of other dates, or a column is missing.
    """
    _check_dates(day, publication, next_publication)
    market = build_market_prices(prices, averages, publication)
    at_a_glance = at_a_glance_section(market)
    others = [
        movers_section(market),
        outlook_section(market, forecasts, previous_forecasts),
        regions_section(market),
        spreads_section(market),
        anomalies_section(market, flagged),
        track_record_section(track_record, evaluation),
        data_notes_section(market, provenance, restated),
        method_section(provenance),
    ]
    tables = {table.key: table for section in (at_a_glance, *others) for table in section.tables}
    header = _header_section(_header_facts(day, publication, next_publication, provenance), answers_table(tables))
    return Report(
        day=day,
        publication=publication,
        next_publication=next_publication,
        provenance=provenance,
        banners=banners(market, provenance, publication, forecasts.empty),
        headline=headline(tables["glance"]),
        summary=summary(tables["glance"], tables["movers"], tables["outlook_months_arithmetic"], provenance, publication),
        sections=(header, replace(at_a_glance, tables=(*at_a_glance.tables, price_history(market))), *others),
    )


def _check_dates(day: date, publication: date, next_publication: date) -> None:
    if not publication <= day or not publication < next_publication:
        raise ReportError(
            f"Report: expected publication <= day and publication < next publication, "
            f"found publication {publication}, day {day}, next {next_publication}. Check the arguments of build_report."
        )


def _header_section(facts: list[tuple[BilingualText, str]], answers: Table) -> Section:
    """Where the report comes from, and the five answers: the first part of every format."""
    columns = (Column("fact", BilingualText("Dato", "Fact")), Column("value", BilingualText("Valor", "Value")))
    title = BilingualText("Encabezado", "Header")
    lead = BilingualText("De dónde sale este boletín.", "Where this report comes from.")
    frame = pd.DataFrame(facts, columns=["fact", "value"])
    return Section("header", title, lead, (make_table("header", title, columns, frame), answers))


def _header_facts(
    day: date, publication: date, next_publication: date, provenance: Provenance
) -> list[tuple[BilingualText, str]]:
    source = BilingualText("SNIIM, Secretaría de Economía", "SNIIM, Secretaría de Economía")
    if provenance.sample:
        source = BilingualText("De muestra, generados; no oficiales", "Sample, generated; not official")
    forecast = BilingualText("Modelo", "Model")
    if provenance.is_baseline:
        forecast = BilingualText("Sin cambio (línea base)", "No change (baseline)")
    trained_through = BilingualText("no aplica", "does not apply")
    if provenance.trained_through is not None:
        trained_through = plain_date(provenance.trained_through)
    coverage = format_bilingual("{coverage} series con precio", "{coverage} series priced", coverage=provenance.coverage)
    return [
        (BilingualText("Boletín del", "Report of"), plain_date(day)),
        (BilingualText("Precios publicados el", "Prices published on"), plain_date(publication)),
        (BilingualText("Próxima publicación esperada", "Next publication expected"), plain_date(next_publication)),
        (BilingualText("Libro de la fuente", "Workbook of the source"), provenance.workbook),
        (BilingualText("sha256 del libro", "sha256 of the workbook"), provenance.sha256),
        (BilingualText("Cobertura", "Coverage"), coverage),
        (BilingualText("Datos", "Data"), source),
        (BilingualText("Modelo", "Model"), f"{provenance.model_version} ({provenance.model_alias})"),
        (BilingualText("Pronóstico", "Forecast"), forecast),
        (BilingualText("Aprendido hasta", "Trained through"), trained_through),
        (BilingualText("Atraso de los datos", "Data late by"), days_late(provenance.stale_days)),
    ]
