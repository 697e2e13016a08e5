"""Artefact reader: files of the artefact store, in an S3 bucket or a local folder.

Belongs here: one read, or one conditional read, with short timeouts. Not here: what the files mean (`champion`, `report_files`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from obstore.store import ObjectStore

TIMEOUT_SECONDS = 2.0  # for one file: a caller waits for it, and the champion that is already loaded can answer instead
CONNECT_TIMEOUT_SECONDS = 1.0
MAX_RETRIES = 1  # the first request after Lambda froze the process may meet a dead connection; the second opens a new one


class ArtefactError(RuntimeError):
    """The store did not answer in time, or refused: whether the file exists is unknown."""


class AccessDeniedError(ArtefactError):
    """The store refused the read. S3 answers like this for a missing file too, when the role may not list the bucket."""


class ArtefactNotFoundError(LookupError):
    """The store answered that the file does not exist."""


class Artefact(NamedTuple):
    """The content of a file, and the tag that identifies this content in a conditional read."""

    content: bytes
    etag: str


@dataclass(frozen=True)
class ArtefactReader:
    """Reads files under one root.

    Attributes:
        root: a folder, or `s3://bucket`.
        timeout: seconds for one file.
        region: AWS region of the bucket.
        endpoint: URL of another S3 server than AWS; None for AWS.
    """

    root: str
    timeout: float = TIMEOUT_SECONDS
    region: str = "us-east-1"
    endpoint: str | None = None

    @property
    def is_on_s3(self) -> bool:
        """Whether the root is a bucket."""
        return self.root.startswith("s3://")

    @cached_property
    def store(self) -> ObjectStore:
        """The object store of the root. All reads share one, so that connections are reused.

        `milk_assets.stores.lake` builds its own store: `milk_model`, the only package that both may import, is limited to numpy and
        xgboost, and the lake needs other timeouts.
        """
        if not self.is_on_s3:
            from obstore.store import LocalStore

            return LocalStore(prefix=Path(self.root))
        from obstore.store import S3Store

        extra: dict[str, Any] = {"endpoint": self.endpoint, "virtual_hosted_style_request": False} if self.endpoint else {}
        timeout = timedelta(seconds=self.timeout)
        return S3Store(
            urlsplit(self.root).netloc,
            region=self.region,
            client_options={
                "timeout": timeout,
                "connect_timeout": min(timeout, timedelta(seconds=CONNECT_TIMEOUT_SECONDS)),
                "allow_http": bool(self.endpoint and self.endpoint.startswith("http://")),
            },
            retry_config={"max_retries": MAX_RETRIES, "retry_timeout": timeout},
            **extra,
        )

    def read(self, path: str) -> Artefact:
        """Read a file.

        Args:
            path: relative to the root.

        Raises:
            ArtefactNotFoundError: the file does not exist.
            ArtefactError: the store did not answer in time, or refused.
        """
        artefact = self.read_if_changed(path, None)
        if artefact is None:
            raise ArtefactError(f"{path} could not be read: the store answered 304 to a request without an ETag")
        return artefact

    def read_if_changed(self, path: str, etag: str | None) -> Artefact | None:
        """Read a file, unless it still has this tag.

        Args:
            path: relative to the root.
            etag: tag of the content that the caller already has; None reads the file in any case.

        Returns:
            The file, or None when it is unchanged.

        Raises:
            ArtefactNotFoundError: the file does not exist.
            ArtefactError: the store did not answer in time, or refused.
        """
        from obstore.exceptions import BaseError, NotFoundError, NotModifiedError, PermissionDeniedError

        try:
            if not self.is_on_s3 and not Path(self.root).is_dir():
                raise ArtefactNotFoundError(f"the folder {self.root} does not exist")
            options: Any = {"if_none_match": etag} if etag and self.is_on_s3 else {}
            response = self.store.get(path, options=options)
            content = bytes(response.bytes())
        except NotModifiedError:
            return None
        except (NotFoundError, FileNotFoundError):
            raise ArtefactNotFoundError(f"{path} does not exist") from None
        except PermissionDeniedError as error:
            raise AccessDeniedError(f"{path} does not exist, or may not be read") from error
        except (BaseError, OSError) as error:
            # the library's message contains addresses and request ids, so only the kind of error is reported
            raise ArtefactError(f"{path} could not be read: {type(error).__name__}") from error
        store_tag = response.meta["e_tag"] if self.is_on_s3 else None
        # the tag of a local file is its inode and time, which a later file can repeat: its content identifies it instead
        tag = store_tag or hashlib.sha256(content).hexdigest()
        return None if tag == etag else Artefact(content, tag)
