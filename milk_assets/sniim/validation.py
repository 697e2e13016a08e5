"""Validation: whether a workbook that was read can be trusted.

Belongs here: the checks of a whole workbook and their results. Not here: names and descriptions of the checks (`sniim.check_catalogue`),
reading cells (`sniim.workbook`), rules of one column (`sniim.schemas`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
from pandera.errors import SchemaErrors

from milk_assets.sniim.calendar import is_publication_day
from milk_assets.sniim.check_catalogue import PRICE_CHECKS, CatalogueEntry, price_check
from milk_assets.sniim.names import CHANNEL_LABELS, MILK_LABELS
from milk_assets.sniim.schemas import AveragesFrame, PricesFrame
from milk_assets.sniim.workbook import Workbook, WorkbookError

CONTROL_TOLERANCE = 0.005  # MXN/l: half of the source's last digit; its averages are exact to 4e-15 in 736 of 736 columns
MINIMUM_PRICED_SHARE = 0.90  # of the active series; at most 1 of 185 has been missing, so a tenth means a misread file
LOWEST_PRICE, HIGHEST_PRICE = 5.0, 100.0  # MXN/l: a third of the lowest price published (15.6), 2.6 times the highest (38)
_FAULTS_LISTED = 3  # in a message; the others are counted


@dataclass(frozen=True)
class CheckResult:
    """The result of one check.

    Attributes:
        name: the check's name in `check_catalogue`.
        passed: whether the workbook satisfies it.
        figure: the measured value.
        expected: the values that pass, as text.
        message: what was found where, and what to do about it.
        blocking: whether a failure makes the workbook unusable.
    """

    name: str
    passed: bool
    figure: float | str
    expected: str
    message: str
    blocking: bool


@dataclass(frozen=True)
class Validation:
    """The results of every check of one workbook, in the order of the catalogue."""

    workbook: str
    results: tuple[CheckResult, ...]

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        """The blocking checks that failed; the workbook may be used when there are none."""
        return tuple(result for result in self.results if result.blocking and not result.passed)

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        """The checks that failed without making the workbook unusable."""
        return tuple(result for result in self.results if not result.blocking and not result.passed)

    def __getitem__(self, name: str) -> CheckResult:
        """The result of a check by its name. Raises KeyError."""
        return {result.name: result for result in self.results}[name]

    def raise_if_blocking(self) -> None:
        """Raise WorkbookError with the messages of all failed blocking checks, if there are any."""
        if self.failures:
            raise WorkbookError("\n".join(result.message for result in self.failures))


@dataclass(frozen=True)
class _Inputs:
    """What the checks look at; see `validate`."""

    book: Workbook
    expected: date | None
    previous: pd.DataFrame | None


@dataclass(frozen=True)
class _Finding:
    """What a check found; the check passes when there are no faults."""

    faults: list[str]
    figure: float | str
    expected: str
    success: str  # the message when there are no faults


_Check = Callable[[_Inputs], _Finding]
_CHECKS: dict[str, _Check] = {}


def _check(name: str) -> Callable[[_Check], _Check]:
    """Register a function as the check of a name in the catalogue. Raises KeyError when the catalogue does not list it."""
    entry = price_check(name)

    def register(function: _Check) -> _Check:
        _CHECKS[entry.name] = function
        return function

    return register


def validate(book: Workbook, expected: date | None = None, previous: pd.DataFrame | None = None) -> Validation:
    """Run every check of the catalogue on a workbook.

    Args:
        book: the workbook as read.
        expected: the publication date that was requested; None accepts any.
        previous: the prices frame of the previous vintage, with at least the columns publication, series and price. Without it,
            coverage is compared with the workbook's own second newest block.

    Returns:
        One result per check. A failed check raises nothing here; see `Validation.raise_if_blocking`.
    """
    inputs = _Inputs(book, expected, previous)
    return Validation(book.name, tuple(_result(entry, inputs) for entry in PRICE_CHECKS))


def _result(entry: CatalogueEntry, inputs: _Inputs) -> CheckResult:
    finding = _CHECKS[entry.name](inputs)
    passed = not finding.faults
    file = inputs.book.name
    message = f"{file}: {finding.success}" if passed else f"{file}, {_listed(finding.faults, '; ')}; {entry.remedy}"
    return CheckResult(entry.name, passed, finding.figure, finding.expected, message, entry.blocking)


@_check("schema_holds")
def _schema_holds(inputs: _Inputs) -> _Finding:
    faults: list[str] = []
    tables = (
        ("prices", PricesFrame.to_schema(), inputs.book.prices),
        ("averages", AveragesFrame.to_schema(), inputs.book.averages),
    )
    for name, schema, frame in tables:
        try:
            schema.validate(frame, lazy=True)
        except SchemaErrors as error:
            cases = error.failure_cases.drop_duplicates(["column", "check"])
            faults += [f"{name}.{case.column}: {case.check}, found {case.failure_case!r}" for case in cases.itertuples()]
    if inputs.book.prices.empty:
        faults.append("prices: expected at least one city, found none")
    return _Finding(faults, figure=len(faults), expected="0 faults", success="every column matches its schema")


@_check("there_are_no_duplicates")
def _there_are_no_duplicates(inputs: _Inputs) -> _Finding:
    prices = inputs.book.prices
    repeated = prices.loc[prices.duplicated(["publication", "series"]), ["publication", "series"]]
    faults = [
        f"block of {day:%Y-%m-%d}: expected {series} once, found it again" for day, series in repeated.itertuples(index=False)
    ]
    return _Finding(faults, figure=len(faults), expected="0 rows twice", success="every series appears once in every block")


@_check("control_totals_match")
def _control_totals_match(inputs: _Inputs) -> _Finding:
    controls = inputs.book.controls
    has_no_prices = controls["stated"].isna() & controls["computed"].isna()  # a column without prices needs no average
    mismatches = controls[~((controls["difference"] <= CONTROL_TOLERANCE) | has_no_prices)]
    faults = [
        f"block of {row.publication:%Y-%m-%d}: {MILK_LABELS[str(row.milk)]}/{CHANNEL_LABELS[str(row.channel)]} "
        f"averages {_money(row.stated)}, its cities average {_money(row.computed)} ({row.cities} with a price)"
        for row in mismatches.itertuples()
    ]
    return _Finding(
        faults,
        figure=len(controls) - len(mismatches),
        expected=f"{len(controls)} within {CONTROL_TOLERANCE} MXN/l",
        success=f"{len(controls)} of {len(controls)} column averages match their cities",
    )


@_check("newest_block_is_the_expected_date")
def _newest_block_is_the_expected_date(inputs: _Inputs) -> _Finding:
    newest, expected = inputs.book.newest, inputs.expected
    if expected is None:
        return _Finding([], figure=str(newest), expected="any date", success="no date was requested")
    faults = [] if newest == expected else [f"expected the newest block to be of {expected}, found {newest}"]
    return _Finding(faults, figure=str(newest), expected=str(expected), success=f"the newest block is of {expected}")


@_check("no_block_is_later_than_expected")
def _no_block_is_later_than_expected(inputs: _Inputs) -> _Finding:
    expected = inputs.expected
    later_days = [day for day in inputs.book.dates if expected is not None and day > expected]
    faults = [f"expected no block after {expected}, found one of {day}" for day in later_days]
    return _Finding(faults, figure=len(faults), expected="0 later blocks", success="no block is later than expected")


@_check("prices_are_in_range")
def _prices_are_in_range(inputs: _Inputs) -> _Finding:
    prices = inputs.book.prices
    out_of_range = prices[prices["price"].notna() & ~prices["price"].between(LOWEST_PRICE, HIGHEST_PRICE)]
    limits = f"{LOWEST_PRICE:g} to {HIGHEST_PRICE:g} MXN/l"
    faults = [
        f"block of {row.publication:%Y-%m-%d}: expected {row.series} within {limits}, found {_money(row.price)}"
        for row in out_of_range.itertuples()
    ]
    return _Finding(faults, figure=len(faults), expected=f"0 prices outside {limits}", success=f"every price is within {limits}")


@_check("active_series_are_still_priced")
def _active_series_are_still_priced(inputs: _Inputs) -> _Finding:
    book, reference = inputs.book, inputs.previous
    if reference is None:
        reference = book.prices[book.prices["publication"] < pd.Timestamp(book.newest)]
    active = _series_priced_at_the_end(reference)
    still_priced = active & _series_priced_at_the_end(book.prices)
    share = len(still_priced) / len(active) if active else 1.0
    faults = []
    if share < MINIMUM_PRICED_SHARE:
        minimum = f"expected a price for at least {MINIMUM_PRICED_SHARE:.0%} of {len(active)} active series"
        faults.append(f"block of {book.newest}: {minimum}, found {share:.1%}; missing {_listed(sorted(active - still_priced))}")
    return _Finding(
        faults,
        figure=share,
        expected=f"at least {MINIMUM_PRICED_SHARE:g}",
        success=f"{len(still_priced)} of {len(active)} active series have a price",
    )


@_check("history_is_kept")
def _history_is_kept(inputs: _Inputs) -> _Finding:
    previous_days: set[date] = set()
    if inputs.previous is not None:
        previous_days = set(pd.DatetimeIndex(inputs.previous["publication"].unique()).date)
    lost_days = sorted(previous_days - set(inputs.book.dates))
    faults = [f"expected the block of {day}, which the previous vintage holds, found none" for day in lost_days]
    return _Finding(faults, figure=len(faults), expected="0 blocks lost", success="every earlier block is still there")


@_check("dates_are_publication_days")
def _dates_are_publication_days(inputs: _Inputs) -> _Finding:
    unusual_days = [day for day in inputs.book.dates if not is_publication_day(day)]
    faults = [f"block of {day}, a {day:%A}: expected a Monday, Wednesday or Friday that is not a holiday" for day in unusual_days]
    faults += inputs.book.notes
    return _Finding(faults, figure=len(faults), expected="0 other days", success="every block falls on a publication day")


@_check("names_are_known")
def _names_are_known(inputs: _Inputs) -> _Finding:
    faults = [f"expected only known places and headings, found {name!r}" for name in inputs.book.unknown_names]
    return _Finding(faults, figure=len(faults), expected="0 unknown names", success="every place and heading is known")


def _series_priced_at_the_end(prices: pd.DataFrame) -> set[str]:
    """The series with a price at the newest publication of a prices frame."""
    newest = prices[prices["publication"] == prices["publication"].max()]
    return set(newest.loc[newest["price"].notna(), "series"])


def _listed(items: list[str], separator: str = ", ") -> str:
    more = f" and {len(items) - _FAULTS_LISTED} more" if len(items) > _FAULTS_LISTED else ""
    return separator.join(items[:_FAULTS_LISTED]) + more


def _money(price: Any) -> str:  # Any: pandas does not type the fields of a row
    return "nothing" if pd.isna(price) else f"{price:.2f}"
