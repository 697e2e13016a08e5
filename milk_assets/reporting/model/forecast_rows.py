"""Forecast rows: the forecasts frame with labels for readers and the change from the previous forecast.

Belongs here: the columns of a forecast, checks and joins. Not here: computing forecasts (`milk_assets.forecasting`) and choosing
the rows of a table (`sections.outlook`, `sections.series_outlook`).
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from milk_assets.reporting.model.columns import SERIES_COLUMNS, SERIES_KEY, TASK
from milk_assets.reporting.model.market_prices import MarketPrices
from milk_assets.reporting.model.report import Column, ReportError
from milk_assets.reporting.text.bilingual import BilingualText
from milk_assets.reporting.text.formatting import (
    CHANNEL_TEXTS,
    LEVEL_TEXTS,
    MARKETS,
    MILK_TEXTS,
    NATIONAL_TEXTS,
    TASK_TEXTS,
    market_label,
)

LEVEL = Column("level", BilingualText("Nivel", "Level"))
LEAD = Column("lead", BilingualText("Adelanto", "Lead"), "count")
TARGET = Column("target", BilingualText("Para", "For"), "date")
LAST_PRICE = Column("last_price", BilingualText("Último precio", "Last price"), "price")
NO_CHANGE = Column("no_change", BilingualText("Sin cambio", "No change"), "price")
FORECAST = Column("forecast", BilingualText("Pronóstico", "Forecast"), "price")
INTERVAL_80 = (
    Column("lo80", BilingualText("80 % desde", "80 % from"), "price"),
    Column("hi80", BilingualText("80 % hasta", "80 % to"), "price"),
)
INTERVAL_95 = (
    Column("lo95", BilingualText("95 % desde", "95 % from"), "price"),
    Column("hi95", BilingualText("95 % hasta", "95 % to"), "price"),
)
P_UP = Column("p_up", BilingualText("P(sube)", "P(up)"), "share")
P_SAME = Column("p_same", BilingualText("P(igual)", "P(same)"), "share")
P_DOWN = Column("p_down", BilingualText("P(baja)", "P(down)"), "share")
CHANCES = (P_DOWN, P_SAME, P_UP)
MODEL_WEIGHT = Column("trust", BilingualText("Peso del modelo", "Weight of the model"), "share")
REVISION = Column("revision", BilingualText("Contra el anterior", "Against previous"), "change")
AGAINST_NO_CHANGE = Column("moved", BilingualText("Contra sin cambio", "Against no change"), "change")

FORECAST_KEYS = (LEVEL, SERIES_KEY, *SERIES_COLUMNS, TASK, LEAD, TARGET)
"""What identifies a forecast within one origin."""
_INPUT_COLUMNS = (
    Column("origin", BilingualText("Origen", "Origin"), "date"),
    *FORECAST_KEYS,
    LAST_PRICE,
    NO_CHANGE,
    FORECAST,
    *INTERVAL_80,
    *INTERVAL_95,
    P_UP,
    P_SAME,
    P_DOWN,
    MODEL_WEIGHT,
)
FORECAST_COLUMNS = (
    *_INPUT_COLUMNS,
    Column("previous", BilingualText("Pronóstico anterior", "Previous forecast"), "price"),
    REVISION,
)
"""Columns of the table of every forecast, which the CSV and JSON files hold: those of the forecasts frame and two computed here."""


def column_names(columns: Iterable[Column]) -> list[str]:
    """Return the frame names of columns."""
    return [column.name for column in columns]


def build_forecast_rows(market: MarketPrices, forecasts: pd.DataFrame, previous: pd.DataFrame | None) -> pd.DataFrame:
    """Add labels for readers and comparisons to the forecasts frame.

    Args:
        market: Prices up to the publication at which the forecasts were made.
        forecasts: One row per series, task and lead; prices in MXN per litre.
        previous: The forecasts frame of an earlier publication, if any.

    Returns:
        One row per forecast. `level`, `milk`, `channel` and `task` are labels; their codes are in `*_code`. `segment` is the label
        of the market and `order` its position in MARKETS. `previous` is the earlier forecast of the same series and target, NaN
        without one; `revision` is the forecast minus `previous`. `moved` is the forecast minus the no-change baseline, which for a
        month is the mean of its days so far and the last price, not the last price itself.

    Raises:
        ReportError: When a column is missing or the forecasts were made at another publication.
    """
    _check(market, forecasts)
    frame = forecasts.assign(previous=np.nan)
    if previous is not None and not previous.empty:
        keys = ["series", "task", "target"]
        earlier = previous.drop_duplicates(keys).set_index(keys)["forecast"]
        frame["previous"] = earlier.reindex(pd.MultiIndex.from_frame(frame[keys])).to_numpy(dtype=float)
    frame["revision"] = frame["forecast"] - frame["previous"]
    for name, texts in (("level", LEVEL_TEXTS), ("milk", MILK_TEXTS), ("channel", CHANNEL_TEXTS), ("task", TASK_TEXTS)):
        frame[f"{name}_code"] = frame[name]
        frame[name] = frame[name].map(texts)
    for name in ("state", "city"):
        frame[name] = frame[name].map(lambda word: NATIONAL_TEXTS.get(word, word))
    labels = {market_codes: market_label(*market_codes) for market_codes in MARKETS}
    codes = list(zip(frame["milk_code"], frame["channel_code"], strict=True))
    frame["segment"] = [labels[market_codes] for market_codes in codes]
    frame["order"] = [MARKETS.index(market_codes) for market_codes in codes]
    frame["moved"] = frame["forecast"] - frame["no_change"]
    return frame


def _check(market: MarketPrices, forecasts: pd.DataFrame) -> None:
    missing = [name for name in column_names(_INPUT_COLUMNS) if name not in forecasts]
    if missing:
        raise ReportError(f"Forecasts: expected the columns {missing} too, found {list(forecasts.columns)}.")
    origins = sorted(pd.Timestamp(origin) for origin in forecasts["origin"].unique())
    if origins and origins != [market.publication]:
        raise ReportError(
            f"Report of {market.publication.date()}: expected forecasts made at that publication, "
            f"found origins {[str(origin.date()) for origin in origins]}. Run the forecast of that publication first."
        )


def empty_frame(columns: tuple[Column, ...]) -> pd.DataFrame:
    """Return a frame of those columns without rows."""
    return pd.DataFrame(columns=column_names(columns))
