"""Series names: from the names that a caller writes to the key of a series, and the nearest keys where no series matches.

Belongs here: looking names up. Not here: which places and spellings exist; that table comes with the data, see `milk_assets.sniim.names`.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

PARTS = ("state", "city", "milk", "channel")
LONGEST_NAME = 100  # characters accepted in a name; the longest real one has 40
NEAREST = 5  # keys that are suggested


class UnknownSeriesError(LookupError):
    """No series matches the names.

    Attributes:
        part: The one of PARTS that is wrong, or None if only the combination is.
        nearest: Keys of existing series that are similar.
    """

    def __init__(self, message: str, part: str | None, nearest: Sequence[str]) -> None:
        super().__init__(message)
        self.part, self.nearest = part, tuple(nearest)


@lru_cache(maxsize=4096)
def slug(text: str) -> str:
    """Lower case without accents; every run of other characters becomes one hyphen: `Cd. Obregón ` gives `cd-obregon`."""
    decomposed = unicodedata.normalize("NFKD", text)
    without_accents = "".join(character for character in decomposed if not unicodedata.combining(character))
    return re.sub(r"[^a-z0-9]+", "-", without_accents.casefold()).strip("-")


def nearest(key: str, keys: Iterable[str]) -> list[str]:
    """Up to NEAREST of `keys` that are similar to a key, the most similar first."""
    return difflib.get_close_matches(key[: 4 * LONGEST_NAME], keys, n=NEAREST, cutoff=0.4)


@dataclass(frozen=True)
class Vocabulary:
    """Accepted spellings, as slugs, and what each one means.

    Attributes:
        places: Spelling → canonical name of a state or city.
        milks: Spelling → milk as in a series key.
        channels: Spelling → channel as in a series key.
    """

    places: Mapping[str, str]
    milks: Mapping[str, str]
    channels: Mapping[str, str]

    @cached_property
    def slugs(self) -> Mapping[str, str]:
        """Spelling of a place → slug of its canonical name."""
        return {spelling: slug(name) for spelling, name in self.places.items()}

    def find(self, keys: Mapping[str, object], state: str, city: str, milk: str, channel: str) -> str:
        """The key of the series that four names mean, in any accepted spelling, Spanish or English.

        Args:
            keys: Existing series, by key.
            state: Name of the state.
            city: Name of the city.
            milk: Name of the milk.
            channel: Name of the channel.

        Raises:
            UnknownSeriesError: No such series exists.
        """
        place_slugs = [self.slugs.get(slug(name), slug(name)) for name in (state, city)]
        words = {"milk": (milk, self.milks), "channel": (channel, self.channels)}
        word_slugs = [spellings.get(slug(text), slug(text)) for text, spellings in words.values()]
        key = "/".join((*place_slugs, *word_slugs))
        if key in keys:
            return key
        suggestions = nearest(key, keys)
        for part, (text, spellings) in words.items():
            if slug(text) not in spellings:
                accepted = " or ".join(sorted(set(spellings.values())))
                raise UnknownSeriesError(f"{part}: expected {accepted}", part, suggestions)
        raise UnknownSeriesError("no series of that name is forecast", None, suggestions)
