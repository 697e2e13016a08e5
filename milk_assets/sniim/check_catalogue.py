"""Check catalogue: the name, severity and description of every check that a workbook goes through.

Belongs here: what the user interface shows before anything ran. Not here: the checks themselves, which are in `sniim.validation`.
This module imports no pandas, because the Dagster code location loads it at start.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CatalogueEntry:
    """One check of a workbook.

    Attributes:
        name: the statement that holds when the check passes, as an identifier.
        blocking: whether a failure stops the run before anything is written.
        meaning: what a failure means, as a sentence.
        remedy: what to do about a failure, as a clause without capital or full stop.
    """

    name: str
    blocking: bool
    meaning: str
    remedy: str

    @property
    def description(self) -> str:
        """The text that the user interface shows."""
        consequence = "The run stops" if self.blocking else "The run continues"
        return f"{self.meaning} {consequence}: {self.remedy}."


PRICE_CHECKS = (
    CatalogueEntry(
        "schema_holds",
        blocking=True,
        meaning="A failure means that a column of the tidy tables has another type, or values that its schema does not allow.",
        remedy="the reader and its schema disagree; compare the sheet's columns with them",
    ),
    CatalogueEntry(
        "there_are_no_duplicates",
        blocking=True,
        meaning="A failure means that a city, or a whole block, appears twice, so that a series has two prices on one date.",
        remedy="look for a city, or a whole block, that is written twice",
    ),
    CatalogueEntry(
        "control_totals_match",
        blocking=True,
        meaning="A failure means that an average in the sheet is not that of its cities: some price was misread or misprinted.",
        remedy="look for a price in another column, a missing city or a mistyped number; read the file again once it is corrected",
    ),
    CatalogueEntry(
        "newest_block_is_the_expected_date",
        blocking=True,
        meaning="A failure means that the file does not end with the publication that was requested.",
        remedy="the site may serve another day's file under this name; download it again later",
    ),
    CatalogueEntry(
        "no_block_is_later_than_expected",
        blocking=True,
        meaning="A failure means that the file has a block dated after the publication that was requested.",
        remedy="look for a mistyped day, month or year",
    ),
    CatalogueEntry(
        "prices_are_in_range",
        blocking=True,
        meaning="A failure means that a price is too low or too high for a litre of milk.",
        remedy="look for a lost decimal point or a price of another product",
    ),
    CatalogueEntry(
        "active_series_are_still_priced",
        blocking=True,
        meaning="A failure means that many series that had a price before have none now.",
        remedy="look for a column or a run of cities left blank",
    ),
    CatalogueEntry(
        "history_is_kept",
        blocking=False,
        meaning="A failure means that the file no longer has a publication that the previous file had.",
        remedy="the source may have started a new file; keep the previous vintage",
    ),
    CatalogueEntry(
        "dates_are_publication_days",
        blocking=False,
        meaning="A failure means that a block has a date on which the source does not usually publish.",
        remedy="a publication on an unusual day is used as it is; check that the date is not a typing error",
    ),
    CatalogueEntry(
        "names_are_known",
        blocking=False,
        meaning="A failure means that the sheet has a city, state or heading that the table of names does not list.",
        remedy="a new place is read as it is; add a new spelling to `milk_assets/sniim/names.py`",
    ),
)


def price_check(name: str) -> CatalogueEntry:
    """The entry with a name. Raises KeyError for a name that the catalogue does not list."""
    return {entry.name: entry for entry in PRICE_CHECKS}[name]
