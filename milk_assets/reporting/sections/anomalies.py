"""Anomalías: prices outside their usual band, jumps in quarantine and series that stopped moving.

Belongs here: two robust rules on the history of each series. They mark prices for a person to check; nothing is corrected or left
out. Not here: holding a price back from training (`milk_assets.monitoring.detection.quarantine`).
"""

import numpy as np
import pandas as pd

from milk_assets.reporting.model.columns import PRICE, PUBLICATION, SERIES_COLUMNS, SERIES_KEY
from milk_assets.reporting.model.market_prices import MarketPrices, run_lengths
from milk_assets.reporting.model.report import Column, ReportError, Section, Table, make_table
from milk_assets.reporting.text.bilingual import BilingualText, format_bilingual

BAND_PUBLICATIONS = 78
"""Publications of history in a band: about half a year, long enough for a median and short enough to follow a city that has become
expensive for good."""
LEAST_BAND_PRICES = 39
"""Prices in that history below which a series has no band: a quarter of a year."""
LARGEST_DEVIATION = 3.5
"""Robust standard deviations from the median: the limit of Iglewicz and Hoaglin (1993) for the modified z-score."""
NORMAL_CONSISTENCY = 1.4826
"""Standard deviation of a normal distribution divided by its median absolute deviation."""
LEAST_SCALE = 0.03
"""Smallest robust deviation, in log price. Prices often stay unchanged for weeks, so their deviation may be 0; 3 % is a routine change
of a price list (about 0.80 MXN), and 3.5 of them let it pass."""
FROZEN_PUBLICATIONS = 78
"""Publications without a change before a series counts as frozen: half a year; 99 of 100 runs end within 53."""

FLAG_COLUMNS = ("publication", "series", "price", "previous", "reason")
"""Columns of the frame of prices in quarantine; prices in MXN per litre."""
RECENT_PUBLICATIONS = 13
"""Publications for which a resolved jump stays in the report: a month. An unresolved one stays until it is resolved."""
CONFIRMED = "confirmed"
REASON_TEXTS = {
    CONFIRMED: BilingualText("confirmado después", "confirmed later"),
    "not confirmed": BilingualText("no confirmado", "not confirmed"),
    "awaited": BilingualText("a la espera", "awaited"),
}
"""How a jump was resolved: codes of `milk_assets.monitoring.detection.quarantine` and words for readers."""


def anomalies_section(market: MarketPrices, flagged: pd.DataFrame | None = None) -> Section:
    """Make the section of series outside their band, jumps in quarantine and frozen series.

    Args:
        market: Prices up to the publication.
        flagged: One row per price in quarantine, with FLAG_COLUMNS; None where there is no quarantine.

    Raises:
        ReportError: When `flagged` lacks a column.
    """
    lead = format_bilingual(
        "Señales para revisar, no correcciones. La banda de cada serie sale de su propia distancia a la ciudad mediana de su "
        "mercado en las últimas {window} publicaciones: mediana ± {reach} desviaciones robustas. Así, un alza general no cuenta "
        "como anomalía.",
        "Signs to look at, not corrections. Each series' band comes from its own distance to its market's median city over the "
        "last {window} publications: median ± {reach} robust deviations. So a general rise is no anomaly.",
        window=BAND_PUBLICATIONS,
        reach=LARGEST_DEVIATION,
    )
    tables = (_outside_band(market), _quarantined(market, flagged), _frozen(market))
    return Section("anomalies", BilingualText("Anomalías", "Anomalies"), lead, tables)


def price_bands(market: MarketPrices) -> pd.DataFrame:
    """Compare the newest price of each series with its band.

    The band is made of the log distance from the market's median city over the BAND_PUBLICATIONS publications before this one, and
    converted to pesos with today's median. A mean instead of the median would let one wrong price push every other city out of its
    band.

    Returns:
        One row per series with a price today and at least LEAST_BAND_PRICES before: series, price, lo and hi (MXN per litre), and z,
        the modified z-score.
    """
    market_of = market.names["milk_code"] + "/" + market.names["channel_code"]
    medians = {name: market.prices[series.index].median(axis=1) for name, series in market.names.groupby(market_of)}
    median_city = pd.DataFrame({series: medians[name] for series, name in market_of.items()})
    distance = (market.prices / median_city).map(np.log)
    history = distance.iloc[:-1].tail(BAND_PUBLICATIONS)
    center = history.median()
    scale = (NORMAL_CONSISTENCY * (history - center).abs().median()).clip(lower=LEAST_SCALE)
    today = median_city.iloc[-1]
    frame = pd.DataFrame(
        {
            "price": market.prices.iloc[-1],
            "lo": today * (center - LARGEST_DEVIATION * scale).map(np.exp),
            "hi": today * (center + LARGEST_DEVIATION * scale).map(np.exp),
            "z": (distance.iloc[-1] - center) / scale,
        }
    )
    has_band = (history.count() >= LEAST_BAND_PRICES) & frame["z"].notna()
    return frame.loc[has_band].rename_axis("series").reset_index()


def _outside_band(market: MarketPrices) -> Table:
    bands = price_bands(market)
    outside = market.with_names(bands[bands["z"].abs() > LARGEST_DEVIATION])
    outside = outside.sort_values("z", key=lambda z: z.abs(), ascending=False)
    columns = (
        *SERIES_COLUMNS,
        PRICE,
        Column("lo", BilingualText("Banda desde", "Band from"), "price"),
        Column("hi", BilingualText("Banda hasta", "Band to"), "price"),
        Column("z", BilingualText("Desviaciones", "Deviations"), "change", moves=False),
        SERIES_KEY,
    )
    caption = format_bilingual(
        "{out} de {all} series con historia suficiente están fuera de su banda. Pesos por litro.",
        "{out} of {all} series with enough history are outside their band. Pesos per litre.",
        out=len(outside),
        all=len(bands),
    )
    empty = BilingualText("Ninguna serie está fuera de su banda.", "No series is outside its band.")
    title = BilingualText("Fuera de su banda", "Outside their band")
    return make_table("anomalies", title, columns, outside, caption=caption, empty=empty)


def _quarantined(market: MarketPrices, flagged: pd.DataFrame | None) -> Table:
    """Jumps in quarantine, newest first: those of the last RECENT_PUBLICATIONS and those not yet resolved."""
    flags = pd.DataFrame(columns=list(FLAG_COLUMNS)) if flagged is None else flagged
    missing = [name for name in FLAG_COLUMNS if name not in flags]
    if missing:
        raise ReportError(f"Flagged prices: expected the columns {missing} too, found {list(flags.columns)}.")
    first_recent = market.prices.index[-RECENT_PUBLICATIONS:].min()
    is_shown = (flags["publication"] >= first_recent) | (flags["reason"] == "awaited")
    flags = flags.loc[is_shown, list(FLAG_COLUMNS)]
    flags = flags.assign(reason=flags["reason"].map(lambda reason: REASON_TEXTS.get(reason, reason)))
    frame = market.with_names(flags).sort_values(["publication", "series"], ascending=[False, True])
    columns = (
        PUBLICATION,
        *SERIES_COLUMNS,
        PRICE,
        Column("previous", BilingualText("El anterior", "The one before"), "price"),
        Column("reason", BilingualText("Estado", "State")),
        SERIES_KEY,
    )
    caption = BilingualText(
        "Saltos de un solo golpe, apartados hasta que otra publicación los confirme: mientras, el pronóstico no los usa.",
        "Sudden jumps, held until another publication confirms them: until then the forecast does not use them.",
    )
    empty = BilingualText("Ningún precio está en cuarentena.", "No price is quarantined.")
    title = BilingualText("En cuarentena", "Quarantined")
    return make_table("quarantined", title, columns, frame, caption=caption, empty=empty)


def _frozen(market: MarketPrices) -> Table:
    """Series unchanged for FROZEN_PUBLICATIONS or more, and longer than ever before."""
    rows = []
    for series in market.prices:
        published = market.prices[series].dropna()
        *earlier, current = run_lengths(published.to_numpy()).tolist()
        longest = max(earlier, default=None)
        is_frozen = current >= FROZEN_PUBLICATIONS and current > (longest or 0)
        if is_frozen and published.index[-1] == market.publication:
            rows.append((series, published.iloc[-1], published.index[-current], current, np.nan if longest is None else longest))
    frame = market.with_names(pd.DataFrame(rows, columns=["series", "price", "since", "stood", "longest"]))
    frame = frame.sort_values(["stood", "series"], ascending=[False, True])
    columns = (
        *SERIES_COLUMNS,
        PRICE,
        Column("since", BilingualText("Desde", "Since"), "date"),
        Column("stood", BilingualText("Publicaciones", "Publications"), "count"),
        Column("longest", BilingualText("Su mayor antes", "Longest before"), "count"),
        SERIES_KEY,
    )
    caption = format_bilingual(
        "Series sin ningún cambio en {count} publicaciones o más, y más que nunca antes en el registro.",
        "Series without a change in {count} publications or more, and longer than ever before in the record.",
        count=FROZEN_PUBLICATIONS,
    )
    empty = BilingualText("Ninguna serie está congelada.", "No series is frozen.")
    title = BilingualText("Series congeladas", "Frozen series")
    return make_table("frozen", title, columns, frame, caption=caption, empty=empty, folded=len(frame) > 0)
