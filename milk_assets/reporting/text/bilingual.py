"""Two languages in one value: Spanish, which every format prints, and the same in English, which the page can switch to.

Belongs here: the value and how it is put together. The words themselves are in `words` and beside the figures they describe.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

import pandas as pd


class Text(str):
    """Spanish text that knows its English: a plain str to every format, `en` for who reads English."""

    __slots__ = ("en",)
    en: str

    def __new__(cls, es: str, en: str) -> "Text":
        """The pair; both must say the same."""
        made = super().__new__(cls, es)
        made.en = en
        return made

    def lower(self) -> "Text":
        """Both in lower case; abbreviations, such as UHT, stay as they are."""
        words = [word if word.isupper() else word.lower() for word in self.en.split(" ")]
        return Text(super().lower(), " ".join(words))

    def capitalize(self) -> "Text":
        """Both with a first capital; the rest stays as it is, as names and months need."""
        return Text(*(text[:1].upper() + text[1:] for text in (str(self), self.en)))


def english(value: object) -> str:
    """The English of a Text; anything else is the same in both languages."""
    return value.en if isinstance(value, Text) else str(value)


def say(es: str, en: str, **values: object) -> Text:
    """Two templates of `str.format` filled alike; a value that is a Text gives each its own language."""
    other = {name: value.en if isinstance(value, Text) else value for name, value in values.items()}
    return Text(es.format(**values), en.format(**other))


def joined(parts: list[Text] | tuple[Text, ...], between: str = " ") -> Text:
    """Several texts in a row; empty ones are left out."""
    kept = [part for part in parts if part]
    return Text(between.join(str(part) for part in kept), between.join(english(part) for part in kept))


def texts_of(value: object) -> Iterator[Text]:
    """Every Text in a value: in dataclasses, sequences, mappings and the text columns of frames."""
    if isinstance(value, Text):
        yield value
    elif isinstance(value, str | int | float) or value is None:
        return
    elif isinstance(value, pd.DataFrame):
        for name in value.select_dtypes("object"):
            yield from (one for one in value[name].unique() if isinstance(one, Text))
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from texts_of(one)
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from texts_of(one)
    elif is_dataclass(value):
        for field in fields(value):
            yield from texts_of(getattr(value, field.name))
