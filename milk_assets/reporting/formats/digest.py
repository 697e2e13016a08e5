"""Digest: the report in at most ten lines of plain Spanish text, for a chat.

Belongs here: the choice of figures and the words. Not here: escaping for a chat program, which the sender does.
"""

from milk_assets.reporting.model.report import Report
from milk_assets.reporting.text.formatting import (
    MARKETS,
    as_number,
    as_text,
    format_pesos,
    format_signed,
    format_value,
    long_date,
    plain_date,
    short_month,
)

MOST_LINES = 10
"""As many as a phone shows without scrolling."""


def to_digest(report: Report) -> str:
    """Write the digest: warnings first, then the four means, the largest change, the forecast and the next publication."""
    lines = [f"🥛 {report.headline}. {long_date(report.publication).capitalize()}."]
    if report.banners:
        lines.append("⚠ " + " ".join(report.banners))
    lines += _mean_lines(report)
    lines.append(_largest_change(report))
    lines += _forecast_lines(report)
    lines += _likely_change_lines(report)
    lines.append(f"Próxima publicación: {plain_date(report.next_publication)}. Cobertura {report.provenance.coverage}.")
    return "\n".join(lines[:MOST_LINES])


def _mean_lines(report: Report) -> list[str]:
    rows = report.tables["glance"].frame.head(len(MARKETS))
    return [
        f"{as_text(row.milk)}, {as_text(row.channel).lower()}: {format_pesos(as_number(row.price))} "
        f"({format_value(row.change_publication, 'change')}; mes {format_value(row.change_month, 'change')})"
        for row in rows.itertuples()
    ]


def _largest_change(report: Report) -> str:
    frame = report.tables["movers"].frame
    if frame.empty:
        return "Ningún precio cambió."
    largest = frame.iloc[int(frame["change"].abs().to_numpy().argmax())]
    return (
        f"{str(report.tables['movers'].caption).split('.')[0]}; el mayor, {largest['city']} ({largest['milk'].lower()}, "
        f"{largest['channel'].lower()}): {format_pesos(largest['before'])} → {format_pesos(largest['price'])}."
    )


def _forecast_lines(report: Report) -> list[str]:
    frame = report.tables["outlook_months_arithmetic"].frame
    if frame.empty or report.provenance.is_baseline:
        return []
    last_month = frame[frame["target"] == frame["target"].max()]
    low, high = last_month["moved"].min(), last_month["moved"].max()
    month = short_month(last_month["target"].iloc[0].date())
    return [f"Pronóstico a {month}: de {format_signed(low)} a {format_signed(high)} MXN/l contra «sin cambio», según el mercado."]


def _likely_change_lines(report: Report) -> list[str]:
    frame = report.tables["likely_changes"].frame
    if frame.empty:
        return []
    likeliest = frame.iloc[0]
    market = f"{likeliest['milk'].lower()}, {likeliest['channel'].lower()}"
    chance = format_value(likeliest["p_change"], "share")
    return [f"Cambio más probable en la próxima publicación: {likeliest['city']} ({market}), {chance}."]
