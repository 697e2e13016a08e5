"""Samples: they look and move like the source, are reproducible, and truncating one equals generating it up to that date."""

import itertools
import zipfile
from datetime import date, datetime, time
from io import BytesIO

import numpy as np
import openpyxl
import pandas as pd
import pytest

from milk_assets.sniim.calendar import expected_between
from milk_assets.sniim.names import PLACES
from milk_assets.sniim.samples.generate import FIRST_PUBLICATION, SOURCE_NOTE, sample_prices, sample_workbook
from milk_assets.sniim.samples.truncate import CumulativeWorkbook
from milk_assets.sniim.samples.xlsx_writer import SheetContent, write_workbook
from milk_assets.sniim.validation import validate
from milk_assets.sniim.workbook import WorkbookError, read_workbook

UNTIL = date(2024, 3, 1)


@pytest.fixture(scope="module")
def content() -> bytes:
    return sample_workbook(UNTIL)


@pytest.fixture(scope="module")
def long_run() -> np.ndarray:
    """Prices of 184 publications, active series alone: publications x series, MXN/l."""
    prices = sample_prices(184).reshape(184, -1)
    prices[prices == 0] = np.nan
    return prices[:, ~np.isnan(prices).all(axis=0)]


# the workbook


def test_a_sample_passes_every_check_and_is_marked_as_a_sample(content):
    book = read_workbook(content, "Leche01032024.xlsx")
    assert [result.name for result in validate(book, UNTIL).results if not result.passed] == []
    assert book.controls["difference"].max() < 1e-12
    assert book.sample
    assert book.source_note == SOURCE_NOTE
    assert list(book.dates) == expected_between(FIRST_PUBLICATION, UNTIL)
    assert (book.prices.groupby("publication").size() == 216).all()


def test_a_sample_has_the_gaps_of_the_source(content):
    counts = read_workbook(content).prices.groupby("series")["kept"].agg(lambda kept: kept.value_counts().index[0]).value_counts()
    assert counts.to_dict() == {"kept": 185, "blank": 27, "zero": 4}


def test_a_sample_has_the_same_series_and_cells_as_the_real_workbook(real_workbook):
    real = read_workbook(real_workbook)
    day = real.newest
    content = sample_workbook(day)
    sample = read_workbook(content)
    assert set(sample.prices["series"]) == set(real.prices["series"])
    active = [set(book.prices.loc[book.prices["price"].notna(), "series"]) for book in (real, sample)]
    assert active[0] == active[1]
    lone = [book.prices[(book.prices["kept"] == "zero") & (book.prices["city"] == "Pachuca")] for book in (real, sample)]
    pd.testing.assert_frame_equal(lone[0].reset_index(drop=True), lone[1].reset_index(drop=True))
    sheets = [openpyxl.load_workbook(file, read_only=True).active for file in (real_workbook, BytesIO(content))]
    tables = [list(sheet.iter_rows(values_only=True, max_row=63, max_col=6)) for sheet in sheets]
    words = [[[cell for cell in row if isinstance(cell, str) and "Fuente" not in cell] for row in table] for table in tables]
    assert words[0] == words[1]


def test_equal_arguments_give_equal_bytes_and_another_seed_does_not(content):
    assert sample_workbook(UNTIL) == content
    assert sample_workbook(UNTIL, seed=7) != content


def test_a_price_does_not_depend_on_how_far_the_workbook_goes(content):
    longer = read_workbook(sample_workbook(date(2024, 6, 28))).prices
    same_dates = longer[longer["publication"] <= pd.Timestamp(UNTIL)].reset_index(drop=True)
    pd.testing.assert_frame_equal(same_dates, read_workbook(content).prices)


def test_other_programs_open_a_sample_with_its_merged_cells(content):
    sheet = openpyxl.load_workbook(BytesIO(content)).active
    ranges = {str(merged) for merged in sheet.merged_cells.ranges}
    assert {"C3:D3", "E3:F3", "A6:A7"} <= ranges
    assert len(ranges) == len(expected_between(FIRST_PUBLICATION, UNTIL)) * (2 + sum(len(cities) > 1 for _, cities in PLACES))
    assert sheet["A2"].value == "Viernes, 1 de marzo de 2024"


def test_a_sample_before_the_first_publication_is_rejected():
    with pytest.raises(ValueError, match="expected a publication between 2024-01-03 and 2024-01-02"):
        sample_workbook(date(2024, 1, 2))


# how prices move, compared with the source


def test_most_prices_do_not_change_and_changes_are_as_large_as_in_the_source(long_run):
    moves = np.diff(long_run, axis=0).round(4)
    moves = moves[~np.isnan(moves)]
    assert (moves == 0).mean() == pytest.approx(0.79, abs=0.03)
    sizes = np.abs(moves[moves != 0])
    assert np.quantile(sizes, [0.5, 0.9, 0.95, 0.99]) == pytest.approx([0.30, 1.00, 1.50, 2.91], rel=0.1)


def test_prices_rise_by_0_20_pesos_a_month_within_their_range(long_run):
    months = 183 / 12.35
    assert np.nanmean(long_run[-1] - long_run[0]) / months == pytest.approx(0.2, abs=0.04)
    assert np.nanmin(long_run) >= 16
    assert np.nanmax(long_run) <= 40
    assert np.nanmin(sample_prices(450)[sample_prices(450) > 0]) >= 16
    assert np.nanmax(sample_prices(450)) <= 40


def test_a_change_is_often_reverted_and_often_follows_another(long_run):
    reverted = changes = soon = soon_of = late = late_of = 0
    for series in long_run.T:
        moves = np.diff(series[~np.isnan(series)]).round(4)
        prices = series[~np.isnan(series)]
        at = np.flatnonzero(moves)
        for change, next_change in itertools.pairwise(at):
            changes += 1
            reverted += abs(prices[next_change + 1] - prices[change]) < 1e-9
        gaps = np.diff(at)
        soon, soon_of = soon + (gaps == 1).sum(), soon_of + len(gaps)
        late, late_of = late + (gaps == 10).sum(), late_of + (gaps >= 10).sum()
    assert reverted / changes == pytest.approx(0.17, abs=0.03)
    assert soon / soon_of > 3 * late / late_of


def test_uht_milk_costs_more_and_few_prices_are_missing(long_run):
    prices = sample_prices(184)
    prices[prices == 0] = np.nan
    segments = np.nanmean(prices, axis=(0, 1))
    assert segments[2] - segments[0] == pytest.approx(1.5, abs=1)
    assert segments[3] - segments[1] == pytest.approx(2.5, abs=1)
    assert 0 < np.isnan(long_run).sum() < 20


# truncating


def test_a_truncated_sample_equals_the_sample_generated_on_that_date(content):
    at = date(2024, 2, 2)
    assert CumulativeWorkbook(content).truncated_at(at) == sample_workbook(at)


def test_the_truncated_real_workbook_passes_every_check_and_keeps_its_prices_and_note(real_workbook):
    whole = read_workbook(real_workbook)
    at = date(2024, 7, 1)
    book = read_workbook(CumulativeWorkbook(real_workbook.read_bytes()).truncated_at(at))
    assert [result.name for result in validate(book, at).results if not result.passed] == []
    assert (book.newest, len(book.dates)) == (at, 73)
    then = whole.prices[whole.prices["publication"] <= pd.Timestamp(at)].reset_index(drop=True)
    pd.testing.assert_frame_equal(book.prices, then)
    assert (book.source_note, book.sample) == (whole.source_note, False)


def test_truncating_keeps_date_cells_several_sheets_and_rows_outside_blocks(draft, new_block):
    draft.rows[1][0] = None
    draft.rows[1][2] = datetime.combine(date(2025, 3, 28), time())
    draft.rows.insert(0, ["Aviso: provisional"])
    draft.extra_sheets = {"2025": new_block(date(2025, 3, 31)), "2024": new_block(date(2024, 3, 22))}
    whole = CumulativeWorkbook(draft.content())
    assert whole.dates == (date(2024, 3, 22), date(2025, 3, 26), date(2025, 3, 28), date(2025, 3, 31))
    truncated = whole.truncated_at(date(2025, 3, 28))
    book = openpyxl.load_workbook(BytesIO(truncated))
    assert book.sheetnames == ["Leche", "2024"]
    assert book["Leche"]["A1"].value == "Aviso: provisional"
    assert book["Leche"]["C3"].value == datetime.combine(date(2025, 3, 28), time())
    assert read_workbook(truncated).dates == whole.dates[:3]


def test_truncating_before_the_first_block_is_rejected(content):
    with pytest.raises(ValueError, match="expected a date from 2024-01-03 on.*found 2024-01-02"):
        CumulativeWorkbook(content).truncated_at(date(2024, 1, 2))
    with pytest.raises(WorkbookError, match="found an empty file"):
        CumulativeWorkbook(b"")


# the file format


def test_special_characters_in_text_are_kept():
    rows = [["<Fuente> & «otros» ", "", 26.15, 3, True], [], ["", " x "]]
    sheet = openpyxl.load_workbook(BytesIO(write_workbook([SheetContent('A "b" & c', rows)]))).active
    assert sheet.title == 'A "b" & c'
    assert [sheet["A1"].value, sheet["C1"].value, sheet["D1"].value, sheet["E1"].value] == ["<Fuente> & «otros» ", 26.15, 3, True]
    assert sheet["B3"].value == " x "


def test_an_archive_does_not_contain_the_current_time(content):
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_cell_of_an_unsupported_type_is_rejected_with_its_reference():
    with pytest.raises(TypeError, match="cell B1: expected text, a number, a date or a blank, found None"):
        write_workbook([SheetContent("x", [["a", None]])])
