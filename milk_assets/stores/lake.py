"""The lake: tables, documents and bytes by path, in a local folder or an S3 bucket, with the same code.

Belongs here: reading and writing by path; a file appears completely or not at all. Which paths exist is `stores.layers`.
"""

import fcntl
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import dagster as dg

if TYPE_CHECKING:
    import pandas as pd
    from obstore.store import ObjectStore

# A write or read of a few hundred kB takes well under a second; a dead endpoint must not hold a run for minutes.
REQUEST_TIMEOUT = timedelta(seconds=30)
MAX_RETRIES = 4
RETRY_WITHIN = timedelta(seconds=60)
UPDATE_ATTEMPTS = 20  # of a compare-and-swap; writers are few and each takes milliseconds
LOCK = ".lock"  # held in a folder while a file is compared and replaced


class LakeError(RuntimeError):
    """A file cannot be read or written: the message names root and path, and what to do."""


class ConcurrentChangeError(LakeError):
    """Other writers changed a document at every attempt to update it."""


class Lake(dg.ConfigurableResource[Any]):
    """Files under one root.

    A file appears completely or not at all: local writes go to a temporary name and are renamed; S3 guarantees it.

    Attributes:
        root: Absolute folder path, or `s3://bucket`.
        region: AWS region of the bucket.
        endpoint: Address of another S3 server than AWS, such as an emulator.
    """

    root: str
    region: str = "us-east-1"
    endpoint: str | None = None

    def store(self) -> "ObjectStore":
        """The object store of the root. Opening it sends no request."""
        if not self.on_s3:
            from obstore.store import LocalStore

            return LocalStore(prefix=Path(self.root), mkdir=True)
        from obstore.store import S3Store

        extra: dict[str, Any] = {"endpoint": self.endpoint, "virtual_hosted_style_request": False} if self.endpoint else {}
        return S3Store(
            urlsplit(self.root).netloc,
            region=self.region,
            client_options={
                "timeout": REQUEST_TIMEOUT,
                "allow_http": bool(self.endpoint and self.endpoint.startswith("http://")),
            },
            retry_config={"max_retries": MAX_RETRIES, "retry_timeout": RETRY_WITHIN},
            **extra,
        )

    @property
    def on_s3(self) -> bool:
        """Whether the root is a bucket."""
        return self.root.startswith("s3://")

    def uri(self, path: str) -> str:
        """Full address of a path, for messages and metadata."""
        return f"{self.root}/{path}"

    def read_bytes(self, path: str) -> bytes:
        """Content of a file. Raises LakeError where there is none."""
        try:
            return bytes(self.store().get(path).bytes())
        except FileNotFoundError as error:
            raise LakeError(f"{self.uri(path)} does not exist: materialize the asset that writes it first") from error

    def write_bytes(self, path: str, content: bytes) -> None:
        """Write a file, replacing an existing one."""
        self.store().put(path, content)

    def create_bytes(self, path: str, content: bytes) -> bool:
        """Write a file only if it does not exist; returns whether it was written. Safe under concurrent writes."""
        from obstore.exceptions import AlreadyExistsError

        try:
            self.store().put(path, content, mode="create")
        except AlreadyExistsError:
            return False
        return True

    def read_tagged(self, path: str) -> tuple[bytes, str] | None:
        """Content of a file and the tag that `replace_bytes` needs; None where there is no file."""
        try:
            response = self.store().get(path)
        except FileNotFoundError:
            return None
        content = bytes(response.bytes())
        return content, self._tag(content, response.meta["e_tag"])

    def replace_bytes(self, path: str, content: bytes, tag: str | None) -> bool:
        """Write a file only if it has not changed since it was read; returns whether it was written.

        On S3 this is a conditional write; in a folder a file lock, which the system releases when its holder dies.

        Args:
            path: Path of the file.
            content: New content.
            tag: As `read_tagged` returned it; None if there was no file.
        """
        if tag is None:
            return self.create_bytes(path, content)
        if self.on_s3:
            from obstore.exceptions import NotFoundError, PreconditionError

            try:
                self.store().put(path, content, mode={"e_tag": tag})
            except (PreconditionError, NotFoundError):
                return False
            return True
        with self._locked():
            current = self.read_tagged(path)
            if current is None or current[1] != tag:
                return False
            self.write_bytes(path, content)
            return True

    def replace_json(self, path: str, document: Any, tag: str | None) -> bool:
        """Write a document as JSON only if the file still is what was read, as `replace_bytes` does; whether it was written."""
        return self.replace_bytes(path, json_bytes(document), tag)

    def update_json(self, path: str, change: Callable[[Any | None], Any], attempts: int = UPDATE_ATTEMPTS) -> Any:
        """Apply a pure change to a JSON document by compare-and-swap.

        Args:
            path: Path of the document.
            change: Takes the stored document (None where there is none) and returns the new one. It is called again when another
                writer was first, so it must not have side effects. Returning an equal document writes nothing.
            attempts: Attempts before giving up on concurrent changes.

        Returns:
            The document as it is stored afterwards.

        Raises:
            ConcurrentChangeError: Other writers were first at every attempt.
        """
        for _ in range(attempts):
            stored = self.read_tagged(path)
            document = json.loads(stored[0]) if stored else None
            changed = change(document)
            if stored is not None and changed == document:
                return document
            if self.replace_json(path, changed, stored[1] if stored else None):
                return changed
        raise ConcurrentChangeError(
            f"{self.uri(path)} was changed by others at each of {attempts} attempts to update it: try again"
        )

    def remove(self, path: str) -> None:
        """Remove a file, if it exists."""
        if self.exists(path):
            self.store().delete(path)

    def exists(self, path: str) -> bool:
        """Whether a file exists."""
        try:
            self.store().head(path)
        except FileNotFoundError:
            return False
        return True

    def read_json(self, path: str) -> Any:
        """Document in a JSON file."""
        return json.loads(self.read_bytes(path))

    def write_json(self, path: str, document: Any) -> None:
        """Write a document as JSON: sorted keys, indented. Raises ValueError on NaN, which JSON does not have."""
        self.write_bytes(path, json_bytes(document))

    def read_table(self, path: str) -> "pd.DataFrame":
        """Data frame in a Parquet file."""
        import pandas as pd

        return pd.read_parquet(io.BytesIO(self.read_bytes(path)))

    def write_table(self, path: str, table: "pd.DataFrame") -> None:
        """Write a data frame as Parquet (zstd), without its index."""
        buffer = io.BytesIO()
        table.to_parquet(buffer, index=False, compression="zstd")
        self.write_bytes(path, buffer.getvalue())

    def files(self, prefix: str) -> list[str]:
        """Paths of all files under a prefix, sorted."""
        return sorted(entry["path"] for batch in self.store().list(prefix) for entry in batch)

    def partitions(self, layer: str, file: str) -> list[str]:
        """Keys of the partitions of a layer that have a file of that name, ascending."""
        # one listing instead of one request per partition: there are hundreds after a year or two
        paths = (path.removeprefix(f"{layer}/").split("/") for path in self.files(f"{layer}/"))
        return sorted(parts[0] for parts in paths if parts[1:] == [file])

    def newest(self, layer: str, file: str, *, until: str | None = None) -> str | None:
        """The greatest partition key of a layer, at most `until`, that has a file of that name."""
        prefixes = self.store().list_with_delimiter(layer)["common_prefixes"]
        for key in sorted((prefix.rsplit("/", 1)[-1] for prefix in prefixes), reverse=True):
            if (until is None or key <= until) and self.exists(f"{layer}/{key}/{file}"):
                return key
        return None

    def _tag(self, content: bytes, e_tag: str | None) -> str:
        """S3's ETag; in a folder the sha256 of the content, since inode numbers and times can repeat."""
        return e_tag if self.on_s3 and e_tag else hashlib.sha256(content).hexdigest()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (Path(self.root) / LOCK).open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def json_bytes(document: Any) -> bytes:
    """A document as JSON; equal documents give equal bytes."""
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()
