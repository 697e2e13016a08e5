"""The report on the real prices: every series, every format, within its size."""

from datetime import date

import pytest

from milk_assets.reporting.formats.digest import to_digest
from milk_assets.reporting.formats.html import to_html
from milk_assets.sniim.workbook import read_workbook

LARGEST = 300_000
"""Bytes of the page: what a phone on a slow line still opens."""


@pytest.fixture(scope="module")
def report(real_workbook, whole_market):
    book = read_workbook(real_workbook)
    return whole_market(book.prices, book.averages).report()


def test_the_real_market_at_the_end_of_march_2025(report):
    frame = report.tables["glance"].frame
    assert frame["price"].round(2).tolist() == [27.50, 27.55, 29.70, 31.45, 26.97, 27.29, 28.86, 30.75]
    assert frame["change_month"].head(4).round(2).tolist() == [0.20, 0.27, 0.50, 1.35]
    assert report.headline == "La leche sube entre 20 centavos y 1.35 pesos por litro en un mes"
    assert len(report.tables["movers"].frame) == 29
    assert len(report.tables["missing"].frame) == 31
    assert len(report.tables["series"].frame) == 185 + 8


def test_the_page_of_185_series_keeps_its_size(report):
    assert len(to_html(report).encode()) <= LARGEST
    assert len(to_digest(report).splitlines()) <= 10


def test_a_day_on_which_every_price_moves_and_many_go_missing_keeps_the_size(real_workbook, whole_market):
    book = read_workbook(real_workbook)
    newest = book.prices["publication"] == book.prices["publication"].max()
    gone = newest & book.prices["state"].isin(["Sonora", "Veracruz", "Tamaulipas", "Coahuila"])
    moved = book.prices["price"].mask(newest, book.prices["price"] * 1.31).mask(gone)
    known = whole_market(book.prices.assign(price=moved, kept=book.prices["kept"].mask(gone, "blank")), book.averages)
    flags = book.prices[newest].assign(previous=20.0, reason="awaited")
    tested = known.forecasts.assign(model="7", actual=known.forecasts["last_price"])
    report = known.report(previous_forecasts=known.forecasts, flagged=flags, evaluation=tested)
    assert len(report.tables["movers"].frame) > 100
    assert len(to_html(report).encode()) <= LARGEST


def test_few_series_are_out_of_their_band_on_an_ordinary_day(report):
    assert 1 <= len(report.tables["anomalies"].frame) <= 10


def test_a_wrong_decimal_point_is_found_and_accuses_nobody_else(real_workbook, whole_market):
    book = read_workbook(real_workbook)
    wrong = (book.prices["publication"] == "2025-03-31") & (book.prices["series"] == "puebla/puebla/uht/store")
    known = whole_market(book.prices.assign(price=book.prices["price"].where(~wrong, book.prices["price"] * 10)), book.averages)
    before = set(whole_market(book.prices, book.averages).report().tables["anomalies"].frame["series"])
    after = set(known.report().tables["anomalies"].frame["series"])
    assert after - before == {"puebla/puebla/uht/store"}


def test_the_report_of_an_early_publication_stands_on_little_history(real_workbook, whole_market):
    book = read_workbook(real_workbook)
    early = book.prices[book.prices["publication"] <= "2024-01-05"]
    means = book.averages[book.averages["publication"] <= "2024-01-05"]
    days = {"day": date(2024, 1, 5), "publication": date(2024, 1, 5), "next_publication": date(2024, 1, 8)}
    report = whole_market(early, means).report(**days)
    assert "desde la publicación anterior" in report.headline
    assert report.tables["anomalies"].frame.empty
    assert to_html(report)
