"""Pronóstico: the forecasts laid out for reading, and set against the forecasts made before and against no change.

Belongs here: the national tables and the section. Tables of every series are in `series`; nothing is forecast here.
"""

import pandas as pd

from milk_assets.reporting.model import forecast_rows
from milk_assets.reporting.model.forecast_rows import tidy_forecasts
from milk_assets.reporting.model.market_prices import Market
from milk_assets.reporting.model.report import DATA_ONLY, EVERYWHERE, FILES_ONLY, Column, Section, Table, table
from milk_assets.reporting.sections import series_outlook
from milk_assets.reporting.text.bilingual import Text, joined, say
from milk_assets.reporting.text.formatting import AVERAGE, plain_date
from milk_assets.sniim.names import AVERAGES

LEADS = (1, 3, 6, 13)
"""Publications ahead that are printed: the next one, one week, two weeks, a month. The tidy files hold every lead."""
SEGMENT = Column("segment", Text("Mercado", "Market"))
NO_MONTHS = Text("No hay pronóstico mensual.", "There is no monthly forecast.")


def outlook(market: Market, forecasts: pd.DataFrame, previous: pd.DataFrame | None) -> Section:
    """The forecast section: months and next publications, national and by series, against the previous forecast when given.

    forecasts, previous: forecasts frames (one row a series x task x lead). ReportError when the forecasts were made at another
    publication, or lack a column.
    """
    rows = tidy_forecasts(market, forecasts, previous)
    lead = Text(
        "Sólo se pronostican fechas en que se publicará un precio. El intervalo de 80 % debe contener el precio ocho de cada "
        "diez veces; el de 95 %, diecinueve de cada veinte. Pesos por litro.",
        "Only dates on which a price will be published are forecast. The 80 % interval should hold the price eight times in ten, "
        "the 95 % one nineteen in twenty. Pesos per litre.",
    )
    earlier = (
        Text("No hay pronóstico anterior con qué comparar.", "There is no previous forecast to compare with.")
        if previous is None or previous.empty
        else say("El pronóstico anterior es del {day}.", "The previous forecast is of {day}.", day=_origin(previous))
    )
    tables = (
        _headline_months(rows),
        _suggested(rows),
        _national_publications(rows, earlier),
        _national_months(rows, "arithmetic", earlier),
        _national_months(rows, "weighted", earlier),
        series_outlook.likely_changes(market, rows),
        series_outlook.every_series(market, rows),
        series_outlook.months(rows),
        _everything(rows),
    )
    return Section("outlook", Text("Pronóstico", "Forecast"), lead, tables)


def _origin(forecasts: pd.DataFrame) -> Text:
    return plain_date(pd.Timestamp(forecasts["origin"].max()).date())


def _national(rows: pd.DataFrame, task: str, average: str) -> pd.DataFrame:
    own = rows[(rows["level_code"] == "national") & (rows["task_code"] == task)]
    own = own[own["city"] == AVERAGES[average]]
    return own.sort_values(["order", "lead"])


def _headline_months(rows: pd.DataFrame) -> Table:
    """Markets x months, both averages: what most readers come for."""
    own = rows[(rows["level_code"] == "national") & (rows["task_code"] == "month")]
    months = series_outlook.labels(own)
    points = tuple(Column(f"forecast_{lead}", label, "price") for lead, label in months.items())
    columns = (
        Column("city", Text("Promedio", "Mean")),
        SEGMENT,
        Column("last_price", Text("Último", "Last"), "price"),
        *points,
        *series_outlook.ends(months),
    )
    frame = (
        series_outlook.wide(own, ["forecast", "lo80", "hi80"], [*series_outlook.INDEX, "segment"])
        if len(own)
        else forecast_rows.no_rows(columns)
    )
    caption = Text(
        "Promedio mensual nacional, del mes en curso a seis meses, con el intervalo de 80 % del último, en pesos por litro.",
        "National monthly mean, from the running month to six months on, with the 80 % interval of the last, pesos per litre.",
    )
    title = Text("Promedio mensual", "Monthly mean")
    return table("outlook_months", title, columns, frame, caption=caption, empty=NO_MONTHS, group_by=("city",))


def _suggested(rows: pd.DataFrame) -> Table:
    """What to write on the next price list: next month's expected mean, its interval, and what that means for today's price."""
    own = rows[(rows["level_code"] == "national") & (rows["task_code"] == "month") & (rows["lead"] == series_outlook.NEXT_MONTH)]
    own = own[own["city"] == AVERAGES["arithmetic"]].sort_values("order")
    own = own.assign(advice=[series_outlook.advice(step) for step in own["moved"]])
    columns = (
        SEGMENT,
        Column("target", Text("Mes", "Month"), "month"),
        Column("no_change", Text("Sin cambio", "No change"), "price"),
        Column("forecast", Text("Precio sugerido", "Suggested price"), "price"),
        forecast_rows.LO80,
        forecast_rows.HI80,
        Column("moved", Text("Diferencia", "Difference"), "change"),
        Column("advice", Text("Qué hacer", "What to do")),
    )
    caption = Text(
        "Precio de referencia para la lista del mes próximo: el promedio esperado del mes, con su intervalo de 80 %. "
        "El de cada ciudad está en el explorador y en los archivos.",
        "Reference for next month's price list: the month's expected mean with its 80 % interval. "
        "That of each city is in the explorer and in the files.",
    )
    title = Text("Precio sugerido", "Suggested price")
    return table("suggested", title, columns, own, caption=caption, empty=NO_MONTHS)


def _national_months(rows: pd.DataFrame, average: str, earlier: Text) -> Table:
    columns = (
        SEGMENT,
        Column("target", Text("Mes", "Month"), "month"),
        forecast_rows.FORECAST,
        forecast_rows.LO80,
        forecast_rows.HI80,
        forecast_rows.LO95,
        forecast_rows.HI95,
        forecast_rows.MOVED,
        forecast_rows.REVISION,
        forecast_rows.TRUST,
    )
    caption = joined(
        [
            say(
                "Promedio mensual nacional ({average}), del mes en curso a seis meses. El peso dice cuánto se cree al modelo frente "
                "a «sin cambio».",
                "National monthly mean ({average}), from the running month to six months on. The weight says how far the model is "
                "believed against “no change”.",
                average=AVERAGE[average].lower(),
            ),
            earlier,
        ]
    )
    return table(
        f"outlook_months_{average}",
        say("Detalle mensual, {average}", "Monthly detail, {average}", average=AVERAGE[average].lower()),
        columns,
        _national(rows, "month", average),
        caption=caption,
        empty=NO_MONTHS,
        places=EVERYWHERE if average == "arithmetic" else FILES_ONLY,
        group_by=("segment",),
        folded=True,
    )


def _national_publications(rows: pd.DataFrame, earlier: Text) -> Table:
    own = _national(rows, "publication", "arithmetic")
    columns = (
        SEGMENT,
        Column("lead", Text("Public.", "Ahead"), "count"),
        Column("target", Text("Fecha esperada", "Expected date"), "date"),
        forecast_rows.FORECAST,
        forecast_rows.LO80,
        forecast_rows.HI80,
        forecast_rows.MOVED,
        forecast_rows.REVISION,
        forecast_rows.P_DOWN,
        forecast_rows.P_SAME,
        forecast_rows.P_UP,
        forecast_rows.TRUST,
    )
    caption = joined(
        [
            Text(
                "Promedio nacional aritmético de las próximas publicaciones, con su fecha esperada.",
                "Simple national mean of the next publications, with their expected dates.",
            ),
            earlier,
        ]
    )
    return table(
        "outlook_publications",
        Text("Próximas publicaciones", "Next publications"),
        columns,
        own[own["lead"].isin(LEADS)],
        caption=caption,
        empty=Text("No hay pronóstico de las próximas publicaciones.", "There is no forecast of the next publications."),
        group_by=("segment",),
        folded=True,
    )


def _everything(rows: pd.DataFrame) -> Table:
    ordered = rows.sort_values(["level_code", "state", "city", "order", "task_code", "lead"])
    caption = Text("Todos los pronósticos, uno por renglón, en pesos por litro.", "Every forecast, one a row, pesos per litre.")
    return table("forecasts", Text("Pronósticos", "Forecasts"), forecast_rows.TIDY, ordered, caption=caption, places=DATA_ONLY)
