"""Served manifest: the JSON document that names the model version and the data to serve.

Belongs here: its fields and their validation. Not here: reading the files that it names (`champion`). `milk_assets` writes it.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, field_validator

from milk_model.artefact_paths import SERVED

MANIFEST_SCHEMA = 1  # the version of the document that this release reads


class BadArtefactError(ValueError):
    """The manifest, or a file that it names, cannot be served."""


class ServedData(BaseModel):
    """The price history to forecast from: the snapshot's path and sha256, and when it was published (`at`)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str
    sha256: str
    at: datetime | None = None


class ServedManifest(BaseModel):
    """What is served: a model version, its bundle and its data.

    Attributes:
        bundle: sha256 of the bundle's manifest.
        is_baseline: whether the version is the no-change baseline.
        facts: free-form facts about the model; `trained_through` is always present.
        since: when this version became the champion.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    # releases up to 0.1 write the key `schema`
    schema_version: int = Field(MANIFEST_SCHEMA, validation_alias=AliasChoices("schema", "schema_version"))
    version: int
    bundle: str
    is_baseline: bool
    facts: dict[str, Any]
    since: datetime
    data: ServedData

    @property
    def trained_through(self) -> str:
        """The last publication that the model was trained on, YYYY-MM-DD."""
        return str(self.facts["trained_through"])

    @field_validator("facts")
    @classmethod
    def _name_the_last_publication(cls, facts: dict[str, Any]) -> dict[str, Any]:
        if "trained_through" not in facts:
            raise ValueError("expected the key trained_through")
        return facts


def parse_manifest(content: bytes) -> ServedManifest:
    """The manifest in a file.

    Raises:
        BadArtefactError: the file is not JSON, has another schema version, names no data, or has a wrong field.
    """
    try:
        document = json.loads(content)
    except ValueError as error:
        raise BadArtefactError(f"{SERVED} is not JSON ({error}): promote a version again to rewrite it") from error
    schema = document.get("schema", document.get("schema_version")) if isinstance(document, dict) else None
    if schema != MANIFEST_SCHEMA:
        raise BadArtefactError(f"{SERVED} has schema {schema!r}, expected {MANIFEST_SCHEMA}: deploy the release that reads it")
    if not document.get("data"):
        raise BadArtefactError(f"{SERVED} names no data: run the Dagster job `forecast` once")
    try:
        return ServedManifest.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadArtefactError(f"{SERVED}, field {field}: {first['msg']}; promote a version again to rewrite it") from error
