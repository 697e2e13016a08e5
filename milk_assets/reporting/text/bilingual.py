"""Bilingual text: one value with a text in Spanish and in English.

Belongs here: the type, and how such values are filled and joined. Not here: the words, which are in `text.formatting`,
`text.ui_strings` and next to the figures that they describe.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import NoReturn

import pandas as pd


class BilingualText(str):
    """Spanish text that carries its English translation in `en`.

    It is a `str`, so that every format prints the Spanish without knowing about languages. Methods of `str` that return a new
    string would silently lose the English; they raise `TypeError`. Call `str(text)` first where only the Spanish is needed.
    """

    __slots__ = ("en",)
    en: str

    def __new__(cls, es: str, en: str) -> "BilingualText":
        """Create the pair.

        Args:
            es: Text in Spanish.
            en: The same in English.
        """
        text = super().__new__(cls, es)
        text.en = en
        return text

    def lower(self) -> "BilingualText":
        """Return both in lower case. English abbreviations, such as UHT, keep their capitals."""
        english_words = [word if word.isupper() else word.lower() for word in self.en.split(" ")]
        return BilingualText(super().lower(), " ".join(english_words))

    def capitalize(self) -> "BilingualText":
        """Return both with a capital first letter; the rest is unchanged, because names and English months keep theirs."""
        spanish = str(self)
        return BilingualText(spanish[:1].upper() + spanish[1:], self.en[:1].upper() + self.en[1:])


# fmt: off
_METHODS_THAT_LOSE_ENGLISH = (
    "__add__", "__radd__", "__mul__", "__rmul__", "__mod__", "__getitem__",
    "casefold", "center", "expandtabs", "format", "format_map", "join", "ljust", "lstrip", "partition", "removeprefix",
    "removesuffix", "replace", "rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines", "strip", "swapcase", "title",
    "translate", "upper", "zfill",
)
# fmt: on


def _refuse(name: str) -> None:
    def refused(self: BilingualText, *_: object, **__: object) -> NoReturn:
        raise TypeError(
            f"BilingualText.{name} would lose the English of {str(self)!r}: use format_bilingual or join_texts, "
            "or call str() first if only the Spanish is needed"
        )

    refused.__name__ = name
    setattr(BilingualText, name, refused)


for _name in _METHODS_THAT_LOSE_ENGLISH:
    _refuse(_name)


def english(value: object) -> str:
    """Return the English of a bilingual text; any other value is the same in both languages."""
    return value.en if isinstance(value, BilingualText) else str(value)


def format_bilingual(es: str, en: str, **values: object) -> BilingualText:
    """Fill a template in each language.

    Args:
        es: Template of `str.format` in Spanish.
        en: The same template in English.
        **values: Values of both templates. A bilingual text gives each template its own language.
    """
    english_values = {name: value.en if isinstance(value, BilingualText) else value for name, value in values.items()}
    return BilingualText(es.format(**values), en.format(**english_values))


def join_texts(parts: Sequence[BilingualText], separator: str = " ") -> BilingualText:
    """Join texts in both languages; empty ones are left out."""
    filled = [part for part in parts if part]
    return BilingualText(separator.join(str(part) for part in filled), separator.join(part.en for part in filled))


def collect_texts(value: object) -> Iterator[BilingualText]:
    """Yield every bilingual text inside a value: in dataclasses, sequences, mappings and the text columns of frames."""
    if isinstance(value, BilingualText):
        yield value
    elif isinstance(value, str | int | float) or value is None:
        return
    elif isinstance(value, pd.DataFrame):
        for column in value.select_dtypes("object"):
            yield from (text for text in value[column].unique() if isinstance(text, BilingualText))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from collect_texts(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from collect_texts(item)
    elif is_dataclass(value):
        for field in fields(value):
            yield from collect_texts(getattr(value, field.name))
