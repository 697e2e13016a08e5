"""The model: a fitted recipe, or the baseline, ready to forecast and to be stored.

Belongs here: what a model is to the rest of the platform. How it is fitted stands in `fitting`; scoring in
`milk_model.forecaster`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from milk_assets.forecasting.hyperparameters import Recipe
from milk_assets.forecasting.panel import Panel
from milk_assets.sniim.calendar import expected_between, expected_publications, months_ahead
from milk_model.bundle import BundleError
from milk_model.forecaster import MODEL, Forecaster
from milk_model.targets import LEADS, MONTHS, Dates

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *(
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
    ),
    *("forecast", "lo80", "hi80", "lo95", "hi95", "p_up", "p_same", "p_down", "trust"),
)


@dataclass(frozen=True)
class Model:
    """A model's files, as they go into a bundle.

    Everything it forecasts comes from them, so that batch and online cannot differ.
    """

    files: Mapping[str, bytes]

    @cached_property
    def forecaster(self) -> Forecaster:
        """The scorer of these files. Raises BundleError when they are not a proven model."""
        return Forecaster.from_files(self.files)

    @property
    def is_baseline(self) -> bool:
        """Whether this is "no change"."""
        return self.forecaster.document["recipe"] is None

    @property
    def recipe(self) -> Recipe | None:
        """The recipe the model was fitted by; None for the baseline."""
        values = self.forecaster.document["recipe"]
        return None if values is None else Recipe.from_dict(values)

    @property
    def trained_through(self) -> np.datetime64:
        """The last publication the model has seen."""
        return self.forecaster.trained_through

    def forecast(self, panel: Panel, expected: Dates | None = None) -> pd.DataFrame:
        """Forecasts of every active series and national average from the panel's origin, in COLUMNS.

        expected: publication dates to come; the calendar's when not given. Raises ValueError when the model was trained on later
        dates: such a forecast would know its own future.
        """
        import pandas as pd

        if self.trained_through > panel.origin:
            raise ValueError(
                f"the model is trained through {self.trained_through}, after the origin {panel.origin}: fit one as known then"
            )
        dates = expected_dates(panel.origin) if expected is None else expected
        columns = self.forecaster.forecast(panel.history(), dates)
        frame = pd.DataFrame(columns)
        names = panel.names.by_key() | panel.average_names.by_key()
        parts = np.array([names[key] for key in frame["series"]], dtype=object).reshape(-1, 4)
        for place, part in enumerate(("state", "city", "milk", "channel")):
            frame[part] = parts[:, place]
        frame["origin"] = panel.origin
        for column in ("origin", "target", "last_date"):
            frame[column] = frame[column].astype("datetime64[ns]")
        return frame[list(COLUMNS)]

    def to_bundle(self) -> dict[str, bytes]:
        """The model's files by name."""
        return dict(self.files)

    @staticmethod
    def from_bundle(files: Mapping[str, bytes]) -> Model:
        """The model in a bundle's files; other files are left aside. Raises BundleError when they are not a proven model."""
        if MODEL not in files:
            raise BundleError(f"the bundle has no {MODEL}; it holds {sorted(files) or 'nothing'}")
        model = Model({name: content for name, content in files.items() if name == MODEL or name.endswith(".ubj")})
        model.forecaster  # noqa: B018  proven here, not at the first forecast
        return model


def expected_dates(origin: np.datetime64) -> Dates:
    """Publication dates the calendar expects after an origin, enough for every lead and to the end of the last month ahead."""
    day: date = origin.astype("datetime64[D]").item()
    end = months_ahead(day, MONTHS[-1] + 1)
    within = expected_between(day, end)
    after = expected_publications(end, 1)
    dates = [d for d in within if d > day] + after
    if len(dates) < max(LEADS):
        raise RuntimeError(
            f"the calendar expects {len(dates)} publications until {end}, {max(LEADS)} are needed: check its closed days"
        )
    return np.array(dates, dtype="datetime64[D]")
