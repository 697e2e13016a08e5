"""Bilingual text: both languages stay together, and operations that would lose the English fail."""

import pytest

from milk_assets.reporting.text.bilingual import BilingualText, collect_texts, english, format_bilingual, join_texts

PRICE = BilingualText("Precio de UHT", "Price of UHT")


@pytest.mark.parametrize(
    "operation",
    [
        lambda text: text + "!",
        lambda text: "¡" + text,
        lambda text: text * 2,
        lambda text: text % (),
        lambda text: text[:3],
        lambda text: text.upper(),
        lambda text: text.replace("Precio", "Costo"),
        lambda text: text.format(),
        lambda text: text.split(),
        lambda text: text.strip(),
    ],
    ids=["add", "add to the right", "repeat", "percent", "slice", "upper", "replace", "format", "split", "strip"],
)
def test_an_operation_that_would_lose_the_english_fails(operation):
    with pytest.raises(TypeError, match="would lose the English of 'Precio de UHT'"):
        operation(PRICE)


def test_str_gives_plain_spanish_that_can_be_changed():
    assert type(str(PRICE)) is str
    assert str(PRICE).upper() == "PRECIO DE UHT"


def test_lower_and_capitalize_keep_both_languages():
    assert (PRICE.lower(), PRICE.lower().en) == ("precio de uht", "price of UHT")
    capitalized = BilingualText("mar 2025", "mar 2025").capitalize()
    assert (capitalized, capitalized.en) == ("Mar 2025", "Mar 2025")


def test_templates_and_lists_keep_both_languages():
    text = format_bilingual("{what}: {n}", "{what}: {n}", what=PRICE, n=2)
    assert (text, text.en) == ("Precio de UHT: 2", "Price of UHT: 2")
    joined = join_texts([PRICE, BilingualText("", ""), text], "; ")
    assert (joined, joined.en) == ("Precio de UHT; Precio de UHT: 2", "Price of UHT; Price of UHT: 2")
    assert english("Sonora") == "Sonora"


def test_every_text_of_a_nested_value_is_collected():
    assert list(collect_texts({"a": [PRICE, 3, None], "b": ("plain", (PRICE,))})) == [PRICE, PRICE]
