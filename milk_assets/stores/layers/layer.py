"""What all layers share: one folder of the lake, one subfolder per partition, and a document that completes it.

Belongs here: paths, partitions and the base class of stored documents. What a layer holds is in its own module.
"""

from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from milk_assets.stores.lake import Lake, LakeError


class StoredDocument(BaseModel):
    """A JSON document as it is stored. Unknown fields are ignored, so that older code reads newer files.

    Attributes:
        schema_version: Version of the document's fields. Files of releases before 0.2 have none and count as 1.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    schema_version: int = 1

    @classmethod
    def read(cls, lake: Lake, path: str) -> Self:
        """The document at a path. Raises LakeError where there is none, or where fields are missing or wrong, naming them."""
        try:
            return cls.model_validate(lake.read_json(path))
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
            raise LakeError(
                f"{lake.uri(path)} is not a complete {cls.__name__} ({problems}): materialize the asset that writes it again"
            ) from error

    def write(self, lake: Lake, path: str) -> None:
        """Write the document as JSON."""
        lake.write_json(path, self.model_dump(mode="json"))


@dataclass(frozen=True)
class Layer:
    """A layer of the lake: `{name}/{partition}/{file}`.

    Attributes:
        name: Folder of the layer.
        marker: File that is written last. A partition that has it is complete; one without it is not read.
    """

    name: str
    marker: str

    def path(self, partition: str, file: str | None = None) -> str:
        """Path of a file of a partition; without `file`, of its marker."""
        return f"{self.name}/{partition}/{file or self.marker}"

    def has(self, lake: Lake, partition: str) -> bool:
        """Whether a partition is complete."""
        return lake.exists(self.path(partition))

    def partitions(self, lake: Lake, *, until: str | None = None) -> list[str]:
        """Keys of the complete partitions, ascending, at most `until`."""
        return [key for key in lake.partitions(self.name, self.marker) if until is None or key <= until]

    def newest(self, lake: Lake, *, until: str | None = None) -> str | None:
        """The greatest key of a complete partition, at most `until`; None before the first."""
        return lake.newest(self.name, self.marker, until=until)
