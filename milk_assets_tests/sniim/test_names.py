"""Names: one spelling each, and every way to ask for it."""

from datetime import date

import pytest

from milk_assets.sniim.names import (
    PLACES,
    UnknownNameError,
    canonical_name,
    day_of_file,
    file_name,
    find_channel,
    find_city,
    find_milk,
    find_series,
    known_places,
    series_key,
    slug,
    split_key,
)

ZM = "jalisco/zm-guadalajara/uht/supermarket"
CITY = "jalisco/guadalajara/uht/supermarket"


@pytest.mark.parametrize(
    ("written", "meant"),
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
def test_a_place_has_one_name_however_the_source_writes_it(written, meant):
    assert canonical_name(written) == meant


def test_a_place_never_seen_keeps_its_name_trimmed():
    assert canonical_name("  Cd.  Acuña ") == "Cd. Acuña"


def test_no_two_places_of_the_source_share_a_key():
    keys = {series_key(state, city, "uht", "store") for state, cities in PLACES for city in cities}
    assert len(keys) == 54
    assert sum(len(cities) for cities in known_places().values()) == 54 + 2


def test_a_series_key_is_the_same_from_every_spelling():
    assert series_key("JALISCO", "zm guadalajara", "Ultrapasteurizada", "Autoservicio") == ZM
    assert series_key("Jalisco", "ZM Guadalajara", "UHT", "Supermarket") == ZM
    assert series_key("Nacional", "Promedio Ponderado por Población", "Pasteurised", "Tiendas") == (
        "nacional/promedio-ponderado/pasteurised/store"
    )


def test_every_known_key_splits_into_the_names_it_was_made_of():
    for state, cities in known_places().items():
        for city in cities:
            assert split_key(series_key(state, city, "uht", "store")) == (state, city, "uht", "store")


@pytest.mark.parametrize("key", ["jalisco/guadalajara/uht", "jalisco/mexicali/uht/store", "jalisco/guadalajara/uht/kiosk"])
def test_a_key_with_an_unknown_or_missing_part_does_not_split(key):
    with pytest.raises(UnknownNameError, match="expected"):
        split_key(key)


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


def test_an_unknown_word_is_refused_with_the_nearest_valid_one():
    with pytest.raises(UnknownNameError, match=r"unknown milk 'Pasturizada'; expected pasteurised"):
        find_milk("Pasturizada")
    with pytest.raises(UnknownNameError, match=r"unknown city of Jalisco 'Guadalahara'; expected Guadalajara"):
        find_city("Guadalahara", "Jalisco")


def test_a_series_is_found_by_its_key_or_by_four_names():
    assert find_series([CITY, ZM], "Jalisco", "ZM Guadalajara", "Ultrapasteurizada", "Autoservicios") == ZM
    assert find_series([CITY, ZM], "Jalisco/Guadalajara/UHT/supermarket") == CITY


def test_a_series_that_is_not_there_is_refused_with_the_nearest_key():
    with pytest.raises(UnknownNameError, match=f"expected {CITY}"):
        find_series([CITY, ZM], "Jalisco", "Guadalajarra", "UHT", "supermarket")
    with pytest.raises(UnknownNameError, match="found 2 part"):
        find_series([CITY, ZM], "Jalisco", "Guadalajara")


def test_a_slug_has_only_lower_case_letters_digits_and_hyphens():
    assert slug(" Promedio  Aritmético: Ñandú (2025) ") == "promedio-aritmetico-nandu-2025"


def test_a_file_name_and_its_date_give_each_other():
    assert file_name(date(2025, 3, 31)) == "Leche31032025.xlsx"
    assert day_of_file("leche31032025.XLSX") == date(2025, 3, 31)


@pytest.mark.parametrize("name", ["Leche31022025.xlsx", "Leche3132025.xlsx", "Crema31032025.xlsx", "../Leche31032025.xlsx"])
def test_a_name_without_a_real_date_gives_none(name):
    assert day_of_file(name) is None
