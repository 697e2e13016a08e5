"""Reading a workbook: the real one, and sheets that are rearranged or damaged in every known way."""

import zipfile
from datetime import date, datetime, time
from io import BytesIO

import pandas as pd
import pytest

from milk_assets.sniim.validation import validate
from milk_assets.sniim.workbook import Workbook, WorkbookError, read_workbook

NEWEST = pd.Timestamp("2025-03-28")


def price_of(book: Workbook, series: str, day: pd.Timestamp = NEWEST) -> float:
    rows = book.prices[(book.prices["publication"] == day) & (book.prices["series"] == series)]
    assert len(rows) == 1
    return float(rows["price"].iloc[0])


def assert_same_frames(book: Workbook, other: Workbook) -> None:
    """Assert that two workbooks have equal frames."""
    pd.testing.assert_frame_equal(book.prices, other.prices)
    pd.testing.assert_frame_equal(book.averages, other.averages)
    pd.testing.assert_frame_equal(book.controls, other.controls)


@pytest.fixture
def plain(draft) -> Workbook:
    return read_workbook(draft.content(), "Leche28032025.xlsx")


# the real workbook


def test_the_real_workbook_is_read_completely(real_workbook):
    book = read_workbook(real_workbook)
    assert book.name == "Leche31032025.xlsx"
    assert (len(book.dates), book.dates[0], book.newest) == (184, date(2024, 1, 3), date(2025, 3, 31))
    assert len(book.prices) == 184 * 216
    assert (book.prices.groupby("publication").size() == 216).all()
    assert book.prices["kept"].value_counts().to_dict() == {"kept": 34_039, "blank": 4_972, "zero": 733}
    assert book.prices.groupby("series")["price"].count().gt(0).sum() == 185
    assert len(book.averages) == 184 * 8
    assert book.unknown_names == ()
    assert book.notes == ()
    assert not book.sample
    assert book.source_note.startswith("Fuente: SNIIM, con información")


def test_prices_of_the_real_workbook_are_those_in_its_cells(real_workbook):
    book = read_workbook(real_workbook)
    assert price_of(book, "jalisco/zm-guadalajara/uht/supermarket", pd.Timestamp("2025-03-31")) == 32.9
    assert price_of(book, "chihuahua/ciudad-juarez/pasteurised/store", pd.Timestamp("2024-01-03")) == 26.8
    lone_zero = book.prices[
        (book.prices["series"] == "hidalgo/pachuca/pasteurised/supermarket") & (book.prices["kept"] == "zero")
    ]
    assert len(lone_zero) == 1


def test_the_averages_are_not_read_as_cities_of_the_last_state(real_workbook):
    book = read_workbook(real_workbook)
    assert set(book.prices.loc[book.prices["state"] == "Zacatecas", "city"]) == {"Zacatecas"}
    assert book.averages["series"].nunique() == 8
    assert "nacional/promedio-ponderado/uht/store" in set(book.averages["series"])


# the small workbook, plain and rearranged


def test_a_price_a_blank_and_a_zero_are_distinguished(plain):
    kept = plain.prices[plain.prices["publication"] == NEWEST].set_index("series")["kept"]
    assert kept["baja-california/mexicali/uht/store"] == "kept"
    assert kept["baja-california/tijuana/pasteurised/store"] == "blank"
    assert kept["sonora/san-luis-rio-colorado/uht/store"] == "zero"
    assert plain.prices.loc[plain.prices["kept"] != "kept", "price"].isna().all()


def test_prices_are_sorted_by_publication_and_series(plain):
    assert plain.prices.equals(plain.prices.sort_values(["publication", "series"], ignore_index=True))
    assert list(plain.prices.columns) == ["publication", "series", "state", "city", "milk", "channel", "price", "kept"]
    assert plain.dates == (date(2025, 3, 26), date(2025, 3, 28))


def test_swapped_columns_change_nothing(draft, plain):
    draft.swap_columns(2, 4)
    draft.swap_columns(3, 5)
    draft.swap_columns(0, 1, range(2, 12))  # Ciudad before Estado, in the newest block alone
    assert_same_frames(read_workbook(draft.content()), plain)


def test_swapped_channels_change_nothing(draft, plain):
    for start in (0, 14):
        draft.swap_columns(2, 3, range(start + 3, start + 12))
    assert_same_frames(read_workbook(draft.content()), plain)


@pytest.mark.parametrize("at", [0, 1, 2, 6])
def test_an_additional_column_changes_nothing(draft, plain, at):
    draft.insert_column(at, "Clave")
    book = read_workbook(draft.content())
    assert_same_frames(book, plain)
    assert validate(book).failures == ()


def test_a_column_of_another_milk_is_ignored_and_reported(draft, plain):
    draft.insert_column(6, "Deslactosada")
    draft.rows[3][6] = "Tiendas"
    draft.rows[5][6] = 31.5
    book = read_workbook(draft.content())
    assert_same_frames(book, plain)
    assert book.unknown_names == ("Deslactosada/Tiendas",)


def test_title_and_date_may_be_in_another_column_and_the_date_may_be_a_date_cell(draft, plain):
    draft.rows[0] = [None, *draft.rows[0][:-1]]
    draft.rows[1] = [None, datetime.combine(date(2025, 3, 28), time()), None, None, None, None]
    draft.rows[14] = [None, None, *draft.rows[14][:-2]]
    draft.rows[15] = [None, date(2025, 3, 26), None, None, None, None]
    del draft.rows[12]  # and no source note separates the blocks
    assert_same_frames(read_workbook(draft.content()), plain)


def test_the_averages_may_be_in_the_first_column(draft, plain):
    for number in (10, 11, 24, 25):
        draft.swap_columns(0, 1, range(number, number + 1))
    assert_same_frames(read_workbook(draft.content()), plain)


def test_trailing_blanks_and_other_spellings_change_nothing(draft, plain):
    draft.rows[2][2:5:2] = ["PASTEURIZADA ", "Ultrapasteurizada  "]
    draft.rows[3][3] = " autoservicio"
    draft.rows[4][1] = "AGUASCALIENTES  "
    draft.rows[7][1] = "Cd. Juarez"
    draft.rows[5][2] = "   "
    draft.rows[10][1] = "promedio aritmetico "
    draft.rows[1][0] = "VIERNES 28 DE MARZO DEL 2025 "
    assert_same_frames(read_workbook(draft.content()), plain)


def test_blocks_may_be_on_several_sheets_among_others(draft, plain, new_block):
    draft.rows, older = draft.rows[:14], draft.rows[14:]
    draft.extra_sheets = {"Notas": [["Aviso"], ["Sin datos"]], "2025": older, "Vacía": []}
    assert_same_frames(read_workbook(draft.content()), plain)


def test_a_new_city_is_read_and_reported(draft):
    draft.rows.insert(7, [None, " Ensenada ", 26.0, None, 30.0, 31.0])
    book = read_workbook(draft.content())
    assert price_of(book, "baja-california/ensenada/uht/supermarket") == 31.0
    assert book.unknown_names == ("Ensenada, Baja California",)
    assert (book.prices.groupby("publication").size() == pd.Series({pd.Timestamp("2025-03-26"): 24, NEWEST: 28})).all()


def test_a_city_missing_from_a_block_is_missing_on_that_date_only(draft):
    del draft.rows[9]
    book = read_workbook(draft.content())
    assert len(book.prices[book.prices["state"] == "Zacatecas"]) == 4


def test_a_city_under_the_averages_does_not_get_the_state_above_them(draft):
    draft.rows.insert(12, [None, "Fresnillo", 26.0, None, 30.0, 31.0])
    with pytest.raises(WorkbookError, match="cell A13: expected the state of Fresnillo"):
        read_workbook(draft.content(), "x.xlsx")


def test_the_source_note_marks_sample_data(draft):
    draft.rows[12][0] = "Fuente: datos de muestra generados, no oficiales."
    assert read_workbook(draft.content()).sample


def test_a_weekday_that_does_not_match_the_date_is_noted(draft):
    draft.rows[1][0] = "Lunes, 28 de marzo de 2025"
    assert read_workbook(draft.content()).notes == ("block of 2025-03-28: 'Lunes, 28 de marzo de 2025' is a viernes",)


# damage


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "found an empty file"),
        (b"  <!DOCTYPE html><html><body>Error</body></html>", "found a web page"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "found an old .xls or a password-protected file"),
        (b"date,price\n2025-03-31,26.1", "found something else that begins with b'date,pri'"),
        (b"PK\x03\x04" + bytes(100), "cut short or damaged"),
    ],
)
def test_bytes_that_are_not_a_workbook_are_rejected_with_what_they_are(content, kind):
    with pytest.raises(WorkbookError, match=rf"^Leche31032025\.xlsx: expected .*{kind}.*download it again"):
        read_workbook(content, "Leche31032025.xlsx")


@pytest.mark.parametrize("share", [0.3, 0.7, 0.999])
def test_a_file_that_is_cut_short_is_rejected(draft, share):
    content = draft.content()
    with pytest.raises(WorkbookError, match="cut short or damaged"):
        read_workbook(content[: int(len(content) * share)], "x.xlsx")


def test_a_workbook_with_a_damaged_sheet_is_rejected(draft):
    stream = BytesIO()
    with zipfile.ZipFile(BytesIO(draft.content())) as whole, zipfile.ZipFile(stream, "w") as broken:
        for name in whole.namelist():
            content = whole.read(name)
            broken.writestr(name, content[: len(content) // 2] if "sheet1" in name else content)
    with pytest.raises(WorkbookError, match=r"expected a readable workbook, found .*damage"):
        read_workbook(stream.getvalue(), "x.xlsx")


@pytest.mark.parametrize("cell", ["XFD3", "BA1", "A1048576"])
def test_a_cell_far_from_the_others_is_rejected_before_it_uses_all_memory(draft, cell):
    stream = BytesIO()
    with zipfile.ZipFile(BytesIO(draft.content())) as whole, zipfile.ZipFile(stream, "w") as modified:
        for name in whole.namelist():
            far_cell = f'<row r="1048576"><c r="{cell}"><v>1</v></c></row></sheetData>'.encode()
            modified.writestr(name, whole.read(name).replace(b"</sheetData>", far_cell) if "sheet1" in name else whole.read(name))
    with pytest.raises(
        WorkbookError, match=f"expected cells within A1 to AZ99999, found cell {cell} of xl/worksheets/sheet1.xml"
    ):
        read_workbook(stream.getvalue())


def test_an_archive_of_something_else_is_rejected():
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(WorkbookError, match="found an archive without one"):
        read_workbook(stream.getvalue())


def test_a_missing_file_is_rejected_with_its_path(tmp_path):
    with pytest.raises(WorkbookError, match=r"Leche01012024\.xlsx: expected a workbook at .*, found none to read"):
        read_workbook(tmp_path / "Leche01012024.xlsx")


def test_a_workbook_without_a_block_is_rejected_with_the_names_of_its_sheets(draft):
    draft.rows = [["Precio"], ["Hola"]]
    with pytest.raises(WorkbookError, match=r"found none in its sheets: Leche \(2 rows\)"):
        read_workbook(draft.content())


@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [
        (
            2,
            4,
            "Ultrapasteurisada",
            r"cell A3: expected a header with a column of Ultrapasteurizada/Tiendas and of .*Ultrapasteurisada",
        ),
        (3, 3, "Tiendas", r"cell D4: expected one column of Pasteurizada/Tiendas, already in column C, found 'Tiendas'"),
        (3, 5, None, r"expected a header with a column of Ultrapasteurizada/Autoservicios"),
        (1, 0, "Viernes, 31 de febrero de 2025", r"cell A2: expected the block's date, .*found 'Viernes, 31 de febrero de 2025'"),
        (15, 0, "Miércoles 26 marso 2025", r"cell A16: expected the block's date, .*found 'Miércoles 26 marso 2025'"),
        (15, 0, None, r"cell A16: expected the block's date, .*found ''"),
        (4, 2, "26.15 *", r"cell C5: expected a price or a blank in the block of 2025-03-28, found '26.15 \*'"),
        (10, 3, "n/d", r"cell D11: expected a price or a blank"),
        (9, 5, True, r"cell F10: expected a price or a blank"),
        (9, 1, None, r"cell B10: expected the name of the city"),
    ],
)
def test_a_cell_that_cannot_be_understood_is_rejected_with_its_reference(draft, row, column, value, message):
    draft.rows[row][column] = value
    with pytest.raises(WorkbookError, match=rf"^Leche28032025\.xlsx, sheet Leche, {message}" if "cell" in message else message):
        read_workbook(draft.content(), "Leche28032025.xlsx")


def test_a_header_on_the_last_row_is_rejected(draft):
    draft.rows = draft.rows[:3]
    with pytest.raises(WorkbookError, match=r"cell A4: expected the row of channels .*found the end of the sheet"):
        read_workbook(draft.content())
