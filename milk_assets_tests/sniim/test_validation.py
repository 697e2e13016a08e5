"""Validation: each check passes on a good workbook and fails on a workbook that breaks it."""

import subprocess
import sys
from datetime import date

import pytest

from milk_assets.sniim import validation
from milk_assets.sniim.check_catalogue import PRICE_CHECKS, price_check
from milk_assets.sniim.validation import validate
from milk_assets.sniim.workbook import WorkbookError, read_workbook

NEWEST = date(2025, 3, 28)
CHECK_NAMES = [check.name for check in PRICE_CHECKS]


def read_draft(draft):
    return read_workbook(draft.content(), "Leche28032025.xlsx")


def test_the_real_workbook_is_proven(real_workbook):
    book = read_workbook(real_workbook)
    checked = validate(book, date(2025, 3, 31), previous=book.prices)
    assert [result.name for result in checked.results] == CHECK_NAMES
    assert all(result.passed for result in checked.results)
    assert checked["control_totals_match"].figure == 736
    assert book.controls["difference"].max() < 1e-12
    assert checked["active_series_are_still_priced"].message.endswith("185 of 185 active series have a price")
    checked.raise_if_blocking()


def test_a_good_workbook_passes_every_check(draft):
    checked = validate(read_draft(draft), NEWEST)
    assert [result.name for result in checked.results if not result.passed] == []


def test_a_price_in_the_wrong_column_is_rejected_by_its_control_total(draft):
    draft.swap_columns(2, 3, range(6, 7))  # Mexicali, Pasteurizada
    checked = validate(read_draft(draft), NEWEST)
    assert [result.name for result in checked.failures] == ["control_totals_match"]
    assert checked["control_totals_match"].figure == 6
    message = (
        r"^Leche28032025\.xlsx, block of 2025-03-28: "
        r"Pasteurizada/Tiendas averages 27\.06, its cities average 26\.53 \(4 with a price\); "
    )
    with pytest.raises(WorkbookError, match=message):
        checked.raise_if_blocking()


@pytest.mark.parametrize(("off", "passed"), [(0.004, True), (0.006, False)])
def test_a_control_total_may_differ_by_half_a_cent_at_most(draft, off, passed):
    draft.rows[10][2] += off
    assert validate(read_draft(draft))["control_totals_match"].passed is passed


def test_a_column_without_its_average_is_rejected(draft):
    draft.rows[10][4] = None
    with pytest.raises(WorkbookError, match=r"Ultrapasteurizada/Tiendas averages nothing, its cities average 29\.47"):
        validate(read_draft(draft)).raise_if_blocking()


def test_a_missing_city_is_rejected_by_its_control_total(draft):
    del draft.rows[9]
    assert not validate(read_draft(draft))["control_totals_match"].passed


def test_a_city_written_twice_is_rejected_even_when_the_averages_match(draft):
    draft.rows.insert(9, ["Sonora", "San Luis Río Colorado ", None, None, None, None])
    checked = validate(read_draft(draft))
    assert [result.name for result in checked.failures] == ["there_are_no_duplicates"]
    assert checked["there_are_no_duplicates"].figure == 4


def test_a_block_written_twice_is_rejected(draft, new_block):
    draft.rows += new_block(date(2025, 3, 26))
    assert validate(read_draft(draft))["there_are_no_duplicates"].figure == 24


def test_a_file_of_another_day_is_rejected(draft):
    checked = validate(read_draft(draft), date(2025, 3, 31))
    assert [result.name for result in checked.failures] == ["newest_block_is_the_expected_date"]
    with pytest.raises(WorkbookError, match="expected the newest block to be of 2025-03-31, found 2025-03-28"):
        checked.raise_if_blocking()


def test_a_block_with_a_future_date_is_rejected(draft):
    draft.rows[15][0] = "Lunes, 26 de mayo de 2025"
    checked = validate(read_draft(draft), NEWEST)
    assert [result.name for result in checked.failures] == [
        "newest_block_is_the_expected_date",
        "no_block_is_later_than_expected",
    ]
    assert checked["no_block_is_later_than_expected"].figure == 1


def test_an_unusual_publication_day_is_a_warning(draft):
    draft.rows[15][0] = "Martes, 25 de marzo de 2025"
    checked = validate(read_draft(draft), NEWEST)
    assert [result.name for result in checked.warnings] == ["dates_are_publication_days"]
    assert "block of 2025-03-25, a Tuesday" in checked["dates_are_publication_days"].message
    checked.raise_if_blocking()


@pytest.mark.parametrize(("figure", "passed"), [(4.99, False), (5.0, True), (100.0, True), (100.1, False), (-26.15, False)])
def test_a_price_out_of_range_is_rejected(draft, figure, passed):
    draft.rows[4][2] = figure
    assert validate(read_draft(draft))["prices_are_in_range"].passed is passed


def test_a_negative_price_violates_the_schema(draft):
    draft.rows[4][2] = -26.15
    result = validate(read_draft(draft))["schema_holds"]
    assert not result.passed
    assert "prices.price" in result.message
    assert "-26.15" in result.message


def test_a_workbook_that_loses_more_than_a_tenth_of_its_series_is_rejected(draft):
    previous = read_draft(draft).prices
    for row in range(4, 10):
        draft.rows[row][4] = None
    checked = validate(read_draft(draft), NEWEST, previous=previous)
    result = checked["active_series_are_still_priced"]
    assert result.figure == pytest.approx(13 / 17)
    assert result in checked.failures
    assert "found 76.5%; missing aguascalientes/aguascalientes/uht/store" in result.message
    assert validate(read_draft(draft), NEWEST)["active_series_are_still_priced"].figure == pytest.approx(13 / 17), (
        "compared with its own second newest block"
    )


def test_one_series_without_a_price_is_accepted(draft):
    previous = read_draft(draft).prices
    draft.rows[4][2] = None
    assert validate(read_draft(draft), NEWEST, previous=previous)["active_series_are_still_priced"].figure == pytest.approx(
        16 / 17
    )


def test_a_lost_block_is_a_warning(draft):
    previous = read_draft(draft).prices
    del draft.rows[14:]
    checked = validate(read_draft(draft), NEWEST, previous=previous)
    assert [result.name for result in checked.warnings] == ["history_is_kept"]
    assert "expected the block of 2025-03-26" in checked["history_is_kept"].message


def test_an_unknown_name_is_a_warning(draft):
    draft.rows[9][1] = "Fresnillo"
    checked = validate(read_draft(draft), NEWEST)
    assert [result.name for result in checked.warnings] == ["names_are_known"]
    assert "'Fresnillo, Zacatecas'" in checked["names_are_known"].message


def test_a_workbook_with_only_headers_is_rejected(draft):
    draft.rows = draft.rows[:4]
    assert {"schema_holds"} <= {result.name for result in validate(read_draft(draft), NEWEST).failures}


def test_every_check_of_the_catalogue_is_implemented_once():
    assert sorted(validation._CHECKS) == sorted(CHECK_NAMES)
    assert len(set(CHECK_NAMES)) == len(CHECK_NAMES)


def test_a_check_that_the_catalogue_does_not_list_cannot_be_registered():
    with pytest.raises(KeyError, match="unlisted"):
        validation._check("unlisted")


def test_a_description_says_what_a_failure_means_and_what_to_do():
    assert price_check("history_is_kept").description == (
        "A failure means that the file no longer has a publication that the previous file had. "
        "The run continues: the source may have started a new file; keep the previous vintage."
    )
    assert all(" The run stops: " in check.description for check in PRICE_CHECKS if check.blocking)


def test_importing_the_catalogue_loads_no_heavy_library():
    heavy = "pandas", "pandera", "numpy"
    code = f"import sys, milk_assets.sniim.check_catalogue; print([name for name in {heavy} if name in sys.modules])"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
