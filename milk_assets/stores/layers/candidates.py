"""Candidates: the model trained at each publication, and what it was trained on.

Belongs here: the document. Training is `milk_assets.forecasting.training`.
"""

from typing import Any

from pydantic import AliasChoices, Field

from milk_assets.stores.lake import Lake
from milk_assets.stores.layers.layer import Layer, StoredDocument

LAYER = Layer("candidate", marker="candidate.json")


class Candidate(StoredDocument):
    """A trained and registered model version.

    Attributes:
        version: Number in the model registry.
        bundle: sha256 of the bundle's manifest.
        is_baseline: Always false.
        hyperparameters: As `Hyperparameters.to_dict` gives them; `recipe` in files of releases before 0.2.
        contender: Identity of hyperparameters and training code; refits share it.
        tuned_through: Newest publication date that tuning has seen, YYYY-MM-DD.
        workbook: sha256 of the workbook it was trained on.
        code: Fingerprint of the training code.
        mlflow_run: Id of its MLflow run.
    """

    version: int
    bundle: str
    is_baseline: bool = False
    hyperparameters: dict[str, Any] = Field(validation_alias=AliasChoices("hyperparameters", "recipe"))
    contender: str
    tuned_through: str
    workbook: str
    code: str
    mlflow_run: str = ""


def write_candidate(lake: Lake, publication: str, candidate: Candidate) -> None:
    """Write the candidate of a publication."""
    candidate.write(lake, LAYER.path(publication))


def read_candidate(lake: Lake, publication: str) -> Candidate:
    """The candidate of a publication. Raises LakeError where there is none."""
    return Candidate.read(lake, LAYER.path(publication))
