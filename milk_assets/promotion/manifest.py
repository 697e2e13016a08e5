"""Champion manifest: `serving/manifest.json`, which names the model version that is served and the data it forecasts from.

Belongs here: the document, and what identifies a model version. Not here: reading it from a store (`milk_assets.stores.champion_manifest`)
and the steps that replace it (`milk_assets.promotion.change_champion`).
"""

from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

# Fields that belong to the champion. `data` belongs to the asset `forecasts`, and `undone` marks an undone change.
CHAMPION_FIELDS = ("schema", "version", "bundle", "is_baseline", "facts", "since", "decided_on", "change")


class NamesVersion(Protocol):
    """Any document that names a model version: candidate, baseline, manifest."""

    @property
    def version(self) -> int: ...
    @property
    def bundle(self) -> str: ...
    @property
    def is_baseline(self) -> bool: ...


class ModelVersion(BaseModel):
    """What identifies a model version.

    Attributes:
        version: Number in the model registry.
        bundle: sha256 of the bundle's manifest.
        is_baseline: Whether it is the no-change baseline.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: int
    bundle: str
    is_baseline: bool

    @staticmethod
    def of(document: NamesVersion) -> "ModelVersion":
        """The model version that a document names."""
        return ModelVersion(version=document.version, bundle=document.bundle, is_baseline=document.is_baseline)

    @property
    def label(self) -> str:
        """The version in words, such as `version 3 (no change)`."""
        return f"version {self.version}{' (no change)' if self.is_baseline else ''}"


class PublishedData(BaseModel):
    """The data that the endpoint forecasts from.

    Attributes:
        path: Path of the snapshot in the artefact store.
        sha256: Digest of the snapshot.
        publication: Publication of its newest prices, YYYY-MM-DD.
        at: Time it was published, ISO 8601, UTC.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    path: str
    sha256: str
    publication: str
    at: str


class ChampionManifest(ModelVersion):
    """The manifest. Unknown fields are kept, because publishing data rewrites a manifest that a newer release may have written.

    Attributes:
        schema_version: Version of the document's fields; `schema` in the file.
        facts: Facts of the bundle as its manifest states them, free-form. Hyperparameters are under the key `recipe`.
        since: Time the change began, ISO 8601, UTC.
        decided_on: Newest publication when the change was decided, YYYY-MM-DD; None for a manual change without one.
        change: Number of the ledger entry (the intent) that put this version here.
        data: Data to forecast from; None before the first are published.
        undone: Number of the intent of the last change that was undone.
    """

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    schema_version: int = Field(default=1, alias="schema")
    facts: dict[str, Any] = Field(default_factory=dict)
    since: str = ""
    decided_on: str | None = None
    change: int | None = None
    data: PublishedData | None = None
    undone: int | None = None

    @staticmethod
    def parse(content: bytes) -> "ChampionManifest | None":
        """The manifest in a file's content; None if it is damaged, so that it is replaced like one that names a wrong version."""
        try:
            return ChampionManifest.model_validate_json(content)
        except ValidationError:
            return None

    @staticmethod
    def from_document(document: Any) -> "ChampionManifest | None":
        """The manifest in a JSON document; None if there is no document, or a damaged one."""
        try:
            return ChampionManifest.model_validate(document)
        except ValidationError:
            return None

    @property
    def model_version(self) -> ModelVersion:
        """The version that is served."""
        return ModelVersion.of(self)

    def to_document(self) -> dict[str, Any]:
        """The manifest as it is stored: fields that the file did not have are not added."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    def champion_fields(self) -> dict[str, Any]:
        """The fields that a change of champion replaces, as they are stored."""
        document = self.to_document()
        return {name: document[name] for name in CHAMPION_FIELDS if name in document}
