"""Prices: the validated tables of a publication, and the vintage document that says what they were read from.

Belongs here: paths, the vintage, the tables and the panels that models read. Validation is `milk_assets.sniim.validation`.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from milk_assets.stores.lake import Lake
from milk_assets.stores.layers.layer import Layer, StoredDocument

if TYPE_CHECKING:
    import pandas as pd

    from milk_assets.forecasting.panel import Panel
    from milk_assets.sniim.schemas import Averages, Prices

LAYER = Layer("prices", marker="vintage.json")
PRICES_TABLE = "prices.parquet"
AVERAGES_TABLE = "averages.parquet"


class Vintage(StoredDocument):
    """What a publication's prices were read from: the data as known on its date.

    Attributes:
        workbook: File name at the source.
        sha256: Digest of the workbook; names the folder of the tables.
        sample: Whether the prices are generated sample data.
        source_note: The source note in the workbook, where it has one.
        publications: Number of publication dates that the workbook holds.
        coverage: Share of the active series that have a price, 0 to 1.
        failed_checks: Non-blocking checks that failed and keep a challenger from promotion; None in files of early releases.
    """

    workbook: str = ""
    sha256: str
    sample: bool = False
    source_note: str = ""
    publications: int = 0
    coverage: float | None = None
    failed_checks: list[str] | None = None


def folder(publication: str, sha256: str) -> str:
    """Folder of a vintage's tables. A corrected workbook has its own, so a failed write never mixes two vintages."""
    return f"{LAYER.name}/{publication}/{sha256[:12]}"


def prices_path(publication: str, sha256: str) -> str:
    """Path of a vintage's city prices."""
    return f"{folder(publication, sha256)}/{PRICES_TABLE}"


def write_vintage(lake: Lake, publication: str, vintage: Vintage, prices: "pd.DataFrame", averages: "pd.DataFrame") -> None:
    """Write both tables, then the vintage that names them."""
    lake.write_table(prices_path(publication, vintage.sha256), prices)
    lake.write_table(f"{folder(publication, vintage.sha256)}/{AVERAGES_TABLE}", averages)
    vintage.write(lake, LAYER.path(publication))


def read_vintage(lake: Lake, publication: str) -> Vintage:
    """The vintage of a publication. Raises LakeError where its prices were never validated."""
    return Vintage.read(lake, LAYER.path(publication))


def validated_sha256(lake: Lake, publication: str) -> str | None:
    """Digest of the workbook that a publication's prices were read from; None before there are any."""
    return read_vintage(lake, publication).sha256 if LAYER.has(lake, publication) else None


def read_prices(lake: Lake, publication: str) -> "Prices":
    """City prices, long format: every publication date as known on this one."""
    return cast("Prices", lake.read_table(prices_path(publication, read_vintage(lake, publication).sha256)))


def read_averages(lake: Lake, publication: str) -> "Averages":
    """The national averages as the source states them, long format."""
    path = f"{folder(publication, read_vintage(lake, publication).sha256)}/{AVERAGES_TABLE}"
    return cast("Averages", lake.read_table(path))


def read_panel(lake: Lake, publication: str) -> "Panel":
    """Prices and averages of a publication as the forecasting panel, dates × series."""
    from milk_assets.forecasting.panel import build_panel

    return build_panel(read_prices(lake, publication), read_averages(lake, publication))


def read_training_panel(lake: Lake, publication: str) -> "Panel":
    """The panel without price jumps that no second publication has confirmed: what a model is fitted on.

    Forecasts still start from all published prices. 20 of 21 real jumps were confirmed later; leaving them out of the forecasts too
    would cost 3 % of accuracy one publication ahead.
    """
    from milk_assets.forecasting.panel import build_panel
    from milk_assets.monitoring.detection.quarantine import quarantine

    return build_panel(quarantine(read_prices(lake, publication)).prices, read_averages(lake, publication))


def read_vintage_panels(lake: Lake, dates: Iterable[Any]) -> dict[Any, "Panel"]:
    """Panels as they were known on some dates (datetime64[D] → panel), where the lake has them."""
    stored = set(LAYER.partitions(lake))
    return {day: read_panel(lake, str(day)) for day in dates if str(day) in stored}
