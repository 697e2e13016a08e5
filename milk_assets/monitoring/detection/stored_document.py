"""Monitoring documents: the base class of the JSON documents that monitoring stores.

Belongs here: settings that all of them share. Not here: their fields, which are in the module that computes each document, and their paths
(`milk_assets.stores.layers.monitoring`).
"""

from pydantic import BaseModel, ConfigDict


class MonitoringPart(BaseModel):
    """A part of a monitoring document. Unknown fields are ignored, so that older code reads newer files.

    A field whose key on disk differs from its name has the key as `validation_alias` and `serialization_alias`.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class MonitoringDocument(MonitoringPart):
    """A whole document as it is stored.

    Attributes:
        schema_version: Version of the document's fields. Files of early releases have none and count as 1.
    """

    schema_version: int = 1
