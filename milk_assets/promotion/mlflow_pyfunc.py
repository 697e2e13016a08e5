"""MLflow pyfunc: a registered version as MLflow loads it, `mlflow.pyfunc.load_model("models:/milk-price@champion").predict(table)`.

Belongs here: an MLflow model from code (nothing is pickled) around `milk_model.forecaster`, and the example that its signature is inferred
from. MLflow stores this file with each version and executes it when it loads the version, so it imports nothing of `milk_assets`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc.model import (  # MLflow reads the type hints of `predict` when it stores the model
    PythonModel,
    PythonModelContext,
)

from milk_model.forecaster import Forecaster, History

# fmt: off
FORECAST_COLUMNS = [
    "series", "task", "lead", "target", "last_price", "no_change", "forecast",
    "lo80", "hi80", "lo95", "hi95", "p_up", "p_same", "p_down",
]
# fmt: on


class MilkPrice(PythonModel):
    """Forecasts from a table of prices: publication (date), series (key), price (MXN per litre, null where none was published).

    Dates after the newest one with a price are the expected publications; they must reach beyond the sixth month ahead.
    """

    def load_context(self, context: PythonModelContext) -> None:
        """Read the bundle and check its golden rows."""
        folder = Path(context.artifacts["bundle"])
        self.forecaster = Forecaster.from_files({file.name: file.read_bytes() for file in folder.iterdir()})

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """One row per series, task and lead. Raises ValueError as `Forecaster.forecast` does."""
        return forecast_table(self.forecaster, model_input)


def forecast_table(forecaster: Forecaster, table: pd.DataFrame) -> pd.DataFrame:
    """Forecasts from a table of prices in the form that `MilkPrice` describes: one row per series, task and lead."""
    grid = table.assign(publication=pd.to_datetime(table.publication)).pivot(
        index="publication", columns="series", values="price"
    )
    dates = grid.index.to_numpy().astype("datetime64[D]")
    published = int(np.flatnonzero(grid.notna().any(axis=1).to_numpy())[-1]) + 1  # number of dates up to the newest with a price
    prices = grid.to_numpy(dtype=float)[:published]
    history = History(dates[:published], tuple(map(str, grid.columns)), prices)
    forecasts = forecaster.forecast(history, dates[published:])
    table_of_forecasts = pd.DataFrame({name: forecasts[name] for name in FORECAST_COLUMNS})
    return table_of_forecasts.astype({"target": "datetime64[ns]"})


def example(files: Mapping[str, bytes]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A small generated input, always the same, and the bundle's forecasts from it.

    The input has two series over a year and the expected dates of nine months.
    """
    dates = pd.bdate_range("2024-01-01", "2025-09-30", freq="C", weekmask="Mon Wed Fri")
    is_published = np.asarray(dates.year) < 2025
    series = {"jalisco/guadalajara/uht/store": 30.0, "yucatan/merida/pasteurised/supermarket": 27.0}
    table = pd.concat(
        pd.DataFrame(
            {
                "publication": dates,
                "series": key,
                "price": np.where(is_published, level + np.arange(len(dates)) // 20 * 0.1, np.nan),
            }
        )
        for key, level in series.items()
    )
    return table, forecast_table(Forecaster.from_files(files), table)


mlflow.models.set_model(MilkPrice())
