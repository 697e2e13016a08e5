"""What is served: the one small file that readers ask for.

Belongs here: reading it. Only the `champion` asset writes it.
"""

from typing import Any

from lambda_service.layout import SERVED
from milk_assets.resources.lake import Lake

FACTS = ("version", "bundle", "is_baseline")  # what names a model version wherever it is mentioned


def served(artefacts: Lake) -> dict[str, Any] | None:
    """The champion: version, bundle, is_baseline, facts of its bundle, since when; None before the first one."""
    document: dict[str, Any] | None = artefacts.read_json(SERVED) if artefacts.exists(SERVED) else None
    return document
