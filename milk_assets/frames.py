"""Frames: the tables that packages exchange, as pandera types.

Belongs here: columns, types, units and what holds of every row. Signatures name these types; writers validate, so readers may rely on them.
Importing this module imports pandera and pandas: definitions import it inside functions only.
"""

from typing import Any, cast

import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import DataFrame, Series

PROBABILITY_TOLERANCE = 1e-6


class ForecastsFrame(pa.DataFrameModel):
    """Forecasts of one origin: one row per series, task and lead. Prices are MXN per litre."""

    origin: Series[pa.DateTime] = pa.Field(description="newest publication that was known")
    level: Series[str] = pa.Field(isin=["city", "national"], description="city, or national for the two averages")
    series: Series[str] = pa.Field(description="key: state/city/milk/channel")
    state: Series[str]
    city: Series[str]
    milk: Series[str]
    channel: Series[str]
    task: Series[str] = pa.Field(isin=["publication", "month"], description="publication or month")
    lead: Series[int] = pa.Field(ge=0, coerce=True, description="publications or months ahead; month 0 is the current one")
    target: Series[pa.DateTime] = pa.Field(description="expected publication date, or first day of the month")
    last_price: Series[float] = pa.Field(gt=0, description="MXN per litre: the newest price on or before the origin")
    no_change: Series[float] = pa.Field(gt=0, description="MXN per litre: the last price carried forward")
    forecast: Series[float] = pa.Field(ge=0, description="MXN per litre")
    lo80: Series[float] = pa.Field(ge=0, description="MXN per litre; lower bound of the 80 % interval")
    hi80: Series[float] = pa.Field(ge=0, description="MXN per litre; upper bound of the 80 % interval")
    lo95: Series[float] = pa.Field(ge=0, description="MXN per litre; lower bound of the 95 % interval")
    hi95: Series[float] = pa.Field(ge=0, description="MXN per litre; upper bound of the 95 % interval")
    p_up: Series[float] = pa.Field(ge=0, le=1, description="probability that the price rises")
    p_same: Series[float] = pa.Field(ge=0, le=1, description="probability that the price does not change")
    p_down: Series[float] = pa.Field(ge=0, le=1, description="probability that the price falls")

    class Config:
        """Further columns are allowed: which model made the forecasts, its weight."""

        strict = False

    @pa.dataframe_check(error="expected lo95 <= lo80 <= forecast <= hi80 <= hi95")
    def intervals_are_nested(cls, frame: pd.DataFrame) -> Series[bool]:  # noqa: N805  # pandera checks are class methods
        """Whether the intervals of a row contain each other and the forecast, to a thousandth of a centavo."""
        edges = frame[["lo95", "lo80", "forecast", "hi80", "hi95"]].to_numpy()
        return cast("Series[bool]", pd.Series((edges[:, 1:] - edges[:, :-1] >= -1e-5).all(axis=1), index=frame.index))

    @pa.dataframe_check(error="expected p_up + p_same + p_down = 1")
    def chances_add_up(cls, frame: pd.DataFrame) -> Series[bool]:  # noqa: N805  # pandera checks are class methods
        """Whether the chances of a row add up to one."""
        return cast("Series[bool]", (frame.p_up + frame.p_same + frame.p_down - 1).abs() <= PROBABILITY_TOLERANCE)


class TrackRecordFrame(ForecastsFrame):
    """Issued forecasts whose date was published: one row per role, origin, series, task and lead."""

    role: Series[str] = pa.Field(isin=["champion", "challenger"], description="champion (served) or challenger (shadow)")
    model_version: Series[str] = pa.Field(coerce=True, description="version in the model registry")
    is_baseline: Series[bool] = pa.Field(coerce=True)
    actual: Series[float] = pa.Field(gt=0, description="MXN per litre: the published price, or its mean over the month")


class BacktestFrame(ForecastsFrame):
    """Backtested forecasts with what was published: one row per model, origin, series, task and lead."""

    model: Series[str] = pa.Field(description="challenger, champion or baseline")
    actual: Series[float] = pa.Field(gt=0, description="MXN per litre: the published price, or its mean over the month")


def described_columns(frame: type[pa.DataFrameModel]) -> dict[str, str]:
    """Column → meaning and unit of a frame, for schemas that people read."""
    columns: dict[str, Any] = frame.to_schema().columns
    return {name: column.description for name, column in columns.items() if column.description}


Forecasts = DataFrame[ForecastsFrame]
TrackRecord = DataFrame[TrackRecordFrame]
Backtest = DataFrame[BacktestFrame]
