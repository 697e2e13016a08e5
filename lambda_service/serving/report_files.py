"""Documents that are served as they are: the newest report, the track record.

Belongs here: reading them with the champion's manners, and which format of the report a caller means. Their content is the platform's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lambda_service.serving.artefact_reader import DeniedError, MissingError, Source, SourceError, Unchanged
from milk_model.artefact_paths import REPORT_FORMATS


@dataclass
class _Kept:
    content: bytes | None = None
    tag: str | None = None
    until: float = float("-inf")
    missing: bool = False


class Documents:
    """Files of the store, asked for again once a TTL; the last good ones while the store is down. now: seconds since 1970."""

    def __init__(self, source: Source, now: Callable[[], float], ttl: float) -> None:
        self._source, self._now, self._ttl = source, now, ttl
        self._kept: dict[str, _Kept] = {}

    def read(self, path: str) -> bytes:
        """A file's content. Raises MissingError where there is none yet, SourceError where the store is down and none is kept."""
        kept = self._kept.setdefault(path, _Kept())
        if self._now() >= kept.until:
            try:
                found = self._source.read(path, kept.tag)
                if not isinstance(found, Unchanged):
                    kept.content, kept.tag = found
                kept.missing = False
            except MissingError:
                kept.content, kept.tag, kept.missing = None, None, True
            except DeniedError:
                kept.missing = kept.content is None
            except SourceError:
                pass  # the last good one, where there is one; asked again after the TTL
            kept.until = self._now() + self._ttl
        if kept.content is not None:
            return kept.content
        raise MissingError(f"{path} does not exist") if kept.missing else SourceError(f"{path} could not be read")


def format_for(accept: str) -> str | None:
    """The format of the report that an Accept header prefers; HTML where it has no preference, None where it takes none of them."""
    preferred: tuple[float, int] = (0.0, 0)
    chosen = None
    for place, (suffix, content_type) in enumerate(REPORT_FORMATS.items()):
        quality, specific = _quality(accept or "*/*", content_type.split(";")[0])
        if quality > 0 and (quality, specific - place) > (preferred if chosen else (0.0, -100)):
            preferred, chosen = (quality, specific - place), suffix
    return chosen


def _quality(accept: str, content_type: str) -> tuple[float, int]:
    """The quality that the most specific matching range gives, and how specific it is."""
    found = (0.0, -1)
    for part in accept.split(","):
        range_, *parameters = (piece.strip().lower() for piece in part.split(";"))
        ranges = {content_type: 20, f"{content_type.split('/')[0]}/*": 10, "*/*": 0}
        if range_ in ranges and ranges[range_] > found[1]:
            quality = next((text[2:] for text in parameters if text.startswith("q=")), "1")
            try:
                found = (min(max(float(quality), 0.0), 1.0), ranges[range_])
            except ValueError:
                found = (0.0, ranges[range_])
    return found
