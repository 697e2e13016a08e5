"""A small market for the report's tests: three cities, four markets and a forecast of each series, all made by hand."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd
import pytest

from milk_assets.reporting.build_report import build_report
from milk_assets.reporting.model.report import Provenance, Report
from milk_assets.sniim.names import AVERAGES, NATIONAL, PRICE_COLUMNS, series_key

CITIES = (("Jalisco", "Guadalajara"), ("Puebla", "Puebla"), ("Sonora", "Nogales"))
SHA256 = "5f" * 32


def publications(count: int, last: str = "2025-03-31") -> pd.DatetimeIndex:
    """Return the last `count` Mondays, Wednesdays and Fridays up to a day."""
    days = pd.date_range(end=last, periods=count * 3, freq="D")
    return days[days.weekday.isin([0, 2, 4])][-count:]


def long_prices(
    table: dict[tuple[str, str, str, str], list[float]], dates: pd.DatetimeIndex, zero: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Return the prices frame of (state, city, milk, channel) -> prices. NaN is a blank cell, or a 0 for the cities in `zero`."""
    rows = [
        (day, series_key(*names), *names, price, "kept" if price == price else "zero" if names[1] in zero else "blank")
        for names, values in table.items()
        for day, price in zip(dates, values, strict=True)
    ]
    columns = ["publication", "series", "state", "city", "milk", "channel", "price", "kept"]
    return pd.DataFrame(rows, columns=columns).sort_values(["publication", "series"], ignore_index=True)


def averages_of(prices: pd.DataFrame, weighted: float = -0.5) -> pd.DataFrame:
    """Return both averages of a prices frame; the weighted one differs by `weighted` MXN from the arithmetic one."""
    means = prices.groupby(["publication", "milk", "channel"], as_index=False)["price"].mean()
    frames = [means.assign(average="arithmetic"), means.assign(average="weighted", price=means["price"] + weighted)]
    both = pd.concat(frames, ignore_index=True)
    both["series"] = [series_key(NATIONAL, AVERAGES[row.average], row.milk, row.channel) for row in both.itertuples()]
    return both[["publication", "series", "average", "milk", "channel", "price"]].sort_values(
        ["publication", "series"], ignore_index=True
    )


def forecasts_of(prices: pd.DataFrame, averages: pd.DataFrame, step: float = 0.01) -> pd.DataFrame:
    """Return a forecasts frame at the newest publication: every price rises `step` MXN per publication ahead, 13 of them per month."""
    origin = prices["publication"].max()
    known = prices.dropna(subset=["price"]).groupby("series").last()
    items = [("city", series, row.state, row.city, row.milk, row.channel, row.price) for series, row in known.iterrows()]
    now = averages[averages["publication"] == origin]
    items += [
        ("national", row.series, NATIONAL, AVERAGES[row.average], row.milk, row.channel, row.price) for row in now.itertuples()
    ]
    days = pd.date_range(origin, periods=70, freq="D")[1:]
    days = days[days.weekday.isin([0, 2, 4])]
    leads = [("publication", lead, days[lead - 1], lead) for lead in (*range(1, 14), 26)]
    leads += [("month", lead, (origin.to_period("M") + lead).to_timestamp(), 13 * lead) for lead in range(7)]
    rows = []
    for level, series, state, city, milk, channel, last in items:
        for task, lead, target, ahead in leads:
            value, wide = last + step * ahead, 0.1 + 0.02 * ahead
            bounds = (value - wide, value + wide, value - 2 * wide, value + 2 * wide)
            row = (origin, level, series, state, city, milk, channel, task, lead, target, last, origin, last, value, *bounds)
            rows.append((*row, 0.25, 0.6, 0.15, 0.5))
    columns = "origin level series state city milk channel task lead target last_price last_date no_change forecast"
    return pd.DataFrame(rows, columns=[*columns.split(), "lo80", "hi80", "lo95", "hi95", "p_up", "p_same", "p_down", "trust"])


@dataclass(frozen=True)
class ReportInputs:
    """The inputs of a report; `report` builds it, with any of them replaced."""

    prices: pd.DataFrame
    averages: pd.DataFrame
    forecasts: pd.DataFrame
    provenance: Provenance

    def report(self, **replaced: object) -> Report:
        frames = {"prices": self.prices, "averages": self.averages, "forecasts": self.forecasts, "provenance": self.provenance}
        days = {"day": date(2025, 4, 1), "publication": date(2025, 3, 31), "next_publication": date(2025, 4, 2)}
        return build_report(**{**frames, **days, **replaced})  # type: ignore[arg-type]  # any argument may be replaced

    def provenance_with(self, **replaced: object) -> Provenance:
        return replace(self.provenance, **replaced)  # type: ignore[arg-type]  # any argument may be replaced


def report_inputs(prices: pd.DataFrame, averages: pd.DataFrame) -> ReportInputs:
    covered = int(prices[prices["publication"] == prices["publication"].max()]["price"].notna().sum())
    stamp = Provenance(
        "Leche31032025.xlsx", SHA256, False, "7", "champion", False, date(2025, 3, 28), covered, covered, 0, "Fuente: SNIIM."
    )
    return ReportInputs(prices, averages, forecasts_of(prices, averages), stamp)


def unchanged_prices() -> dict[tuple[str, str, str, str], list[float]]:
    """Return forty publications of twelve series without a change: 20.00 in Guadalajara, 21.00 in Puebla, 22.00 in Nogales;
    supermarkets 0.50 more, UHT 2.00 more."""
    return {
        (state, city, milk, channel): [20.0 + index + (0.5 if channel == "supermarket" else 0) + (2 if milk == "uht" else 0)] * 40
        for index, (state, city) in enumerate(CITIES)
        for milk, channel in PRICE_COLUMNS
    }


@pytest.fixture
def table() -> dict[tuple[str, str, str, str], list[float]]:
    """The market without changes, for a test to change."""
    return unchanged_prices()


@pytest.fixture(scope="session")
def report() -> Report:
    """A report with one change: pasteurised milk in the stores of Guadalajara, from 20.00 to 20.60 in the newest publication."""
    table = unchanged_prices()
    table[("Jalisco", "Guadalajara", "pasteurised", "store")][-1] = 20.60
    prices = long_prices(table, publications(40))
    return report_inputs(prices, averages_of(prices)).report()


@pytest.fixture
def dates() -> pd.DatetimeIndex:
    return publications(40)


@pytest.fixture
def make_inputs(table) -> Callable[..., ReportInputs]:
    """Make inputs of the prices in `table`, which tests change first, or in a table of their own."""

    def inputs(own_table: dict[tuple[str, str, str, str], list[float]] = table, zero: tuple[str, ...] = ()) -> ReportInputs:
        prices = long_prices(own_table, publications(len(next(iter(own_table.values())))), zero)
        return report_inputs(prices, averages_of(prices))

    return inputs


@pytest.fixture(scope="session")
def make_inputs_of() -> Callable[..., ReportInputs]:
    """Make inputs of the prices and averages that a test has."""
    return report_inputs
