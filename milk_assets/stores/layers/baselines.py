"""Baselines: the "no change" model registered at each publication.

Belongs here: the document that names the registered version.
"""

from milk_assets.stores.lake import Lake
from milk_assets.stores.layers.layer import Layer, StoredDocument

LAYER = Layer("baseline", marker="baseline.json")


class BaselineVersion(StoredDocument):
    """The registered version of the baseline.

    Attributes:
        version: Number in the model registry.
        bundle: sha256 of the bundle's manifest.
        is_baseline: Always true.
    """

    version: int
    bundle: str
    is_baseline: bool = True


def write_baseline(lake: Lake, publication: str, baseline: BaselineVersion) -> None:
    """Write the baseline of a publication."""
    baseline.write(lake, LAYER.path(publication))


def read_baseline(lake: Lake, publication: str) -> BaselineVersion:
    """The baseline of a publication. Raises LakeError where there is none."""
    return BaselineVersion.read(lake, LAYER.path(publication))
