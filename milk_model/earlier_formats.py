"""Earlier formats: how files written by previous releases are read.

Belongs here: the one table of old and new names, and applying it. Not here: the current format, see `forecaster` and `bundle`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# Old name → new name: keys of the model document and of hyperparameters, and names of features. Release 0.1 wrote the old ones.
RENAMED = {
    "recipe": "hyperparameters",
    "trust": "model_weight",
    "drifts": "follows_drift",
    "beta": "discount_regained",
    # hyperparameters
    "room_regained": "discount_regained",
    "trust_prior": "model_weight_prior",
    # features
    "room": "discount_depth",
}


def current_feature_names(names: Iterable[str]) -> list[str]:
    """Feature names as this release writes them, for lists that any release wrote.

    Compare the features of two bundles, or of a bundle and this release, only after this conversion.
    """
    return [RENAMED.get(name, name) for name in names]


def with_current_names(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document with every key, at any depth of nested objects, as this release writes it. Values are not changed."""
    return {
        RENAMED.get(key, key): with_current_names(value) if isinstance(value, Mapping) else value
        for key, value in document.items()
    }


def current_model_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document of `model.json` in the current format, from format 1 or from the current one.

    Format 2 differs from format 1 in names only, so both score the same.
    """
    if document.get("format") != 1:
        return dict(document)
    current = with_current_names(document)
    current["format"] = 2
    if isinstance(current.get("features"), list):
        current["features"] = current_feature_names(current["features"])
    return current
