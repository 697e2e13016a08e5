"""The artefact store as the endpoint reads it: a bucket or a local folder, behind one conditional read.

Belongs here: reading a file if it changed, quickly or not at all. What is read, and what follows from a failure, is elsewhere.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from obstore.store import ObjectStore

TIMEOUT = 2.0  # seconds for one file: a caller waits for it, and the last good model stands ready
CONNECT = 1.0
RETRIES = 1  # a connection that slept through a Lambda's freeze is dead, and the next one is not


class SourceError(RuntimeError):
    """The store did not answer, or refused: nothing is known of what it holds."""


class DeniedError(SourceError):
    """The store refused. S3 refuses what is not there, too, where the caller may not list what is."""


class MissingError(LookupError):
    """The store answers that there is no such file."""


class Unchanged:
    """A file is still the one the caller knows."""


UNCHANGED: Final = Unchanged()


@dataclass(frozen=True)
class Source:
    """Files under one root.

    root: folder path, or `s3://bucket`. timeout: seconds for one file. endpoint: another S3 server than AWS's own.
    """

    root: str
    timeout: float = TIMEOUT
    region: str = "us-east-1"
    endpoint: str | None = None

    @property
    def on_s3(self) -> bool:
        """Whether the root is a bucket."""
        return self.root.startswith("s3://")

    @cached_property
    def store(self) -> ObjectStore:
        """The object store under the root; one for all reads, so that connections are kept."""
        if not self.on_s3:
            from obstore.store import LocalStore

            return LocalStore(prefix=Path(self.root))
        from obstore.store import S3Store

        extra: dict[str, Any] = {"endpoint": self.endpoint, "virtual_hosted_style_request": False} if self.endpoint else {}
        patience = timedelta(seconds=self.timeout)
        return S3Store(
            urlsplit(self.root).netloc,
            region=self.region,
            client_options={
                "timeout": patience,
                "connect_timeout": min(patience, timedelta(seconds=CONNECT)),
                "allow_http": bool(self.endpoint and self.endpoint.startswith("http://")),
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": patience},
            **extra,
        )

    def read(self, path: str, known: str | None = None) -> tuple[bytes, str] | Unchanged:
        """A file's content and tag; UNCHANGED where its tag is the `known` one.

        Raises MissingError where the store says that there is none, SourceError where it does not answer in time or refuses.
        """
        from obstore.exceptions import BaseError, NotFoundError, NotModifiedError, PermissionDeniedError

        try:
            if not self.on_s3 and not Path(self.root).is_dir():
                raise MissingError(f"there is no folder {self.root}")
            options: Any = {"if_none_match": known} if known and self.on_s3 else {}
            found = self.store.get(path, options=options)
            content = bytes(found.bytes())
        except NotModifiedError:
            return UNCHANGED
        except (NotFoundError, FileNotFoundError):
            raise MissingError(f"{path} does not exist") from None
        except PermissionDeniedError as error:
            raise DeniedError(f"{path} is not there, or may not be read") from error
        except (BaseError, OSError) as error:
            # the library's message holds addresses and request ids: its kind tells operators enough
            raise SourceError(f"{path} could not be read: {type(error).__name__}") from error
        tag = found.meta["e_tag"] if self.on_s3 else None
        tag = tag or hashlib.sha256(content).hexdigest()  # a local file's number and time may come again
        return UNCHANGED if tag == known else (content, tag)
