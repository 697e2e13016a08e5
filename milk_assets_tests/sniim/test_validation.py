"""The proof: each judgement passes on a good workbook and fails on one that breaks it."""

from datetime import date

import pytest

from milk_assets.sniim.validation import prove
from milk_assets.sniim.workbook import WorkbookError, read_workbook

NEWEST = date(2025, 3, 28)
OUTCOMES = (
    "schema_holds",
    "there_are_no_duplicates",
    "control_totals_match",
    "newest_block_is_the_expected_date",
    "no_block_is_later_than_expected",
    "prices_are_in_range",
    "active_series_are_still_priced",
    "history_is_kept",
    "dates_are_publication_days",
    "names_are_known",
)


def read(draft):
    return read_workbook(draft.content(), "Leche28032025.xlsx")


def test_the_real_workbook_is_proven(real_workbook):
    book = read_workbook(real_workbook)
    proof = prove(book, date(2025, 3, 31), previous=book.prices)
    assert tuple(outcome.name for outcome in proof.outcomes) == OUTCOMES
    assert all(outcome.passed for outcome in proof.outcomes)
    assert proof["control_totals_match"].figure == 736
    assert book.controls["difference"].max() < 1e-12
    assert proof["active_series_are_still_priced"].message.endswith("185 of 185 active series have a price")
    proof.raise_if_blocking()


def test_a_good_workbook_passes_every_outcome(draft):
    proof = prove(read(draft), NEWEST)
    assert [outcome.name for outcome in proof.outcomes if not outcome.passed] == []


def test_a_price_in_the_wrong_column_is_refused_by_its_control_total(draft):
    draft.swap_columns(2, 3, range(6, 7))  # Mexicali, Pasteurizada
    proof = prove(read(draft), NEWEST)
    assert [outcome.name for outcome in proof.failures] == ["control_totals_match"]
    assert proof["control_totals_match"].figure == 6
    message = (
        r"^Leche28032025\.xlsx, block of 2025-03-28: Pasteurizada/Tiendas averages 27\.06, its cities 26\.53 \(4 with a price\); "
    )
    with pytest.raises(WorkbookError, match=message):
        proof.raise_if_blocking()


@pytest.mark.parametrize(("off", "passed"), [(0.004, True), (0.006, False)])
def test_a_control_total_is_held_to_half_a_cent(draft, off, passed):
    draft.rows[10][2] += off
    assert prove(read(draft)).outcomes[2].passed is passed


def test_a_column_without_its_average_is_refused(draft):
    draft.rows[10][4] = None
    with pytest.raises(WorkbookError, match=r"Ultrapasteurizada/Tiendas averages nothing, its cities 29\.47"):
        prove(read(draft)).raise_if_blocking()


def test_a_city_left_out_is_refused_by_its_control_total(draft):
    del draft.rows[9]
    assert not prove(read(draft))["control_totals_match"].passed


def test_a_city_written_twice_is_refused_even_when_the_averages_agree(draft):
    draft.rows.insert(9, ["Sonora", "San Luis Río Colorado ", None, None, None, None])
    proof = prove(read(draft))
    assert [outcome.name for outcome in proof.failures] == ["there_are_no_duplicates"]
    assert proof["there_are_no_duplicates"].figure == 4


def test_a_block_written_twice_is_refused(draft, new_block):
    draft.rows += new_block(date(2025, 3, 26))
    assert prove(read(draft))["there_are_no_duplicates"].figure == 24


def test_a_file_of_another_day_is_refused(draft):
    proof = prove(read(draft), date(2025, 3, 31))
    assert [outcome.name for outcome in proof.failures] == ["newest_block_is_the_expected_date"]
    with pytest.raises(WorkbookError, match="expected the newest block to be of 2025-03-31, found 2025-03-28"):
        proof.raise_if_blocking()


def test_a_block_of_the_future_is_refused(draft):
    draft.rows[15][0] = "Lunes, 26 de mayo de 2025"
    proof = prove(read(draft), NEWEST)
    assert [outcome.name for outcome in proof.failures] == [
        "newest_block_is_the_expected_date",
        "no_block_is_later_than_expected",
    ]
    assert proof["no_block_is_later_than_expected"].figure == 1


def test_an_off_day_is_a_warning(draft):
    draft.rows[15][0] = "Martes, 25 de marzo de 2025"
    proof = prove(read(draft), NEWEST)
    assert [outcome.name for outcome in proof.warnings] == ["dates_are_publication_days"]
    assert "block of 2025-03-25, a Tuesday" in proof["dates_are_publication_days"].message
    proof.raise_if_blocking()


@pytest.mark.parametrize(("figure", "passed"), [(4.99, False), (5.0, True), (100.0, True), (100.1, False), (-26.15, False)])
def test_a_price_out_of_range_is_refused(draft, figure, passed):
    draft.rows[4][2] = figure
    assert prove(read(draft))["prices_are_in_range"].passed is passed


def test_a_price_below_nothing_breaks_the_schema(draft):
    draft.rows[4][2] = -26.15
    outcome = prove(read(draft))["schema_holds"]
    assert not outcome.passed
    assert "prices.price" in outcome.message
    assert "-26.15" in outcome.message


def test_a_workbook_that_loses_a_tenth_of_its_series_is_refused(draft):
    before = read(draft).prices
    for row in range(4, 10):
        draft.rows[row][4] = None
    proof = prove(read(draft), NEWEST, previous=before)
    outcome = proof["active_series_are_still_priced"]
    assert outcome.figure == pytest.approx(13 / 17)
    assert outcome in proof.failures
    assert "found 76.5%; missing aguascalientes/aguascalientes/uht/store" in outcome.message
    assert prove(read(draft), NEWEST)["active_series_are_still_priced"].figure == pytest.approx(13 / 17), (
        "against its own block before"
    )


def test_one_series_without_a_price_is_no_loss(draft):
    before = read(draft).prices
    draft.rows[4][2] = None
    assert prove(read(draft), NEWEST, previous=before)["active_series_are_still_priced"].figure == pytest.approx(16 / 17)


def test_a_lost_block_is_a_warning(draft):
    before = read(draft).prices
    del draft.rows[14:]
    proof = prove(read(draft), NEWEST, previous=before)
    assert [outcome.name for outcome in proof.warnings] == ["history_is_kept"]
    assert "expected the block of 2025-03-26" in proof["history_is_kept"].message


def test_an_unknown_name_is_a_warning(draft):
    draft.rows[9][1] = "Fresnillo"
    proof = prove(read(draft), NEWEST)
    assert [outcome.name for outcome in proof.warnings] == ["names_are_known"]
    assert "'Fresnillo, Zacatecas'" in proof["names_are_known"].message


def test_a_workbook_with_headers_alone_is_refused(draft):
    draft.rows = draft.rows[:4]
    assert {"schema_holds"} <= {outcome.name for outcome in prove(read(draft), NEWEST).failures}
