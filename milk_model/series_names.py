"""Names: from what a caller writes to the key of a series, and the nearest keys where there is none.

Belongs here: looking up. Which places and words there are comes with the data: their one table is the platform's.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

PARTS = ("state", "city", "milk", "channel")
LONGEST_NAME = 100  # characters; the longest place has 40
NEAREST = 5


class UnknownSeriesError(LookupError):
    """No series is meant by these names. part: the one of PARTS that is at fault, or None; nearest: valid keys."""

    def __init__(self, message: str, part: str | None, nearest: Sequence[str]) -> None:
        super().__init__(message)
        self.part, self.nearest = part, tuple(nearest)


@lru_cache(maxsize=4096)
def slug(text: str) -> str:
    """Lower case, accents off, every run of anything but letters and digits a hyphen: `Cd. Obregón ` gives `cd-obregon`."""
    plain = unicodedata.normalize("NFKD", text)
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    return re.sub(r"[^a-z0-9]+", "-", letters.casefold()).strip("-")


def nearest(key: str, keys: Iterable[str]) -> list[str]:
    """The few of `keys` that are most like a key, the most like first."""
    return difflib.get_close_matches(key[: 4 * LONGEST_NAME], keys, n=NEAREST, cutoff=0.4)


@dataclass(frozen=True)
class Vocabulary:
    """Accepted spellings, as slugs, and what each stands for. places: canonical names; milks and channels: parts of a key."""

    places: Mapping[str, str]
    milks: Mapping[str, str]
    channels: Mapping[str, str]

    @cached_property
    def slugs(self) -> Mapping[str, str]:
        """The slug of each place's canonical name, by the slug of each of its spellings."""
        return {spelling: slug(name) for spelling, name in self.places.items()}

    def find(self, keys: Mapping[str, object], state: str, city: str, milk: str, channel: str) -> str:
        """The one of `keys` that four names mean, in any spelling, Spanish or English. Raises UnknownSeriesError."""
        place = [self.slugs.get(slug(name), slug(name)) for name in (state, city)]
        words = {"milk": (milk, self.milks), "channel": (channel, self.channels)}
        kinds = [known.get(slug(text), slug(text)) for text, known in words.values()]
        key = "/".join((*place, *kinds))
        if key in keys:
            return key
        near = nearest(key, keys)
        for part, (text, known) in words.items():
            if slug(text) not in known:
                raise UnknownSeriesError(f"{part}: expected {' or '.join(sorted(set(known.values())))}", part, near)
        raise UnknownSeriesError("no series of that name is forecast", None, near)
