"""Shadow forecasts: the challenger's forecasts at each publication, scored like the champion's and served to no one.

Belongs here: paths, the table and the document.
"""

from typing import TYPE_CHECKING, cast

from milk_assets.stores.lake import Lake
from milk_assets.stores.layers.layer import Layer, StoredDocument

if TYPE_CHECKING:
    import pandas as pd

    from milk_assets.frames import Forecasts

LAYER = Layer("shadow_forecasts", marker="shadow.json")
SHADOW_TABLE = "shadow.parquet"
PUBLICATIONS_COUNTED = 40  # three months: a trial ends within weeks, so older shadow forecasts say nothing about a contender


class ShadowSource(StoredDocument):
    """What a publication's shadow forecasts were computed from.

    Attributes:
        version: Number of the challenger in the model registry.
        bundle: sha256 of its bundle's manifest.
        contender: Identity of hyperparameters and training code; refits share it.
        publication: YYYY-MM-DD.
        workbook: sha256 of the workbook.
    """

    version: int
    bundle: str = ""
    contender: str
    publication: str = ""
    workbook: str = ""


def table_path(publication: str) -> str:
    """Path of the forecasts."""
    return LAYER.path(publication, SHADOW_TABLE)


def write_shadow_forecasts(lake: Lake, publication: str, source: ShadowSource, forecasts: "pd.DataFrame") -> None:
    """Write the table, then the document that completes it. Raises a pandera SchemaError on forecasts that cannot be right."""
    from milk_assets.frames import ForecastsFrame

    ForecastsFrame.validate(forecasts)
    lake.write_table(table_path(publication), forecasts)
    source.write(lake, LAYER.path(publication))


def read_shadow_forecasts(lake: Lake, publication: str) -> "Forecasts":
    """The challenger's forecasts of a publication: one row per series, task and lead."""
    return cast("Forecasts", lake.read_table(table_path(publication)))


def read_sources_of(lake: Lake, contender: str, until: str) -> list[ShadowSource]:
    """The shadow forecasts of one contender up to a publication, newest first."""
    keys = LAYER.partitions(lake, until=until)[-PUBLICATIONS_COUNTED:]
    sources = [ShadowSource.read(lake, LAYER.path(key)) for key in reversed(keys)]
    return [source for source in sources if source.contender == contender]
