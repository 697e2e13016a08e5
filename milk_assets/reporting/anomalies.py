"""Anomalías: prices outside their own band, and series that have stopped moving.

Belongs here: two robust rules on each series' own history. They flag for a person to look; nothing is corrected or left out.
"""

import numpy as np
import pandas as pd

from milk_assets.reporting.market import Market, runs
from milk_assets.reporting.report import Column, Section, Table, table

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


def anomalies(market: Market) -> Section:
    """Series outside their band in this publication, and series frozen longer than they ever were."""
    lead = (
        "Señales para revisar, no correcciones. La banda de cada serie sale de su propia distancia a la ciudad mediana de su mercado en "
        f"las últimas {WINDOW} publicaciones: mediana ± {REACH} desviaciones robustas."
        " Así, un alza general no cuenta como anomalía."
    )
    return Section("anomalies", "Anomalías", lead, (_outside(market), _frozen(market)))


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
        Column("state", "Estado"),
        Column("city", "Ciudad"),
        Column("milk", "Leche"),
        Column("channel", "Canal"),
        Column("price", "Precio", "price"),
        Column("lo", "Banda desde", "price"),
        Column("hi", "hasta", "price"),
        Column("z", "Desviaciones", "change", moves=False),
        Column("series", "Clave"),
    )
    caption = f"{len(out)} de {len(found)} series con historia suficiente están fuera de su banda. Pesos por litro."
    empty = "Ninguna serie está fuera de su banda."
    return table("anomalies", "Fuera de su banda", columns, out, caption=caption, empty=empty)


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
        Column("state", "Estado"),
        Column("city", "Ciudad"),
        Column("milk", "Leche"),
        Column("channel", "Canal"),
        Column("price", "Precio", "price"),
        Column("since", "Desde", "date"),
        Column("stood", "Publicaciones", "count"),
        Column("longest", "Su mayor antes", "count"),
        Column("series", "Clave"),
    )
    caption = f"Series sin ningún cambio en {FROZEN} publicaciones o más, y más que nunca antes en el registro."
    return table(
        "frozen",
        "Series congeladas",
        columns,
        frame,
        caption=caption,
        empty="Ninguna serie está congelada.",
        folded=len(frame) > 0,
    )
