"""The proof: whether a workbook that was read can be believed.

Belongs here: every judgement on a whole workbook, each a named outcome. Reading it lives in `workbook`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
from pandera.errors import SchemaErrors

from milk_assets.sniim.calendar import is_publication_day
from milk_assets.sniim.names import CHANNEL_LABELS, MILK_LABELS
from milk_assets.sniim.schemas import AVERAGE_PRICES, PRICES
from milk_assets.sniim.workbook import Workbook, WorkbookError

CONTROL_TOLERANCE = 0.005  # MXN/l: half of the source's last digit; its averages hold to 4e-15 in 736 of 736 columns
LEAST_COVERAGE = 0.90  # of the series that had a price; one of 185 has been missing at most, so a tenth is a broken read
LOWEST_PRICE, HIGHEST_PRICE = 5.0, 100.0  # MXN/l: a third of the lowest price published (15.6), 2.6 times the highest (38)
_LISTED = 3  # faults spelled out in a message; the rest are counted


@dataclass(frozen=True)
class Outcome:
    """One named judgement: a figure beside what was expected of it, and whether failing it makes the workbook unusable."""

    name: str
    passed: bool
    figure: float | str
    expected: str
    message: str
    blocking: bool = True


@dataclass(frozen=True)
class Proof:
    """Every outcome of one workbook, in a fixed order."""

    workbook: str
    outcomes: tuple[Outcome, ...]

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The blocking outcomes that did not pass: none means that the workbook may be used."""
        return tuple(outcome for outcome in self.outcomes if outcome.blocking and not outcome.passed)

    @property
    def warnings(self) -> tuple[Outcome, ...]:
        """The outcomes that did not pass, and block nothing."""
        return tuple(outcome for outcome in self.outcomes if not outcome.blocking and not outcome.passed)

    def __getitem__(self, name: str) -> Outcome:
        """The outcome of a name. Raises KeyError."""
        return {outcome.name: outcome for outcome in self.outcomes}[name]

    def raise_if_blocking(self) -> None:
        """Raise WorkbookError with the message of every blocking outcome that did not pass."""
        if self.failures:
            raise WorkbookError("\n".join(outcome.message for outcome in self.failures))


def prove(book: Workbook, expected: date | None = None, previous: pd.DataFrame | None = None) -> Proof:
    """Judge a workbook; nothing is raised, see `Proof.raise_if_blocking`.

    expected: the publication date the workbook was asked for. previous: the prices frame of the previous vintage (at least
    publication, series and price); without it, coverage is counted against the book's own block before the newest.
    """
    return Proof(
        book.name,
        (
            _schema_holds(book),
            _there_are_no_duplicates(book),
            _control_totals_match(book),
            _newest_block_is_the_expected_date(book, expected),
            _no_block_is_later_than_expected(book, expected),
            _prices_are_in_range(book),
            _active_series_are_still_priced(book, previous),
            _history_is_kept(book, previous),
            _dates_are_publication_days(book),
            _names_are_known(book),
        ),
    )


def _schema_holds(book: Workbook) -> Outcome:
    faults: list[str] = []
    for schema, frame in ((PRICES, book.prices), (AVERAGE_PRICES, book.averages)):
        try:
            schema.validate(frame, lazy=True)
        except SchemaErrors as error:
            cases = error.failure_cases.drop_duplicates(["column", "check"])
            faults += [f"{schema.name}.{case.column}: {case.check}, found {case.failure_case!r}" for case in cases.itertuples()]
    if not len(book.prices):
        faults.append("prices: at least one city, found none")
    return Outcome(
        "schema_holds",
        not faults,
        len(faults),
        "0 faults",
        _message(
            book,
            faults,
            "every column is as its schema says",
            "the reader and its schema disagree: compare the sheet's columns with them",
        ),
    )


def _there_are_no_duplicates(book: Workbook) -> Outcome:
    twice = book.prices.loc[book.prices.duplicated(["publication", "series"]), ["publication", "series"]]
    faults = [f"block of {day:%Y-%m-%d}: expected {series} once, found it again" for day, series in twice.itertuples(index=False)]
    return Outcome(
        "there_are_no_duplicates",
        not faults,
        len(faults),
        "0 rows twice",
        _message(
            book, faults, "every series stands once in every block", "look for a city, or a whole block, that is written twice"
        ),
    )


def _control_totals_match(book: Workbook) -> Outcome:
    controls = book.controls
    unstated = controls["stated"].isna() & controls["computed"].isna()  # a column without any price needs no average
    off = controls[~((controls["difference"] <= CONTROL_TOLERANCE) | unstated)]
    faults = [
        f"block of {row.publication:%Y-%m-%d}: {MILK_LABELS[str(row.milk)]}/{CHANNEL_LABELS[str(row.channel)]} "
        f"averages {_money(row.stated)}, its cities {_money(row.computed)} ({row.cities} with a price)"
        for row in off.itertuples()
    ]
    return Outcome(
        "control_totals_match",
        not faults,
        len(controls) - len(off),
        f"{len(controls)} within {CONTROL_TOLERANCE} MXN/l",
        _message(
            book,
            faults,
            f"{len(controls)} of {len(controls)} column averages match their cities",
            "look for a price in another column, a city left out or a mistyped figure; read the file again once it is corrected",
        ),
    )


def _newest_block_is_the_expected_date(book: Workbook, expected: date | None) -> Outcome:
    if expected is None:
        return Outcome(
            "newest_block_is_the_expected_date", True, str(book.newest), "any date", f"{book.name}: no date was asked for"
        )
    faults = [] if book.newest == expected else [f"expected the newest block to be of {expected}, found {book.newest}"]
    return Outcome(
        "newest_block_is_the_expected_date",
        not faults,
        str(book.newest),
        str(expected),
        _message(
            book,
            faults,
            f"the newest block is of {expected}",
            "the site may serve another day's file under this name: download it again later",
        ),
    )


def _no_block_is_later_than_expected(book: Workbook, expected: date | None) -> Outcome:
    late = [day for day in book.dates if expected is not None and day > expected]
    faults = [f"expected no block after {expected}, found one of {day}" for day in late]
    return Outcome(
        "no_block_is_later_than_expected",
        not faults,
        len(late),
        "0 later blocks",
        _message(book, faults, "no block is later than expected", "look for a mistyped day, month or year"),
    )


def _prices_are_in_range(book: Workbook) -> Outcome:
    price = book.prices["price"]
    out = book.prices[price.notna() & ~price.between(LOWEST_PRICE, HIGHEST_PRICE)]
    limits = f"{LOWEST_PRICE:g} to {HIGHEST_PRICE:g} MXN/l"
    faults = [
        f"block of {row.publication:%Y-%m-%d}: expected {row.series} within {limits}, found {_money(row.price)}"
        for row in out.itertuples()
    ]
    return Outcome(
        "prices_are_in_range",
        not faults,
        len(faults),
        f"0 prices outside {limits}",
        _message(book, faults, f"every price is within {limits}", "look for a lost decimal point or a price of another product"),
    )


def _active_series_are_still_priced(book: Workbook, previous: pd.DataFrame | None) -> Outcome:
    against = book.prices[book.prices["publication"] < pd.Timestamp(book.newest)] if previous is None else previous
    active = _priced_last(against)
    priced = active & _priced_last(book.prices)
    share = len(priced) / len(active) if active else 1.0
    lost = sorted(active - priced)
    wanted = f"expected a price for at least {LEAST_COVERAGE:.0%} of {len(active)} active series"
    faults = [f"block of {book.newest}: {wanted}, found {share:.1%}; missing {_listed(lost)}"] if share < LEAST_COVERAGE else []
    return Outcome(
        "active_series_are_still_priced",
        not faults,
        share,
        f"at least {LEAST_COVERAGE:g}",
        _message(
            book,
            faults,
            f"{len(priced)} of {len(active)} active series have a price",
            "look for a column or a run of cities left blank",
        ),
    )


def _history_is_kept(book: Workbook, previous: pd.DataFrame | None) -> Outcome:
    before = set() if previous is None else set(pd.DatetimeIndex(previous["publication"].unique()).date)
    lost = sorted(before - set(book.dates))
    faults = [f"expected the block of {day}, which the previous vintage holds, found none" for day in lost]
    return Outcome(
        "history_is_kept",
        not faults,
        len(lost),
        "0 blocks lost",
        _message(
            book, faults, "every earlier block is still there", "the source may have begun a new file: keep the previous vintage"
        ),
        blocking=False,
    )


def _dates_are_publication_days(book: Workbook) -> Outcome:
    off = [day for day in book.dates if not is_publication_day(day)]
    faults = [f"block of {day}, a {day:%A}: expected a Monday, Wednesday or Friday that is no holiday" for day in off] + list(
        book.notes
    )
    return Outcome(
        "dates_are_publication_days",
        not faults,
        len(faults),
        "0 other days",
        _message(
            book,
            faults,
            "every block falls on a publication day",
            "a publication on another day is used all the same; a typing error is not one",
        ),
        blocking=False,
    )


def _names_are_known(book: Workbook) -> Outcome:
    faults = [f"expected only known places and headings, found {name!r}" for name in book.unknown_names]
    return Outcome(
        "names_are_known",
        not faults,
        len(faults),
        "0 unknown names",
        _message(
            book,
            faults,
            "every place and heading is known",
            "a new place is read as it is; a new spelling belongs in the table of names",
        ),
        blocking=False,
    )


def _priced_last(prices: pd.DataFrame) -> set[str]:
    """The series with a price at the newest publication of a prices frame."""
    newest = prices[prices["publication"] == prices["publication"].max()]
    return set(newest.loc[newest["price"].notna(), "series"])


def _message(book: Workbook, faults: list[str], fine: str, todo: str) -> str:
    return f"{book.name}: {fine}" if not faults else f"{book.name}, {_listed(faults, '; ')}; {todo}"


def _listed(items: list[str], by: str = ", ") -> str:
    more = f" and {len(items) - _LISTED} more" if len(items) > _LISTED else ""
    return by.join(items[:_LISTED]) + more


def _money(price: Any) -> str:  # a number, as pandas hands out the fields of a row
    return "nothing" if pd.isna(price) else f"{price:.2f}"
