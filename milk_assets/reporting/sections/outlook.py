"""Pronóstico: the forecasts as tables for readers, compared with the previous forecast and with the no-change baseline.

Belongs here: the national tables and the section. Not here: tables of every series (`sections.series_outlook`) and computing
forecasts (`milk_assets.forecasting`).
"""

import pandas as pd

from milk_assets.reporting.model.columns import MARKET_LABEL
from milk_assets.reporting.model.forecast_rows import (
    AGAINST_NO_CHANGE,
    CHANCES,
    FORECAST,
    FORECAST_COLUMNS,
    INTERVAL_80,
    INTERVAL_95,
    MODEL_WEIGHT,
    NO_CHANGE,
    REVISION,
    build_forecast_rows,
    empty_frame,
)
from milk_assets.reporting.model.market_prices import MarketPrices
from milk_assets.reporting.model.report import ALL_OUTPUTS, DOCUMENT_ONLY, FILES_ONLY, Column, Section, Table, make_table
from milk_assets.reporting.sections import series_outlook
from milk_assets.reporting.text.bilingual import BilingualText, format_bilingual, join_texts
from milk_assets.reporting.text.formatting import AVERAGE_TEXTS, plain_date
from milk_assets.sniim.names import AVERAGES

PRINTED_LEADS = (1, 3, 6, 13)
"""Publications ahead that are printed: the next one, one week, two weeks, a month. The CSV and JSON files hold every lead."""
NO_MONTHS = BilingualText("No hay pronóstico mensual.", "There is no monthly forecast.")
TARGET_MONTH = Column("target", BilingualText("Mes", "Month"), "month")


def outlook_section(market: MarketPrices, forecasts: pd.DataFrame, previous: pd.DataFrame | None) -> Section:
    """Make the section of the forecasts: months and next publications, national and by series.

    Args:
        market: Prices up to the publication.
        forecasts: The forecasts frame, one row per series, task and lead.
        previous: The forecasts frame of an earlier publication, if any.

    Raises:
        ReportError: When a column is missing or the forecasts were made at another publication.
    """
    rows = build_forecast_rows(market, forecasts, previous)
    lead = BilingualText(
        "Sólo se pronostican fechas en que se publicará un precio. El intervalo de 80 % debe contener el precio ocho de cada "
        "diez veces; el de 95 %, diecinueve de cada veinte. Pesos por litro.",
        "Only dates on which a price will be published are forecast. The 80 % interval should hold the price eight times in ten, "
        "the 95 % one nineteen in twenty. Pesos per litre.",
    )
    previous_note = _previous_note(previous)
    tables = (
        _headline_months(rows),
        _suggested_prices(rows),
        _national_publications(rows, previous_note),
        _national_months(rows, "arithmetic", previous_note),
        _national_months(rows, "weighted", previous_note),
        series_outlook.likely_changes(market, rows),
        series_outlook.every_series(market, rows),
        series_outlook.monthly_forecasts(rows),
        _every_forecast(rows),
    )
    return Section("outlook", BilingualText("Pronóstico", "Forecast"), lead, tables)


def _previous_note(previous: pd.DataFrame | None) -> BilingualText:
    if previous is None or previous.empty:
        return BilingualText("No hay pronóstico anterior con qué comparar.", "There is no previous forecast to compare with.")
    day = plain_date(pd.Timestamp(previous["origin"].max()).date())
    return format_bilingual("El pronóstico anterior es del {day}.", "The previous forecast is of {day}.", day=day)


def _national(rows: pd.DataFrame, task: str) -> pd.DataFrame:
    return rows[(rows["level_code"] == "national") & (rows["task_code"] == task)]


def _national_mean(rows: pd.DataFrame, task: str, average: str) -> pd.DataFrame:
    national = _national(rows, task)
    return national[national["city"] == AVERAGES[average]].sort_values(["order", "lead"])


def _headline_months(rows: pd.DataFrame) -> Table:
    """Markets x months, both averages: the table that most readers look for."""
    national = _national(rows, "month")
    months = series_outlook.month_labels(national)
    columns = (
        Column("city", BilingualText("Promedio", "Mean")),
        MARKET_LABEL,
        Column("last_price", BilingualText("Último", "Last"), "price"),
        *series_outlook.month_columns(months),
    )
    if len(national):
        frame = series_outlook.months_side_by_side(national, [*series_outlook.SERIES_INDEX, "segment"])
    else:
        frame = empty_frame(columns)
    caption = BilingualText(
        "Promedio mensual nacional, del mes en curso a seis meses, con el intervalo de 80 % del último, en pesos por litro.",
        "National monthly mean, from the running month to six months on, with the 80 % interval of the last, pesos per litre.",
    )
    title = BilingualText("Promedio mensual", "Monthly mean")
    return make_table("outlook_months", title, columns, frame, caption=caption, empty=NO_MONTHS, group_by=("city",))


def _suggested_prices(rows: pd.DataFrame) -> Table:
    """Next month's expected mean as the price of the next price list, its interval and what it means for today's price."""
    national = _national_mean(rows, "month", "arithmetic")
    next_month = national[national["lead"] == series_outlook.NEXT_MONTH_LEAD]
    next_month = next_month.assign(advice=[series_outlook.price_advice(step) for step in next_month["moved"]])
    columns = (
        MARKET_LABEL,
        TARGET_MONTH,
        NO_CHANGE,
        Column("forecast", BilingualText("Precio sugerido", "Suggested price"), "price"),
        *INTERVAL_80,
        Column("moved", BilingualText("Diferencia", "Difference"), "change"),
        series_outlook.ADVICE,
    )
    caption = BilingualText(
        "Precio de referencia para la lista del mes próximo: el promedio esperado del mes, con su intervalo de 80 %. "
        "El de cada ciudad está en el explorador y en los archivos.",
        "Reference for next month's price list: the month's expected mean with its 80 % interval. "
        "That of each city is in the explorer and in the files.",
    )
    title = BilingualText("Precio sugerido", "Suggested price")
    return make_table("suggested", title, columns, next_month, caption=caption, empty=NO_MONTHS)


def _national_months(rows: pd.DataFrame, average: str, previous_note: BilingualText) -> Table:
    columns = (
        MARKET_LABEL,
        TARGET_MONTH,
        FORECAST,
        *INTERVAL_80,
        *INTERVAL_95,
        AGAINST_NO_CHANGE,
        REVISION,
        MODEL_WEIGHT,
    )
    average_text = AVERAGE_TEXTS[average].lower()
    description = format_bilingual(
        "Promedio mensual nacional ({average}), del mes en curso a seis meses. El peso dice cuánto se cree al modelo frente "
        "a «sin cambio».",
        "National monthly mean ({average}), from the running month to six months on. The weight says how far the model is "
        "believed against “no change”.",
        average=average_text,
    )
    return make_table(
        f"outlook_months_{average}",
        format_bilingual("Detalle mensual, {average}", "Monthly detail, {average}", average=average_text),
        columns,
        _national_mean(rows, "month", average),
        caption=join_texts([description, previous_note]),
        empty=NO_MONTHS,
        outputs=ALL_OUTPUTS if average == "arithmetic" else FILES_ONLY,
        group_by=("segment",),
        folded=True,
    )


def _national_publications(rows: pd.DataFrame, previous_note: BilingualText) -> Table:
    national = _national_mean(rows, "publication", "arithmetic")
    columns = (
        MARKET_LABEL,
        Column("lead", BilingualText("Public.", "Ahead"), "count"),
        Column("target", BilingualText("Fecha esperada", "Expected date"), "date"),
        FORECAST,
        *INTERVAL_80,
        AGAINST_NO_CHANGE,
        REVISION,
        *CHANCES,
        MODEL_WEIGHT,
    )
    description = BilingualText(
        "Promedio nacional aritmético de las próximas publicaciones, con su fecha esperada.",
        "Simple national mean of the next publications, with their expected dates.",
    )
    return make_table(
        "outlook_publications",
        BilingualText("Próximas publicaciones", "Next publications"),
        columns,
        national[national["lead"].isin(PRINTED_LEADS)],
        caption=join_texts([description, previous_note]),
        empty=BilingualText("No hay pronóstico de las próximas publicaciones.", "There is no forecast of the next publications."),
        group_by=("segment",),
        folded=True,
    )


def _every_forecast(rows: pd.DataFrame) -> Table:
    ordered = rows.sort_values(["level_code", "state", "city", "order", "task_code", "lead"])
    caption = BilingualText(
        "Todos los pronósticos, uno por renglón, en pesos por litro.", "Every forecast, one a row, pesos per litre."
    )
    title = BilingualText("Pronósticos", "Forecasts")
    return make_table("forecasts", title, FORECAST_COLUMNS, ordered, caption=caption, outputs=DOCUMENT_ONLY)
