"""Archive: the list of past reports, one entry per day, as JSON and as a page.

Belongs here: the document and its page. Not here: where they are stored (`milk_assets.stores.layers.reports`).
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from milk_assets.presentation.jinja_pages import page_template
from milk_assets.reporting.file_names import DOWNLOADS, PAGE
from milk_assets.reporting.formats.html import TEMPLATES_PACKAGE
from milk_assets.reporting.model.report import Report
from milk_assets.reporting.text.formatting import as_day, plain_date


class ArchiveEntry(BaseModel):
    """One report of the list. Dates are YYYY-MM-DD; `files` are names in the folder of the day."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    day: str
    publication: str
    headline: str
    headline_en: str = ""
    banners: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class Archive(BaseModel):
    """The list of reports, newest day first."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    schema_version: int = Field(default=1, alias="schema")
    reports: tuple[ArchiveEntry, ...] = ()

    def with_entry(self, entry: ArchiveEntry) -> "Archive":
        """Return the list with an entry added, or replaced when its day already has one."""
        entries = {other.day: other for other in self.reports} | {entry.day: entry}
        newest_first = sorted(entries.values(), key=lambda other: other.day, reverse=True)
        return self.model_copy(update={"reports": tuple(newest_first)})


def entry(report: Report) -> dict[str, Any]:
    """Return the entry of one report: an `ArchiveEntry` as JSON values."""
    return ArchiveEntry(
        day=report.day.isoformat(),
        publication=report.publication.isoformat(),
        headline=str(report.headline),
        headline_en=report.headline.en,
        banners=tuple(str(banner) for banner in report.banners),
        files=(PAGE, *DOWNLOADS.values()),
    ).model_dump(mode="json")


def with_entry(document: Mapping[str, Any] | None, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Add one report to the stored list.

    Args:
        document: The list as JSON values; None before the first report.
        entry: The entry of the report. It replaces an entry of the same day.

    Returns:
        The new list as JSON values.

    Raises:
        pydantic.ValidationError: When the document or the entry lacks a key.
    """
    archive = Archive() if document is None else Archive.model_validate(document)
    return archive.with_entry(ArchiveEntry.model_validate(entry)).model_dump(mode="json", by_alias=True)


def to_page(document: Mapping[str, Any]) -> str:
    """Print the list as a self-contained page that links each day to its folder. Every outside word is escaped."""
    reports = Archive.model_validate(document).reports
    rows = [(report, plain_date(as_day(report.day)), plain_date(as_day(report.publication))) for report in reports]
    return page_template(TEMPLATES_PACKAGE, "index.html.j2").render(rows=rows, files=DOWNLOADS)
