"""The lake: tables, documents and bytes by path, in a local folder or an S3 bucket, with the same code.

Belongs here: reading and writing by path, whole or not at all. Which paths there are is each asset's business.
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
    """The lake cannot give or take a file: says which path of which root, and what to do."""


class ConcurrentChangeError(LakeError):
    """Other writers changed a document at every attempt to update it."""


class Lake(dg.ConfigurableResource[Any]):
    """Files under one root.

    root: absolute folder path, or `s3://bucket`. endpoint: another S3 server than AWS's own, such as an emulator.
    A file appears whole or not at all: local writes go to a temporary name and are renamed, S3 does so by itself.
    """

    root: str
    region: str = "us-east-1"
    endpoint: str | None = None

    def store(self) -> "ObjectStore":
        """The object store under the root. Opening it makes no request."""
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
        """The full address of a path, for people and metadata."""
        return f"{self.root}/{path}"

    def read_bytes(self, path: str) -> bytes:
        """The content of a file. Raises LakeError, saying so, where there is none."""
        try:
            return bytes(self.store().get(path).bytes())
        except FileNotFoundError as error:
            raise LakeError(f"{self.uri(path)} does not exist: materialize the asset that writes it first") from error

    def write_bytes(self, path: str, content: bytes) -> None:
        """Write a file, replacing any of that name."""
        self.store().put(path, content)

    def create_bytes(self, path: str, content: bytes) -> bool:
        """Write a file only where there is none of that name; whether it was written. Safe under races."""
        from obstore.exceptions import AlreadyExistsError

        try:
            self.store().put(path, content, mode="create")
        except AlreadyExistsError:
            return False
        return True

    def read_tagged(self, path: str) -> tuple[bytes, str] | None:
        """The content of a file and the tag that `replace_bytes` asks for; None where there is none."""
        try:
            found = self.store().get(path)
        except FileNotFoundError:
            return None
        content = bytes(found.bytes())
        return content, self._tag(content, found.meta["e_tag"])

    def replace_bytes(self, path: str, content: bytes, tag: str | None) -> bool:
        """Write a file only where it still is what was read; whether it was written. Safe under races.

        tag: as `read_tagged` gave it, None where there was no file. On S3 a conditional write, in a folder a lock that the system
        frees when its holder dies.
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
            standing = self.read_tagged(path)
            if standing is None or standing[1] != tag:
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
        """Remove a file; where there is none, there is nothing to do."""
        if self.exists(path):
            self.store().delete(path)

    def exists(self, path: str) -> bool:
        """Whether a file of that name exists."""
        try:
            self.store().head(path)
        except FileNotFoundError:
            return False
        return True

    def read_json(self, path: str) -> Any:
        """The document in a JSON file."""
        return json.loads(self.read_bytes(path))

    def write_json(self, path: str, document: Any) -> None:
        """Write a document as JSON: sorted, indented, no NaN (which JSON has no word for)."""
        self.write_bytes(path, json_bytes(document))

    def read_table(self, path: str) -> "pd.DataFrame":
        """The data frame in a Parquet file."""
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
        """Keys of the partitions of a layer that hold a file of that name, in ascending order."""
        # one listing, not a question a partition: there are hundreds of them after a year or two
        found = (path.removeprefix(f"{layer}/").split("/") for path in self.files(f"{layer}/"))
        return sorted(parts[0] for parts in found if parts[1:] == [file])

    def newest(self, layer: str, file: str, *, until: str | None = None) -> str | None:
        """The greatest partition key of a layer, at most `until`, that holds a file of that name."""
        found = self.store().list_with_delimiter(layer)["common_prefixes"]
        for key in sorted((prefix.rsplit("/", 1)[-1] for prefix in found), reverse=True):
            if (until is None or key <= until) and self.exists(f"{layer}/{key}/{file}"):
                return key
        return None

    def _tag(self, content: bytes, e_tag: str | None) -> str:
        """S3's own tag; in a folder the content's sha256, since a file's number and time may come again."""
        return e_tag if self.on_s3 and e_tag else hashlib.sha256(content).hexdigest()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (Path(self.root) / LOCK).open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


def json_bytes(document: Any) -> bytes:
    """A document as JSON bytes that differ only where the document differs."""
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()
