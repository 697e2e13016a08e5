"""A registered version as MLflow loads it: `mlflow.pyfunc.load_model("models:/milk-price@champion").predict(table)`.

Belongs here: the model from code (nothing is pickled) around `milk_model.forecaster`, and the example that its signature is made
of. MLflow stores this file with each version and executes it on loading, so it imports nothing of the platform.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext  # MLflow reads the hints of `predict` when it stores the model

from milk_model.forecaster import Forecaster, History

_ANSWER = (
    "series",
    "task",
    "lead",
    "target",
    "last_price",
    "no_change",
    "forecast",
    "lo80",
    "hi80",
    "lo95",
    "hi95",
    "p_up",
    "p_same",
    "p_down",
)


class MilkPrice(PythonModel):
    """Forecasts from a table of prices: publication (date), series (key), price (MXN per litre, null where none was published).

    Dates after the newest one that has a price are the publications to come; they must reach beyond the sixth month ahead.
    """

    def load_context(self, context: PythonModelContext) -> None:
        """Read and prove the bundle."""
        folder = Path(context.artifacts["bundle"])
        self.forecaster = Forecaster.from_files({file.name: file.read_bytes() for file in folder.iterdir()})

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """One row a series, task and lead. Raises ValueError as `Forecaster.forecast` does."""
        return answer(self.forecaster, model_input)


def answer(forecaster: Forecaster, table: pd.DataFrame) -> pd.DataFrame:
    """Forecasts from a table of prices, as `MilkPrice` describes it."""
    grid = table.assign(publication=pd.to_datetime(table.publication)).pivot(
        index="publication", columns="series", values="price"
    )
    dates = grid.index.to_numpy().astype("datetime64[D]")
    known = int(np.flatnonzero(grid.notna().any(axis=1).to_numpy())[-1]) + 1
    prices = grid.to_numpy(dtype=float)[:known]
    history = History(dates[:known], tuple(map(str, grid.columns)), prices)
    found = pd.DataFrame(
        {name: values for name, values in forecaster.forecast(history, dates[known:]).items() if name in _ANSWER}
    )
    return found.astype({"target": "datetime64[ns]"})[list(_ANSWER)]


def example(files: Mapping[str, bytes]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A small input and the bundle's answer to it: two series over a year, and the dates to come. Made up, and the same each time."""
    dates = pd.bdate_range("2024-01-01", "2025-09-30", freq="C", weekmask="Mon Wed Fri")
    known = np.asarray(dates.year) < 2025
    series = {"jalisco/guadalajara/uht/store": 30.0, "yucatan/merida/pasteurised/supermarket": 27.0}
    table = pd.concat(
        pd.DataFrame(
            {"publication": dates, "series": key, "price": np.where(known, level + np.arange(len(dates)) // 20 * 0.1, np.nan)}
        )
        for key, level in series.items()
    )
    return table, answer(Forecaster.from_files(files), table)


mlflow.models.set_model(MilkPrice())
