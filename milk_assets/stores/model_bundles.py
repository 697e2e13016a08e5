"""Bundles in the artefact store and in the registry.

Belongs here: reading, writing and registering the files of a model version, for every stage that makes or serves one.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from milk_assets.stores.lake import Lake
from milk_assets.stores.model_registry import Tracking, Version
from milk_model.bundle import MANIFEST, Bundle, pack, prefix, read_manifest, unpack

if TYPE_CHECKING:
    from milk_assets.forecasting.model import Model


def publish(model: "Model", facts: Mapping[str, Any], artefacts: Lake, tracking: Tracking, tags: Mapping[str, str]) -> Version:
    """Pack a model, store it under its sha256 and register it, inside the active MLflow run. facts: for the manifest; no clock."""
    bundle = pack(model.save(), facts)
    write(artefacts, bundle)
    return tracking.register(bundle.files, bundle.sha256, {**tags, "uri": artefacts.uri(bundle.prefix)})


def read(artefacts: Lake, sha256: str) -> Bundle:
    """A bundle from the artefact store, every file proven. Raises BundleError."""
    folder = prefix(sha256)
    manifest = artefacts.read_bytes(f"{folder}/{MANIFEST}")
    names = read_manifest(manifest, sha256)["files"]
    return unpack({MANIFEST: manifest} | {name: artefacts.read_bytes(f"{folder}/{name}") for name in names}, sha256)


def write(artefacts: Lake, bundle: Bundle) -> None:
    """Put a bundle into the artefact store, its manifest last, so that a folder with a manifest is whole."""
    for name, content in bundle.files.items():
        if name != MANIFEST:
            artefacts.write_bytes(f"{bundle.prefix}/{name}", content)
    artefacts.write_bytes(f"{bundle.prefix}/{MANIFEST}", bundle.files[MANIFEST])
