"""The forecasts frame in the shape the report's sections arrange: words beside codes, and the previous forecast beside this one.

Belongs here: checks and joins of what `milk_assets.forecasting` computed. Nothing is forecast here.
"""

import numpy as np
import pandas as pd

from milk_assets.reporting.model.market_prices import Market
from milk_assets.reporting.model.report import KEY, SERIES_NAMES, Column, ReportError
from milk_assets.reporting.text.bilingual import Text
from milk_assets.reporting.text.formatting import AVERAGE_NAMES, CHANNEL, LEVEL, MILK, SEGMENTS, TASK, segment

FIGURES = ("forecast", "lo80", "hi80", "lo95", "hi95", "p_up", "p_same", "p_down")
REQUIRED = (
    "origin",
    "level",
    "series",
    "state",
    "city",
    "milk",
    "channel",
    "task",
    "lead",
    "target",
    "last_price",
    "no_change",
    "trust",
)

FORECAST = Column("forecast", Text("Pronóstico", "Forecast"), "price")
LO80, HI80 = Column("lo80", Text("80 % desde", "80 % from"), "price"), Column("hi80", Text("80 % hasta", "80 % to"), "price")
LO95, HI95 = Column("lo95", Text("95 % desde", "95 % from"), "price"), Column("hi95", Text("95 % hasta", "95 % to"), "price")
P_UP = Column("p_up", Text("P(sube)", "P(up)"), "share")
P_SAME = Column("p_same", Text("P(igual)", "P(same)"), "share")
P_DOWN = Column("p_down", Text("P(baja)", "P(down)"), "share")
TRUST = Column("trust", Text("Peso del modelo", "Weight of the model"), "share")
REVISION = Column("revision", Text("Contra el anterior", "Against previous"), "change")
MOVED = Column("moved", Text("Contra sin cambio", "Against no change"), "change")
LAST = Column("last_price", Text("Último precio", "Last price"), "price")

TIDY = (
    Column("origin", Text("Origen", "Origin"), "date"),
    Column("level", Text("Nivel", "Level")),
    KEY,
    *SERIES_NAMES,
    Column("task", Text("Pregunta", "Question")),
    Column("lead", Text("Adelanto", "Lead"), "count"),
    Column("target", Text("Para", "For"), "date"),
    LAST,
    Column("no_change", Text("Sin cambio", "No change"), "price"),
    FORECAST,
    LO80,
    HI80,
    LO95,
    HI95,
    P_UP,
    P_SAME,
    P_DOWN,
    TRUST,
    Column("previous", Text("Pronóstico anterior", "Previous forecast"), "price"),
    REVISION,
)


def tidy_forecasts(market: Market, forecasts: pd.DataFrame, previous: pd.DataFrame | None) -> pd.DataFrame:
    """One row a forecast, in words (codes kept as milk_code, channel_code, task_code, level_code), beside the previous.

    previous: the forecast of the same series and target made before, NaN where there was none; revision: this one minus that one.
    moved: this one minus "no change", which for a month is the mean of its days so far and the last price, not the last price.
    ReportError when the forecasts were made at another publication, or lack a column.
    """
    missing = [name for name in (*REQUIRED, *FIGURES) if name not in forecasts]
    if missing:
        raise ReportError(f"Forecasts: expected the columns {missing} too, found {list(forecasts.columns)}.")
    made = forecasts["origin"].unique()
    if len(forecasts) and (len(made) != 1 or pd.Timestamp(made[0]) != market.publication):
        raise ReportError(
            f"Report of {market.publication.date()}: expected forecasts made at that publication, "
            f"found origins {sorted(str(pd.Timestamp(origin).date()) for origin in made)}. Forecast it first."
        )
    frame = forecasts.assign(previous=np.nan)
    if previous is not None and not previous.empty:
        keys = ["series", "task", "target"]
        before = previous.drop_duplicates(keys).set_index(keys)["forecast"]
        frame["previous"] = before.reindex(pd.MultiIndex.from_frame(frame[keys])).to_numpy(dtype=float)
    frame["revision"] = frame["forecast"] - frame["previous"]
    for name, words in (("level", LEVEL), ("milk", MILK), ("channel", CHANNEL), ("task", TASK)):
        frame[f"{name}_code"] = frame[name]
        frame[name] = frame[name].map(words)
    for name in ("state", "city"):
        frame[name] = frame[name].map(lambda word: AVERAGE_NAMES.get(word, word))
    names = {pair: segment(*pair) for pair in SEGMENTS}
    pairs = list(zip(frame["milk_code"], frame["channel_code"], strict=True))
    frame["segment"] = [names[pair] for pair in pairs]
    frame["order"] = [SEGMENTS.index(pair) for pair in pairs]
    frame["moved"] = frame["forecast"] - frame["no_change"]
    return frame


def no_rows(columns: tuple[Column, ...]) -> pd.DataFrame:
    """A frame of those columns without a row."""
    return pd.DataFrame(columns=[column.name for column in columns])
