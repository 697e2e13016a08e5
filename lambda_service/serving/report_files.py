"""Report files: the newest price report and the track record, served as they are stored.

Belongs here: reading them with the same caching rules as the champion, and choosing the report's format. Not here: their content, which
`milk_assets` writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lambda_service.serving.artefact_reader import AccessDeniedError, ArtefactError, ArtefactNotFoundError, ArtefactReader
from milk_model.artefact_paths import REPORT_FORMATS


@dataclass
class _CachedFile:
    content: bytes | None = None
    etag: str | None = None
    fresh_until: float = float("-inf")
    is_missing: bool = False


class ReportFiles:
    """Files of the store, checked once in a TTL; the last content is used while the store fails."""

    def __init__(self, reader: ArtefactReader, now: Callable[[], float], ttl: float) -> None:
        """
        Args:
            reader: of the artefact store.
            now: the clock, in seconds since 1970.
            ttl: seconds between checks of a file.
        """
        self._reader, self._now, self._ttl = reader, now, ttl
        self._cache: dict[str, _CachedFile] = {}

    def read(self, path: str) -> bytes:
        """The content of a file.

        Raises:
            ArtefactNotFoundError: the file does not exist yet.
            ArtefactError: the store failed and no earlier content is cached.
        """
        cached = self._cache.setdefault(path, _CachedFile())
        if self._now() >= cached.fresh_until:
            self._refresh(path, cached)
        if cached.content is not None:
            return cached.content
        if cached.is_missing:
            raise ArtefactNotFoundError(f"{path} does not exist")
        raise ArtefactError(f"{path} could not be read")

    def _refresh(self, path: str, cached: _CachedFile) -> None:
        try:
            artefact = self._reader.read_if_changed(path, cached.etag)
            if artefact is not None:
                cached.content, cached.etag = artefact
            cached.is_missing = False
        except ArtefactNotFoundError:
            cached.content, cached.etag, cached.is_missing = None, None, True
        except AccessDeniedError:
            # S3 answers 403 for a missing file too; a file that was read before is kept
            cached.is_missing = cached.content is None
        except ArtefactError:
            pass  # keep the last content; the next check is after the TTL
        cached.fresh_until = self._now() + self._ttl


def format_for(accept: str) -> str | None:
    """The report format that an Accept header prefers.

    Args:
        accept: the header's value; empty accepts everything.

    Returns:
        A key of REPORT_FORMATS; HTML without a preference, None when no format is accepted.
    """
    best_format, best_rank = None, (0.0, -100)
    for position, (suffix, content_type) in enumerate(REPORT_FORMATS.items()):
        quality, specificity = _quality(accept or "*/*", content_type.split(";")[0])
        rank = (quality, specificity - position)
        if quality > 0 and rank > best_rank:
            best_format, best_rank = suffix, rank
    return best_format


def _quality(accept: str, content_type: str) -> tuple[float, int]:
    """The quality (0 to 1) that the most specific matching media range gives a content type, and how specific that range is."""
    quality, specificity = 0.0, -1
    ranges = {content_type: 20, f"{content_type.split('/')[0]}/*": 10, "*/*": 0}
    for part in accept.split(","):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if ranges.get(media_range, -1) <= specificity:
            continue
        specificity = ranges[media_range]
        text = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
        try:
            quality = min(max(float(text), 0.0), 1.0)
        except ValueError:
            quality = 0.0
    return quality, specificity
