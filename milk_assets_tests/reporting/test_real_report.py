"""The report on the real prices: every series, every format, within its size."""

from datetime import date

import pytest

from milk_assets.reporting.formats.digest import to_digest
from milk_assets.reporting.formats.html import to_html
from milk_assets.sniim.workbook import read_workbook

LARGEST_PAGE = 300_000
"""Bytes of the page: as much as a phone on a slow connection can open."""


@pytest.fixture(scope="module")
def report(real_workbook, make_inputs_of):
    book = read_workbook(real_workbook)
    return make_inputs_of(book.prices, book.averages).report()


def test_the_real_market_at_the_end_of_march_2025(report):
    frame = report.tables["glance"].frame
    assert frame["price"].round(2).tolist() == [27.50, 27.55, 29.70, 31.45, 26.97, 27.29, 28.86, 30.75]
    assert frame["change_month"].head(4).round(2).tolist() == [0.20, 0.27, 0.50, 1.35]
    assert report.headline == "La leche sube entre 20 centavos y 1.35 pesos por litro en un mes"
    assert len(report.tables["movers"].frame) == 29
    assert len(report.tables["missing"].frame) == 31
    assert len(report.tables["series"].frame) == 185 + 8


def test_the_page_of_185_series_is_within_its_size(report):
    assert len(to_html(report).encode()) <= LARGEST_PAGE
    assert len(to_digest(report).splitlines()) <= 10


def test_the_page_is_within_its_size_when_every_price_changes_and_many_are_missing(real_workbook, make_inputs_of):
    book = read_workbook(real_workbook)
    newest = book.prices["publication"] == book.prices["publication"].max()
    gone = newest & book.prices["state"].isin(["Sonora", "Veracruz", "Tamaulipas", "Coahuila"])
    moved = book.prices["price"].mask(newest, book.prices["price"] * 1.31).mask(gone)
    inputs = make_inputs_of(book.prices.assign(price=moved, kept=book.prices["kept"].mask(gone, "blank")), book.averages)
    flags = book.prices[newest].assign(previous=20.0, reason="awaited")
    tested = inputs.forecasts.assign(model="7", actual=inputs.forecasts["last_price"])
    report = inputs.report(previous_forecasts=inputs.forecasts, flagged=flags, evaluation=tested)
    assert len(report.tables["movers"].frame) > 100
    assert len(to_html(report).encode()) <= LARGEST_PAGE


def test_few_series_are_outside_their_band_on_an_ordinary_day(report):
    assert 1 <= len(report.tables["anomalies"].frame) <= 10


def test_a_wrong_decimal_point_is_the_only_new_anomaly(real_workbook, make_inputs_of):
    book = read_workbook(real_workbook)
    wrong = (book.prices["publication"] == "2025-03-31") & (book.prices["series"] == "puebla/puebla/uht/store")
    inputs = make_inputs_of(
        book.prices.assign(price=book.prices["price"].where(~wrong, book.prices["price"] * 10)), book.averages
    )
    anomalies_before = set(make_inputs_of(book.prices, book.averages).report().tables["anomalies"].frame["series"])
    anomalies_after = set(inputs.report().tables["anomalies"].frame["series"])
    assert anomalies_after - anomalies_before == {"puebla/puebla/uht/store"}


def test_a_report_can_be_built_from_little_history(real_workbook, make_inputs_of):
    book = read_workbook(real_workbook)
    early = book.prices[book.prices["publication"] <= "2024-01-05"]
    means = book.averages[book.averages["publication"] <= "2024-01-05"]
    days = {"day": date(2024, 1, 5), "publication": date(2024, 1, 5), "next_publication": date(2024, 1, 8)}
    report = make_inputs_of(early, means).report(**days)
    assert "desde la publicación anterior" in report.headline
    assert report.tables["anomalies"].frame.empty
    assert to_html(report)
