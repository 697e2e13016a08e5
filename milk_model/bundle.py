"""A bundle: the files of one model version, and the manifest that proves them.

Belongs here: making and checking manifests; files are bytes by name. What a model's files mean is `forecaster`'s business.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from milk_model.artefact_paths import MODELS

MANIFEST = "manifest.json"
SCHEMA = 1  # raised when a reader of the old layout would read the new one wrongly


class BundleError(ValueError):
    """A bundle is not what its manifest says: which file, what was expected, what came."""


@dataclass(frozen=True)
class Bundle:
    """Files of a model version by name, and the sha256 of the manifest, which is the version's identity."""

    files: Mapping[str, bytes]
    facts: Mapping[str, Any]
    sha256: str

    @property
    def prefix(self) -> str:
        """The folder of this bundle in an artefact store; content-addressed, so it is never overwritten by another."""
        return prefix(self.sha256)


def prefix(sha256: str) -> str:
    """The folder of the bundle whose manifest has this sha256."""
    return f"{MODELS}/{sha256[:12]}"


def pack(files: Mapping[str, bytes], facts: Mapping[str, Any]) -> Bundle:
    """A bundle of model files. facts: plain values for the manifest, such as `trained_through`; no clock, so that equal is equal."""
    named = {name: {"sha256": _sha256(content), "bytes": len(content)} for name, content in sorted(files.items())}
    manifest = json.dumps({"schema": SCHEMA, "facts": facts, "files": named}, indent=1, sort_keys=True, allow_nan=False).encode()
    return Bundle({**files, MANIFEST: manifest}, facts, _sha256(manifest))


def unpack(files: Mapping[str, bytes], sha256: str | None = None) -> Bundle:
    """The bundle in these files, proven. sha256: what the manifest must hash to, where the caller knows it.

    Raises BundleError on a file that is missing or differs, and on a manifest that is not the one asked for.
    """
    if MANIFEST not in files:
        raise BundleError(f"the bundle has no {MANIFEST}; it holds {sorted(files) or 'nothing'}")
    manifest = read_manifest(files[MANIFEST], sha256)
    for name, expected in manifest["files"].items():
        if name not in files:
            raise BundleError(f"{name} is missing from the bundle; copy it again")
        found = _sha256(files[name])
        if found != expected["sha256"]:
            raise BundleError(f"{name} has sha256 {found[:12]}…, its manifest says {expected['sha256'][:12]}…; copy it again")
    kept = {name: files[name] for name in (*manifest["files"], MANIFEST)}
    return Bundle(kept, manifest["facts"], _sha256(files[MANIFEST]))


def read_manifest(content: bytes, sha256: str | None = None) -> dict[str, Any]:
    """A manifest's document. Raises BundleError where it is not JSON, not of this schema, or not the one asked for."""
    found = _sha256(content)
    if sha256 is not None and found != sha256:
        raise BundleError(f"{MANIFEST} has sha256 {found[:12]}…, expected {sha256[:12]}…")
    try:
        manifest: dict[str, Any] = json.loads(content)
    except ValueError as error:
        raise BundleError(f"{MANIFEST} is not JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        raise BundleError(f"{MANIFEST} is not of schema {SCHEMA}; read it with the release that wrote it")
    return manifest


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
