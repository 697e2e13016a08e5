"""Model bundles in the artefact store and the model registry.

Belongs here: reading, writing and registering the files of a model version. Not here: the bundle format (`milk_model.bundle`).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from milk_assets.stores.lake import Lake
from milk_assets.stores.model_registry import ModelRegistry, RegisteredVersion
from milk_model.bundle import MANIFEST, Bundle, pack, prefix, read_manifest, unpack

if TYPE_CHECKING:
    from milk_assets.forecasting.model import Model


def publish(
    model: "Model", facts: Mapping[str, Any], artefacts: Lake, tracking: ModelRegistry, tags: Mapping[str, str]
) -> RegisteredVersion:
    """Pack a model, store it under its sha256 and register it inside the active MLflow run.

    Args:
        model: Fitted model.
        facts: Facts for the bundle's manifest. They must not hold a time, so that equal models give equal bundles.
        artefacts: Artefact store.
        tracking: Model registry.
        tags: Tags of the registered version.
    """
    bundle = pack(model.save(), facts)
    write(artefacts, bundle)
    return tracking.register(bundle.files, bundle.sha256, {**tags, "uri": artefacts.uri(bundle.prefix)})


def read(artefacts: Lake, sha256: str) -> Bundle:
    """A bundle from the artefact store, every file compared with its digest.

    Args:
        artefacts: Artefact store.
        sha256: Digest of the bundle's manifest.

    Raises:
        BundleError: A file is damaged, or differs from its digest.
        LakeError: A file is missing.
    """
    folder = prefix(sha256)
    manifest = artefacts.read_bytes(f"{folder}/{MANIFEST}")
    names = read_manifest(manifest, sha256)["files"]
    return unpack({MANIFEST: manifest} | {name: artefacts.read_bytes(f"{folder}/{name}") for name in names}, sha256)


def write(artefacts: Lake, bundle: Bundle) -> None:
    """Store a bundle, its manifest last, so that a folder with a manifest is complete."""
    for name, content in bundle.files.items():
        if name != MANIFEST:
            artefacts.write_bytes(f"{bundle.prefix}/{name}", content)
    artefacts.write_bytes(f"{bundle.prefix}/{MANIFEST}", bundle.files[MANIFEST])
