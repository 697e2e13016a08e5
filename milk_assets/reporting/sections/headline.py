"""Headline: the warnings, the headline and the summary at the top of the report.

Belongs here: sentences about the whole report. Not here: the figures, which come from the tables of the sections.
"""

from datetime import date

import pandas as pd

from milk_assets.reporting.model.market_prices import PRICE_TOLERANCE, MarketPrices
from milk_assets.reporting.model.report import Provenance, Table
from milk_assets.reporting.sections.data_notes import missing_states
from milk_assets.reporting.text.bilingual import BilingualText, format_bilingual
from milk_assets.reporting.text.formatting import (
    MARKETS,
    count_text,
    format_pesos,
    format_signed,
    list_text,
    long_date,
    long_month,
    market_in_sentence,
    plain_date,
)

DAY_NOUN, DAYS_NOUN = BilingualText("día", "day"), BilingualText("días", "days")


def banners(market: MarketPrices, provenance: Provenance, publication: date, no_forecast: bool) -> tuple[BilingualText, ...]:
    """Write the warnings that a reader must see before the first figure, the most serious first.

    Args:
        market: Prices up to the publication.
        provenance: Whether the data is sample data or late, and whether a model is served.
        publication: Date of the newest prices.
        no_forecast: True when the publication has no forecasts.
    """
    warnings = []
    if provenance.sample:
        warnings.append(
            BilingualText(
                "Datos de muestra: los precios son generados, no oficiales.",
                "Sample data: these prices are generated, not official.",
            )
        )
    if provenance.stale_days > 0:
        warnings.append(
            format_bilingual(
                "Datos atrasados {days}: la publicación más reciente es del {day} y ya se esperaba otra.",
                "Data {days} late: the newest publication is of {day} and another was expected.",
                days=count_text(provenance.stale_days, DAY_NOUN, DAYS_NOUN),
                day=plain_date(publication),
            )
        )
    if no_forecast:
        warnings.append(
            BilingualText(
                "Sin pronóstico: no se ha calculado para esta publicación.",
                "No forecast: it has not been computed for this publication.",
            )
        )
    elif provenance.is_baseline:
        warnings.append(
            BilingualText(
                "Pronóstico: sin cambio (línea base). Ningún modelo está en servicio: se muestra el último precio con su intervalo.",
                "Forecast: no change (baseline). No model is served: the last price is shown with its interval.",
            )
        )
    without_prices = missing_states(market)
    if without_prices:
        warnings.append(
            format_bilingual(
                "Cobertura incompleta: sin precios de {states}.",
                "Coverage incomplete: no prices of {states}.",
                states=list_text(without_prices),
            )
        )
    return tuple(warnings)


def headline(changes: Table) -> BilingualText:
    """Write one sentence about the four arithmetic means: their change in a month or, in a short record, since the last publication.

    Args:
        changes: The table `glance`.
    """
    arithmetic = changes.frame.head(len(MARKETS))
    for column, since in (
        ("change_month", BilingualText("en un mes", "in a month")),
        ("change_publication", BilingualText("desde la publicación anterior", "since the publication before")),
    ):
        moves = arithmetic[column].dropna()
        if len(moves) == len(MARKETS):
            return _moves_sentence(moves, since)
    return BilingualText("Primeros precios del registro", "First prices of the record")


def _moves_sentence(moves: pd.Series, since: BilingualText) -> BilingualText:
    up, down = int((moves > PRICE_TOLERANCE).sum()), int((moves < -PRICE_TOLERANCE).sum())
    span = _range_of_change(float(moves.abs().min()), float(moves.abs().max()))
    if up == len(moves):
        return format_bilingual(
            "La leche sube {span} por litro {since}", "Milk rises {span} a litre {since}", span=span, since=since
        )
    if down == len(moves):
        return format_bilingual(
            "La leche baja {span} por litro {since}", "Milk falls {span} a litre {since}", span=span, since=since
        )
    if up == down == 0:
        return format_bilingual("La leche no se mueve {since}", "Milk does not move {since}", since=since)
    unchanged = len(moves) - up - down
    parts = []
    if up:
        parts.append(format_bilingual("sube en {markets}", "rises in {markets}", markets=_market_count(up)))
    if down:
        parts.append(format_bilingual("baja en {markets}", "falls in {markets}", markets=_market_count(down)))
    if unchanged:
        parts.append(format_bilingual("queda igual en {markets}", "stays in {markets}", markets=_market_count(unchanged)))
    return format_bilingual("La leche {parts} {since}", "Milk {parts} {since}", parts=list_text(parts), since=since)


def _range_of_change(low: float, high: float) -> BilingualText:
    """Write a range of amounts: "12 centavos", "entre 20 y 50 centavos", "entre 20 centavos y 1.35 pesos"."""
    (low_count, low_unit), (high_count, high_unit) = _amount(low), _amount(high)
    top = format_bilingual("{count} {unit}", "{count} {unit}", count=high_count, unit=high_unit)
    if (low_count, low_unit) == (high_count, high_unit):
        return top
    bottom = BilingualText(low_count, low_count)
    if low_unit != high_unit:
        bottom = format_bilingual("{count} {unit}", "{count} {unit}", count=low_count, unit=low_unit)
    return format_bilingual("entre {bottom} y {top}", "between {bottom} and {top}", bottom=bottom, top=top)


def _amount(value: float) -> tuple[str, BilingualText]:
    """A number and its unit: pesos from one peso on, centavos below."""
    if round(value, 2) >= 1:
        return f"{value:.2f}", BilingualText("pesos", "pesos")
    cents = round(100 * value)
    return str(cents), BilingualText("centavo", "centavo") if cents == 1 else BilingualText("centavos", "centavos")


def _market_count(count: int) -> BilingualText:
    """A number of markets in words."""
    number = (
        BilingualText("un", "one"),
        BilingualText("dos", "two"),
        BilingualText("tres", "three"),
        BilingualText("cuatro", "four"),
    )[count - 1]
    noun = BilingualText("mercado", "market") if count == 1 else BilingualText("mercados", "markets")
    return format_bilingual("{number} {noun}", "{number} {noun}", number=number, noun=noun)


def summary(glance: Table, movers: Table, months: Table, provenance: Provenance, publication: date) -> tuple[BilingualText, ...]:
    """Write up to three sentences: today's means, what changed, what is expected.

    Args:
        glance, movers, months: The tables `glance`, `movers` and `outlook_months_arithmetic`.
        provenance: Coverage, and whether a model is served.
        publication: Date of the newest prices.
    """
    newest_means = glance.frame.head(len(MARKETS))
    means = [
        format_bilingual(
            "{price} la {segment}", "{price} for {segment}", price=format_pesos(price), segment=market_in_sentence(*market)
        )
        for market, price in zip(MARKETS, newest_means["price"], strict=True)
    ]
    changes = movers.frame["change"]
    moved = format_bilingual(
        "Desde la publicación anterior cambiaron {count} de {covered} precios: {up} al alza y {down} a la baja.",
        "Since the publication before, {count} of {covered} prices changed: {up} up and {down} down.",
        count=len(changes),
        covered=provenance.covered,
        up=int((changes > 0).sum()),
        down=int((changes < 0).sum()),
    )
    if changes.empty:
        moved = BilingualText(
            "Ningún precio cambió desde la publicación anterior.", "No price changed since the publication before."
        )
    today = format_bilingual(
        "El {day} el litro promedió {means}.",
        "On {day} a litre averaged {means}.",
        day=long_date(publication),
        means=list_text(means),
    )
    return (today, moved, *_expected_means(months, provenance))


def _expected_means(months: Table, provenance: Provenance) -> tuple[BilingualText, ...]:
    """The forecast of the last month: the four means and their difference from the no-change baseline."""
    if months.frame.empty:
        return ()
    last_month = months.frame["target"].max()
    rows = months.frame[months.frame["target"] == last_month]
    month = long_month(pd.Timestamp(last_month).date())
    if provenance.is_baseline:
        return (
            format_bilingual(
                "Hasta {month} el pronóstico es el último precio: sin cambio, con su intervalo.",
                "Until {month} the forecast is the last price: no change, with its interval.",
                month=month,
            ),
        )
    means = [
        format_bilingual(
            "{segment} {price} ({change})",
            "{segment} {price} ({change})",
            segment=market_in_sentence(*market),
            price=format_pesos(price),
            change=format_signed(change),
        )
        for market, price, change in zip(MARKETS, rows["forecast"], rows["moved"], strict=True)
    ]
    return (
        format_bilingual(
            "Para {month} se espera un promedio de {means}.",
            "For {month} the expected mean is {means}.",
            month=month,
            means=list_text(means),
        ),
    )


def days_late(count: int) -> BilingualText:
    """Write how late the data is: "ninguno", "1 día", "3 días"."""
    return count_text(count, DAY_NOUN, DAYS_NOUN) if count else BilingualText("ninguno", "none")
