"""Model: the public face of forecasting, with `fit`, `predict`, `save` and `load`.

Belongs here: what a model is to the rest of the platform. Not here: how it is fitted, see `training`; scoring, see `milk_model.forecaster`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from milk_assets.forecasting.hyperparameters import Hyperparameters
from milk_assets.forecasting.panel import Panel
from milk_assets.forecasting.training.baseline_fitting import fit_baseline_files
from milk_assets.forecasting.training.fitting import fit_model_files
from milk_assets.sniim.calendar import expected_between, expected_publications, months_ahead
from milk_model.bundle import BundleError
from milk_model.forecaster import MODEL_FILE, Forecaster
from milk_model.targets import MONTH_LEADS, PUBLICATION_LEADS, Dates

if TYPE_CHECKING:
    import pandas as pd

FORECAST_COLUMNS = [
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
    "last_date",
    "no_change",
    "forecast",
    "lo80",
    "hi80",
    "lo95",
    "hi95",
    "p_up",
    "p_same",
    "p_down",
    "trust",
]


@dataclass(frozen=True)
class Model:
    """A fitted model, or the no-change baseline.

    A model is its files. Every forecast is made from them, so batch and online forecasts cannot differ.

    Attributes:
        files: Content by name, as stored in a bundle.
    """

    files: Mapping[str, bytes]

    @classmethod
    def fit(cls, panel: Panel, hyperparameters: Hyperparameters, workers: int = 2) -> Model:
        """Fit a model on everything in the panel.

        Args:
            panel: Prices as known at the origin.
            hyperparameters: How to fit.
            workers: Threads. The result does not depend on their number.

        Raises:
            ValueError: The panel has fewer than `fitting.MIN_PUBLICATIONS` publications.
        """
        return cls(fit_model_files(panel, hyperparameters, workers))

    @classmethod
    def fit_baseline(cls, panel: Panel) -> Model:
        """The no-change baseline: the last price, with the intervals and chances that the panel's own past gives."""
        return cls(fit_baseline_files(panel))

    @classmethod
    def load(cls, files: Mapping[str, bytes]) -> Model:
        """Read a model from a bundle's files. Other files are ignored.

        Raises:
            BundleError: The files are not a valid model.
        """
        if MODEL_FILE not in files:
            raise BundleError(f"the bundle has no {MODEL_FILE}; it holds {sorted(files) or 'nothing'}")
        model = cls({name: content for name, content in files.items() if name == MODEL_FILE or name.endswith(".ubj")})
        model.forecaster  # noqa: B018  proven now, not at the first forecast
        return model

    def save(self) -> dict[str, bytes]:
        """The model's files by name, for a bundle."""
        return dict(self.files)

    @cached_property
    def forecaster(self) -> Forecaster:
        """The scorer of these files. Raises BundleError if they are not a valid model."""
        return Forecaster.from_files(self.files)

    @property
    def is_baseline(self) -> bool:
        """Whether this is the no-change baseline."""
        return self.forecaster.document["hyperparameters"] is None

    @property
    def hyperparameters(self) -> Hyperparameters | None:
        """The hyperparameters that the model was fitted with; None for the baseline."""
        values = self.forecaster.document["hyperparameters"]
        return None if values is None else Hyperparameters.from_dict(values)

    @property
    def trained_through(self) -> np.datetime64:
        """The newest publication the model has seen."""
        return self.forecaster.trained_through

    def predict(self, panel: Panel, expected: Dates | None = None) -> pd.DataFrame:
        """Forecasts of every active series and national average from the panel's origin.

        Args:
            panel: Prices as known at the origin.
            expected: (E,) publication dates to come; those of the calendar by default.

        Returns:
            FORECAST_COLUMNS, one row per series, task and lead; prices in MXN/l. The column `trust` is the model's weight against no
            change, `model_weight` in the code; it keeps the name that users of the published tables know.

        Raises:
            ValueError: The model was trained on dates after the origin, so it has seen the future of this forecast.
        """
        import pandas as pd

        if self.trained_through > panel.origin:
            raise ValueError(
                f"the model is trained through {self.trained_through}, after the origin {panel.origin}: fit one on data up to the origin"
            )
        dates = expected_dates(panel.origin) if expected is None else expected
        frame = pd.DataFrame(self.forecaster.forecast(panel.history(), dates))
        names = panel.names.by_key() | panel.average_names.by_key()
        parts = np.array([names[key] for key in frame["series"]], dtype=object).reshape(-1, 4)
        for index, part in enumerate(("state", "city", "milk", "channel")):
            frame[part] = parts[:, index]
        frame["origin"] = panel.origin
        for column in ("origin", "target", "last_date"):
            frame[column] = frame[column].astype("datetime64[ns]")
        return frame[FORECAST_COLUMNS]


def expected_dates(origin: np.datetime64) -> Dates:
    """Publication dates that the calendar expects after an origin, enough for every lead and to the end of the last month ahead.

    Args:
        origin: The newest publication.

    Returns:
        (E,) datetime64[D], ascending.
    """
    day: date = origin.astype("datetime64[D]").item()
    end = months_ahead(day, MONTH_LEADS[-1] + 1)
    dates = [expected_day for expected_day in expected_between(day, end) if expected_day > day]
    dates += expected_publications(end, 1)
    if len(dates) < max(PUBLICATION_LEADS):
        raise RuntimeError(
            f"the calendar expects {len(dates)} publications between {day} and {end}, "
            f"{max(PUBLICATION_LEADS)} are needed: check its closed days"
        )
    return np.array(dates, dtype="datetime64[D]")
