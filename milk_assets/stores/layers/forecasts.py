"""Forecasts: the champion's forecasts at each publication, and what they were computed from.

Belongs here: paths, tables and the document. Scoring is `milk_model.forecaster`.
"""

from typing import TYPE_CHECKING, cast

from milk_assets.stores.lake import Lake
from milk_assets.stores.layers.layer import Layer, StoredDocument

if TYPE_CHECKING:
    import pandas as pd

    from milk_assets.frames import Forecasts

LAYER = Layer("forecasts", marker="forecasts.json")
FORECASTS_TABLE = "forecasts.parquet"
EXPLANATIONS_TABLE = "explanations.parquet"


class ForecastSource(StoredDocument):
    """What a publication's forecasts were computed from.

    Attributes:
        version: Number of the champion in the model registry.
        bundle: sha256 of its bundle's manifest.
        is_baseline: Whether it is "no change".
        trained_through: Newest publication the model was fitted on, YYYY-MM-DD.
        workbook: sha256 of the workbook.
        sample: Whether the prices are generated sample data.
    """

    version: int
    bundle: str
    is_baseline: bool
    trained_through: str
    workbook: str
    sample: bool


def folder(publication: str, source: ForecastSource) -> str:
    """Folder of the tables. Another workbook or model has its own, so a reader never sees half of each."""
    return f"{LAYER.name}/{publication}/{source.workbook[:12]}-{source.bundle[:12]}"


def forecasts_path(publication: str, source: ForecastSource) -> str:
    """Path of the forecasts."""
    return f"{folder(publication, source)}/{FORECASTS_TABLE}"


def write_forecasts(
    lake: Lake, publication: str, source: ForecastSource, forecasts: "pd.DataFrame", explanations: "pd.DataFrame"
) -> None:
    """Write both tables, then the document that names them. Raises a pandera SchemaError on forecasts that cannot be right."""
    from milk_assets.frames import ForecastsFrame

    ForecastsFrame.validate(forecasts)
    lake.write_table(forecasts_path(publication, source), forecasts)
    lake.write_table(f"{folder(publication, source)}/{EXPLANATIONS_TABLE}", explanations)
    source.write(lake, LAYER.path(publication))


def read_source(lake: Lake, publication: str) -> ForecastSource:
    """What a publication's forecasts were computed from. Raises LakeError where there are none."""
    return ForecastSource.read(lake, LAYER.path(publication))


def read_forecasts(lake: Lake, publication: str) -> "Forecasts":
    """The forecasts of a publication: one row per series, task and lead."""
    return cast("Forecasts", lake.read_table(forecasts_path(publication, read_source(lake, publication))))


def source_digests(lake: Lake, publication: str) -> tuple[str, str] | None:
    """The sha256 of the workbook and of the bundle behind a publication's forecasts; None before there are any."""
    if not LAYER.has(lake, publication):
        return None
    source = read_source(lake, publication)
    return source.workbook, source.bundle
