"""The words at the top: what every reader must know first, the headline and three sentences, all made from the figures.

Belongs here: sentences about the whole report. The figures come from the sections' tables.
"""

from datetime import date

import pandas as pd

from milk_assets.reporting.model.market_prices import CENT, Market
from milk_assets.reporting.model.report import Provenance, Table
from milk_assets.reporting.sections.data_notes import missing_states
from milk_assets.reporting.text.bilingual import Text, say
from milk_assets.reporting.text.formatting import (
    SEGMENTS,
    counted,
    listing,
    long_date,
    money,
    month,
    plain_date,
    signed,
    spoken_segment,
)

DAY, DAYS = Text("día", "day"), Text("días", "days")


def banners(market: Market, provenance: Provenance, publication: date, no_forecast: bool) -> tuple[Text, ...]:
    """What every reader must know before the first figure, gravest first."""
    said = []
    if provenance.sample:
        said.append(
            Text(
                "Datos de muestra: los precios son generados, no oficiales.",
                "Sample data: these prices are generated, not official.",
            )
        )
    if provenance.stale_days > 0:
        said.append(
            say(
                "Datos atrasados {days}: la publicación más reciente es del {day} y ya se esperaba otra.",
                "Data {days} late: the newest publication is of {day} and another was expected.",
                days=counted(provenance.stale_days, DAY, DAYS),
                day=plain_date(publication),
            )
        )
    if no_forecast:
        said.append(
            Text(
                "Sin pronóstico: no se ha calculado para esta publicación.",
                "No forecast: it has not been computed for this publication.",
            )
        )
    elif provenance.is_baseline:
        said.append(
            Text(
                "Pronóstico: sin cambio (línea base). Ningún modelo está en servicio: se muestra el último precio con su intervalo.",
                "Forecast: no change (baseline). No model is served: the last price is shown with its interval.",
            )
        )
    away = missing_states(market)
    if away:
        said.append(
            say(
                "Cobertura incompleta: sin precios de {states}.",
                "Coverage incomplete: no prices of {states}.",
                states=listing(away),
            )
        )
    return tuple(said)


def headline(changes: Table) -> Text:
    """One sentence that is true of the four arithmetic means, against a month ago or, failing that, the last publication."""
    arithmetic = changes.frame.head(len(SEGMENTS))
    for column, since in (
        ("change_month", Text("en un mes", "in a month")),
        ("change_publication", Text("desde la publicación anterior", "since the publication before")),
    ):
        moves = arithmetic[column].dropna()
        if len(moves) == len(SEGMENTS):
            return _moves(moves, since)
    return Text("Primeros precios del registro", "First prices of the record")


def _moves(moves: pd.Series, since: Text) -> Text:
    up, down = int((moves > CENT).sum()), int((moves < -CENT).sum())
    span = _span(float(moves.abs().min()), float(moves.abs().max()))
    if up == len(moves):
        return say("La leche sube {span} por litro {since}", "Milk rises {span} a litre {since}", span=span, since=since)
    if down == len(moves):
        return say("La leche baja {span} por litro {since}", "Milk falls {span} a litre {since}", span=span, since=since)
    if up == down == 0:
        return say("La leche no se mueve {since}", "Milk does not move {since}", since=since)
    parts = [say("sube en {markets}", "rises in {markets}", markets=_markets(up))] if up else []
    parts += [say("baja en {markets}", "falls in {markets}", markets=_markets(down))] if down else []
    if still := len(moves) - up - down:
        parts.append(say("queda igual en {markets}", "stays in {markets}", markets=_markets(still)))
    return say("La leche {parts} {since}", "Milk {parts} {since}", parts=listing(parts), since=since)


def _span(low: float, high: float) -> Text:
    """ "12 centavos", "entre 20 y 50 centavos", "entre 20 centavos y 1.35 pesos"."""
    (least, unit), (most, last_unit) = _amount(low), _amount(high)
    top = say("{count} {unit}", "{count} {unit}", count=most, unit=last_unit)
    if (least, unit) == (most, last_unit):
        return top
    bottom = Text(least, least) if unit == last_unit else say("{count} {unit}", "{count} {unit}", count=least, unit=unit)
    return say("entre {bottom} y {top}", "between {bottom} and {top}", bottom=bottom, top=top)


def _amount(value: float) -> tuple[str, Text]:
    """Pesos from one peso on, centavos below."""
    if round(value, 2) >= 1:
        return f"{value:.2f}", Text("pesos", "pesos")
    cents = round(100 * value)
    return str(cents), Text("centavo", "centavo") if cents == 1 else Text("centavos", "centavos")


def _markets(count: int) -> Text:
    number = (Text("un", "one"), Text("dos", "two"), Text("tres", "three"), Text("cuatro", "four"))[count - 1]
    what = Text("mercado", "market") if count == 1 else Text("mercados", "markets")
    return say("{number} {what}", "{number} {what}", number=number, what=what)


def summary(glance: Table, changed: Table, months: Table, provenance: Provenance, publication: date) -> tuple[Text, ...]:
    """Three sentences: today's means, what moved, what is expected."""
    now = glance.frame.head(len(SEGMENTS))
    means = [
        say("{price} la {segment}", "{price} for {segment}", price=money(price), segment=spoken_segment(*pair))
        for pair, price in zip(SEGMENTS, now["price"], strict=True)
    ]
    moves = changed.frame["change"]
    moved = say(
        "Desde la publicación anterior cambiaron {count} de {covered} precios: {up} al alza y {down} a la baja.",
        "Since the publication before, {count} of {covered} prices changed: {up} up and {down} down.",
        count=len(moves),
        covered=provenance.covered,
        up=int((moves > 0).sum()),
        down=int((moves < 0).sum()),
    )
    if not len(moves):
        moved = Text("Ningún precio cambió desde la publicación anterior.", "No price changed since the publication before.")
    today = say(
        "El {day} el litro promedió {means}.",
        "On {day} a litre averaged {means}.",
        day=long_date(publication),
        means=listing(means),
    )
    return (today, moved, *_expected(months, provenance))


def _expected(months: Table, provenance: Provenance) -> tuple[Text, ...]:
    """The headline forecast: the farthest month, the four means, against no change."""
    if months.frame.empty:
        return ()
    last = months.frame["target"].max()
    rows = months.frame[months.frame["target"] == last]
    when = month(pd.Timestamp(last).date())
    if provenance.is_baseline:
        return (
            say(
                "Hasta {month} el pronóstico es el último precio: sin cambio, con su intervalo.",
                "Until {month} the forecast is the last price: no change, with its interval.",
                month=when,
            ),
        )
    said = [
        say(
            "{segment} {price} ({change})",
            "{segment} {price} ({change})",
            segment=spoken_segment(*pair),
            price=money(price),
            change=signed(change),
        )
        for pair, price, change in zip(SEGMENTS, rows["forecast"], rows["moved"], strict=True)
    ]
    return (
        say(
            "Para {month} se espera un promedio de {said}.",
            "For {month} the expected mean is {said}.",
            month=when,
            said=listing(said),
        ),
    )


def days_late(count: int) -> Text:
    """ "ninguno", "1 día", "3 días"."""
    return counted(count, DAY, DAYS) if count else Text("ninguno", "none")
