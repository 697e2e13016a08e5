"""Names: one canonical spelling each, from every valid spelling."""

from datetime import date

import pytest

from milk_assets.sniim.names import (
    PLACES,
    UnknownNameError,
    canonical_name,
    day_of_file,
    file_name,
    find_channel,
    find_milk,
    known_places,
    series_key,
    slug,
)

ZM_GUADALAJARA = "jalisco/zm-guadalajara/uht/supermarket"


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("Cd.Juárez", "Ciudad Juárez"),
        ("  cd. juarez ", "Ciudad Juárez"),
        ("CDMX", "Ciudad de México"),
        ("Edo. México", "Estado de México"),
        ("Veracruz ", "Veracruz"),
        ("TORREON", "Torreón"),
        ("Cd. Obregón", "Ciudad Obregón"),
    ],
)
def test_a_place_has_one_name_for_every_spelling(spelling, name):
    assert canonical_name(spelling) == name


def test_an_unknown_place_keeps_its_name_without_surplus_blanks():
    assert canonical_name("  Cd.  Acuña ") == "Cd. Acuña"


def test_no_two_places_of_the_source_share_a_key():
    keys = {series_key(state, city, "uht", "store") for state, cities in PLACES for city in cities}
    assert len(keys) == 54
    assert sum(len(cities) for cities in known_places().values()) == 54 + 2


def test_a_series_key_is_the_same_from_every_spelling():
    assert series_key("JALISCO", "zm guadalajara", "Ultrapasteurizada", "Autoservicio") == ZM_GUADALAJARA
    assert series_key("Jalisco", "ZM Guadalajara", "UHT", "Supermarket") == ZM_GUADALAJARA
    assert series_key("Nacional", "Promedio Ponderado por Población", "Pasteurised", "Tiendas") == (
        "nacional/promedio-ponderado/pasteurised/store"
    )


@pytest.mark.parametrize(
    ("word", "milk"),
    [("Pasteurizada", "pasteurised"), ("pasteurized", "pasteurised"), ("ULTRAPASTEURIZADA", "uht"), ("Uht", "uht")],
)
def test_milk_is_understood_in_spanish_and_english(word, milk):
    assert find_milk(word) == milk


@pytest.mark.parametrize(
    ("word", "channel"),
    [("Tienda", "store"), ("stores", "store"), ("autoservicio", "supermarket"), ("Supermarket", "supermarket")],
)
def test_channel_is_understood_in_spanish_and_english(word, channel):
    assert find_channel(word) == channel


def test_an_unknown_word_is_rejected_with_the_nearest_valid_name():
    with pytest.raises(UnknownNameError, match=r"unknown milk 'Pasturizada'; expected pasteurised"):
        find_milk("Pasturizada")


def test_a_word_that_resembles_no_valid_name_is_rejected_with_all_of_them():
    with pytest.raises(UnknownNameError, match=r"unknown channel 'xyz'; expected store or supermarket$"):
        find_channel("xyz")


def test_a_slug_has_only_lower_case_letters_digits_and_hyphens():
    assert slug(" Promedio  Aritmético: Ñandú (2025) ") == "promedio-aritmetico-nandu-2025"


def test_a_file_name_is_made_from_a_date_and_read_back():
    assert file_name(date(2025, 3, 31)) == "Leche31032025.xlsx"
    assert day_of_file("leche31032025.XLSX") == date(2025, 3, 31)


@pytest.mark.parametrize("name", ["Leche31022025.xlsx", "Leche3132025.xlsx", "Crema31032025.xlsx", "../Leche31032025.xlsx"])
def test_a_file_name_without_an_existing_date_has_no_date(name):
    assert day_of_file(name) is None
