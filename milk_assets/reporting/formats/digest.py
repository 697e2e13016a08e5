"""The digest: the report in at most ten lines of plain text, for a chat.

Belongs here: the choice and the words. Escaping for a given chat is the sender's.
"""

from milk_assets.reporting.model.report import Report
from milk_assets.reporting.text.formatting import (
    SEGMENTS,
    as_number,
    as_text,
    long_date,
    money,
    plain_date,
    short_month,
    signed,
    written,
)

LINES = 10
"""What a phone shows without scrolling."""


def to_digest(report: Report) -> str:
    """At most ten lines: warnings first, then the four means, what moved most, what is expected, when the next prices come."""
    lines = [f"🥛 {report.headline}. {long_date(report.publication).capitalize()}."]
    if report.banners:
        lines.append("⚠ " + " ".join(report.banners))
    lines += _means(report)
    lines.append(_moved(report))
    lines += _expected(report)
    lines += _likely(report)
    lines.append(f"Próxima publicación: {plain_date(report.next_publication)}. Cobertura {report.provenance.coverage}.")
    return "\n".join(lines[:LINES])


def _means(report: Report) -> list[str]:
    rows = report.tables["glance"].frame.head(len(SEGMENTS))
    return [
        f"{as_text(row.milk)}, {as_text(row.channel).lower()}: {money(as_number(row.price))} "
        f"({written(row.change_publication, 'change')}; mes {written(row.change_month, 'change')})"
        for row in rows.itertuples()
    ]


def _moved(report: Report) -> str:
    frame = report.tables["movers"].frame
    if frame.empty:
        return "Ningún precio cambió."
    biggest = frame.iloc[int(frame["change"].abs().to_numpy().argmax())]
    return (
        f"{report.tables['movers'].caption.split('.')[0]}; el mayor, {biggest['city']} ({biggest['milk'].lower()}, "
        f"{biggest['channel'].lower()}): {money(biggest['before'])} → {money(biggest['price'])}."
    )


def _expected(report: Report) -> list[str]:
    frame = report.tables["outlook_months_arithmetic"].frame
    if frame.empty or report.provenance.is_baseline:
        return []
    last = frame[frame["target"] == frame["target"].max()]
    low, high = last["moved"].min(), last["moved"].max()
    when = short_month(last["target"].iloc[0].date())
    return [f"Pronóstico a {when}: de {signed(low)} a {signed(high)} MXN/l contra «sin cambio», según el mercado."]


def _likely(report: Report) -> list[str]:
    frame = report.tables["likely_changes"].frame
    if frame.empty:
        return []
    first = frame.iloc[0]
    return [
        f"Cambio más probable en la próxima publicación: {first['city']} ({first['milk'].lower()}, {first['channel'].lower()}), "
        f"{written(first['p_change'], 'share')}."
    ]
