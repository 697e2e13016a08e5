"""Bundle: the files of one model version, and the manifest that proves them.

Belongs here: making and checking manifests; files are bytes by name. Not here: what a model's files mean, see `forecaster`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from milk_model.artefact_paths import MODELS

MANIFEST = "manifest.json"
MANIFEST_SCHEMA = 1  # raised when a reader of the old layout would misread the new one


class BundleError(ValueError):
    """A bundle is not what its manifest says. The message names the file, what was expected and the actual value."""


class BundleFile(TypedDict):
    """What a manifest says about one file."""

    sha256: str
    bytes: int


class BundleManifest(TypedDict):
    """The content of a bundle's `manifest.json`."""

    schema: int
    facts: dict[str, Any]  # free-form: what the training run records about the model
    files: dict[str, BundleFile]


@dataclass(frozen=True)
class Bundle:
    """The files of a model version.

    Attributes:
        files: Content by name, including the manifest.
        facts: What the manifest records about the model.
        sha256: Of the manifest. It identifies the version.
    """

    files: Mapping[str, bytes]
    facts: Mapping[str, Any]
    sha256: str

    @property
    def prefix(self) -> str:
        """Folder of this bundle in an artefact store. It is content-addressed, so no other bundle overwrites it."""
        return prefix(self.sha256)


def prefix(sha256: str) -> str:
    """Folder of the bundle whose manifest has this sha256."""
    return f"{MODELS}/{sha256[:12]}"


def pack(files: Mapping[str, bytes], facts: Mapping[str, Any]) -> Bundle:
    """Pack model files into a bundle.

    Args:
        files: Content by name, without a manifest.
        facts: Plain values for the manifest, such as `trained_through`. No time of day, so that equal models give equal bundles.
    """
    entries = {name: {"sha256": _sha256(content), "bytes": len(content)} for name, content in sorted(files.items())}
    document = {"schema": MANIFEST_SCHEMA, "facts": facts, "files": entries}
    manifest = json.dumps(document, indent=1, sort_keys=True, allow_nan=False).encode()
    return Bundle({**files, MANIFEST: manifest}, facts, _sha256(manifest))


def unpack(files: Mapping[str, bytes], sha256: str | None = None) -> Bundle:
    """Check the files of a bundle against its manifest. Files that the manifest does not list are left out.

    Args:
        files: Content by name, including the manifest.
        sha256: Expected sha256 of the manifest, if the caller knows it.

    Raises:
        BundleError: A file is missing or differs from the manifest, or the manifest is not the expected one.
    """
    if MANIFEST not in files:
        raise BundleError(f"the bundle has no {MANIFEST}; it holds {sorted(files) or 'nothing'}")
    manifest = read_manifest(files[MANIFEST], sha256)
    for name, expected in manifest["files"].items():
        if name not in files:
            raise BundleError(f"{name} is missing from the bundle; copy it again")
        actual_sha256 = _sha256(files[name])
        if actual_sha256 != expected["sha256"]:
            raise BundleError(
                f"{name} has sha256 {actual_sha256[:12]}…, its manifest says {expected['sha256'][:12]}…; copy it again"
            )
    listed = {name: files[name] for name in (*manifest["files"], MANIFEST)}
    return Bundle(listed, manifest["facts"], _sha256(files[MANIFEST]))


def read_manifest(content: bytes, sha256: str | None = None) -> BundleManifest:
    """Parse a manifest.

    Args:
        content: Of the manifest file.
        sha256: Expected sha256 of the content, if the caller knows it.

    Raises:
        BundleError: It is not JSON, has another schema, or is not the expected manifest.
    """
    actual_sha256 = _sha256(content)
    if sha256 is not None and actual_sha256 != sha256:
        raise BundleError(f"{MANIFEST} has sha256 {actual_sha256[:12]}…, expected {sha256[:12]}…")
    try:
        manifest: BundleManifest = json.loads(content)
    except ValueError as error:
        raise BundleError(f"{MANIFEST} is not JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("schema") != MANIFEST_SCHEMA:
        raise BundleError(f"{MANIFEST} is not of schema {MANIFEST_SCHEMA}; read it with the release that wrote it")
    return manifest


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
