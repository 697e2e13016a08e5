"""Reports: the daily price report in its formats, under its day and, for the newest, under `latest`.

Belongs here: paths, and publishing a day's files with the list of reports. Their content is `milk_assets.reporting`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from milk_assets.reporting.file_names import INDEX_DOCUMENT, INDEX_PAGE, PAGE
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers.layer import Layer

LAYER = Layer("price_report", marker=PAGE)
LATEST = "latest"  # next to the days: the newest report under names that never change


def latest_path(file: str = PAGE) -> str:
    """Path in the lake of a file of the newest report."""
    return LAYER.path(LATEST, file)


def newest_day(lake: Lake) -> str | None:
    """The newest day with a report, YYYY-MM-DD; `latest` is not a day."""
    return LAYER.newest(lake, until="9999")


def write_report(
    store: Lake,
    root: str,
    day: str,
    files: Mapping[str, bytes],
    *,
    is_newest: bool,
    change_index: Callable[[Any | None], Any],
    index_page: Callable[[Any], bytes],
) -> None:
    """Write the files of one report, then add it to the list of reports.

    In each folder the page is written last, because it is what readers open.

    Args:
        store: Lake or artefact store.
        root: Folder of the reports in that store.
        day: YYYY-MM-DD.
        files: Name → content; `PAGE` is one of them.
        is_newest: Whether the report is written under `latest` too.
        change_index: Takes the list of reports (None before the first) and returns it with this report.
        index_page: Takes the list and returns its page.
    """
    ordered = sorted(files.items(), key=lambda item: item[0] == PAGE)
    for folder in (day, LATEST) if is_newest else (day,):
        for name, content in ordered:
            store.write_bytes(f"{root}/{folder}/{name}", content)
    index = store.update_json(f"{root}/{INDEX_DOCUMENT}", change_index)
    store.write_bytes(f"{root}/{INDEX_PAGE}", index_page(index))
