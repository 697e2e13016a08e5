"""Anomalías: prices outside their own band, and series that have stopped moving.

Belongs here: two robust rules on each series' own history. They flag for a person to look; nothing is corrected or left out.
"""

import numpy as np
import pandas as pd

from milk_assets.reporting.model.market_prices import Market, runs
from milk_assets.reporting.model.report import KEY, PRICE, SERIES_NAMES, Column, ReportError, Section, Table, table
from milk_assets.reporting.text.bilingual import Text, say

WINDOW = 78
"""Publications of history a band is made of: about half a year, long enough for a median and short enough to follow a city that
has become dear for good."""
ENOUGH = 39
"""Priced publications in the window below which a series has no band: a quarter of a year."""
REACH = 3.5
"""Robust standard deviations from the median: the cut of Iglewicz and Hoaglin (1993) for the modified z-score."""
LEAST_SCALE = 0.03
"""Smallest robust deviation, in log price. Series often stand still for weeks, so their own may be 0; 3 % is a routine change of
list price (about 0.80 MXN), and 3.5 of them let it pass."""
FROZEN = 78
"""Publications without a change before a series counts as frozen: half a year; 99 of 100 runs end within 53."""


FLAGS = ("publication", "series", "price", "previous", "reason")
"""Columns of the prices that were held until a second publication shows them, in MXN per litre."""
RECENT = 13
"""Publications for which a settled jump stays in the report: a month. One that waits stays as long as it waits."""
CONFIRMED = "confirmed"
REASONS = {
    CONFIRMED: Text("confirmado después", "confirmed later"),
    "not confirmed": Text("no confirmado", "not confirmed"),
    "awaited": Text("a la espera", "awaited"),
}
"""How a jump was settled, in the words of `milk_assets.monitoring.detection.quarantine` and of readers."""
BAND_LOW, BAND_HIGH = (
    Column("lo", Text("Banda desde", "Band from"), "price"),
    Column("hi", Text("Banda hasta", "Band to"), "price"),
)
STOOD = Column("stood", Text("Publicaciones", "Publications"), "count")


def anomalies(market: Market, flagged: pd.DataFrame | None = None) -> Section:
    """Series outside their band in this publication, prices held back at ingestion, and series frozen longer than they ever were.

    flagged: one row a price that was held (see FLAGS), None where nobody holds any. ReportError when it lacks a column.
    """
    lead = say(
        "Señales para revisar, no correcciones. La banda de cada serie sale de su propia distancia a la ciudad mediana de su "
        "mercado en las últimas {window} publicaciones: mediana ± {reach} desviaciones robustas. Así, un alza general no cuenta "
        "como anomalía.",
        "Signs to look at, not corrections. Each series' band comes from its own distance to its market's median city over the "
        "last {window} publications: median ± {reach} robust deviations. So a general rise is no anomaly.",
        window=WINDOW,
        reach=REACH,
    )
    tables = (_outside(market), _quarantined(market, flagged), _frozen(market))
    return Section("anomalies", Text("Anomalías", "Anomalies"), lead, tables)


def bands(market: Market) -> pd.DataFrame:
    """Each series' newest price against its band: series, price, lo, hi (MXN/l) and z, the modified z-score.

    The band is made of the log distance to the market's median city over the WINDOW publications before this one, and is put
    back in pesos at today's median; a mean would let one wrong price push every other city out of its band. Series without a
    price today, or with fewer than ENOUGH before, are left out.
    """
    market_of = market.names["milk_code"] + "/" + market.names["channel_code"]
    middles = {name: market.prices[own.index].median(axis=1) for name, own in market.names.groupby(market_of)}
    middle_city = pd.DataFrame({series: middles[name] for series, name in market_of.items()})
    distance = (market.prices / middle_city).map(np.log)
    past = distance.iloc[:-1].tail(WINDOW)
    middle = past.median()
    scale = (1.4826 * (past - middle).abs().median()).clip(lower=LEAST_SCALE)
    today = middle_city.iloc[-1]
    frame = pd.DataFrame(
        {
            "price": market.prices.iloc[-1],
            "lo": today * (middle - REACH * scale).map(np.exp),
            "hi": today * (middle + REACH * scale).map(np.exp),
            "z": (distance.iloc[-1] - middle) / scale,
        }
    )
    kept = frame.loc[(past.count() >= ENOUGH) & frame["z"].notna()]
    return kept.rename_axis("series").reset_index()


def _outside(market: Market) -> Table:
    found = bands(market)
    out = market.named(found[found["z"].abs() > REACH])
    out = out.sort_values("z", key=lambda z: z.abs(), ascending=False)
    columns = (
        *SERIES_NAMES,
        PRICE,
        BAND_LOW,
        BAND_HIGH,
        Column("z", Text("Desviaciones", "Deviations"), "change", moves=False),
        KEY,
    )
    caption = say(
        "{out} de {all} series con historia suficiente están fuera de su banda. Pesos por litro.",
        "{out} of {all} series with enough history are outside their band. Pesos per litre.",
        out=len(out),
        all=len(found),
    )
    empty = Text("Ninguna serie está fuera de su banda.", "No series is outside its band.")
    title = Text("Fuera de su banda", "Outside their band")
    return table("anomalies", title, columns, out, caption=caption, empty=empty)


def _quarantined(market: Market, flagged: pd.DataFrame | None) -> Table:
    """Jumps that were held, newest first: those of the last RECENT publications and those that wait."""
    given = pd.DataFrame(columns=list(FLAGS)) if flagged is None else flagged
    missing = [name for name in FLAGS if name not in given]
    if missing:
        raise ReportError(f"Flagged prices: expected the columns {missing} too, found {list(given.columns)}.")
    newest = market.prices.index[-RECENT:].min()
    given = given.loc[(given["publication"] >= newest) | (given["reason"] == "awaited"), list(FLAGS)]
    given = given.assign(reason=given["reason"].map(lambda reason: REASONS.get(reason, reason)))
    frame = market.named(given).sort_values(["publication", "series"], ascending=[False, True])
    columns = (
        Column("publication", Text("Publicación", "Publication"), "date"),
        *SERIES_NAMES,
        PRICE,
        Column("previous", Text("El anterior", "The one before"), "price"),
        Column("reason", Text("Estado", "State")),
        KEY,
    )
    caption = Text(
        "Saltos de un solo golpe, apartados hasta que otra publicación los confirme: mientras, el pronóstico no los usa.",
        "Sudden jumps, held until another publication confirms them: until then the forecast does not use them.",
    )
    empty = Text("Ningún precio está en cuarentena.", "No price is quarantined.")
    title = Text("En cuarentena", "Quarantined")
    return table("quarantined", title, columns, frame, caption=caption, empty=empty)


def _frozen(market: Market) -> Table:
    rows = []
    for series in market.prices:
        known = market.prices[series].dropna()
        lengths = runs(known.to_numpy())
        stood, longest = int(lengths[-1]), int(lengths[:-1].max(initial=0))
        if stood >= FROZEN and stood > longest and known.index[-1] == market.publication:
            whole = longest == 0
            rows.append((series, known.iloc[-1], known.index[-stood], stood, np.nan if whole else longest))
    frame = market.named(pd.DataFrame(rows, columns=["series", "price", "since", "stood", "longest"]))
    frame = frame.sort_values(["stood", "series"], ascending=[False, True])
    columns = (
        *SERIES_NAMES,
        PRICE,
        Column("since", Text("Desde", "Since"), "date"),
        STOOD,
        Column("longest", Text("Su mayor antes", "Longest before"), "count"),
        KEY,
    )
    caption = say(
        "Series sin ningún cambio en {count} publicaciones o más, y más que nunca antes en el registro.",
        "Series without a change in {count} publications or more, and longer than ever before in the record.",
        count=FROZEN,
    )
    empty = Text("Ninguna serie está congelada.", "No series is frozen.")
    title = Text("Series congeladas", "Frozen series")
    return table("frozen", title, columns, frame, caption=caption, empty=empty, folded=len(frame) > 0)
