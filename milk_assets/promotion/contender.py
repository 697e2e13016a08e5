"""Contender: what makes two candidates the same, and what a person must look at when it changes.

Belongs here: the identity of a candidate, its contract, and the newest date that its tuning may see. Judging it is `promotion.gate`.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from milk_assets.promotion.policy import HORIZONS, Policy
from milk_model.earlier_formats import current_feature_names
from milk_model.features import FEATURES, TARGET_FEATURES
from milk_model.forecaster import SEGMENTS


def contender_id(hyperparameters: Mapping[str, Any], training_code: str) -> str:
    """Identity of hyperparameters under a version of the training code: twelve hex digits. Refits share it."""
    text = json.dumps([dict(hyperparameters), training_code], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def model_contract() -> dict[str, Any]:
    """Inputs, their categories, the model family and the training window: a change of any is for a person to approve (rule P8)."""
    return {"features": [*FEATURES, *TARGET_FEATURES], "segments": list(SEGMENTS), "family": "xgboost", "window": "expanding"}


def contract_is_unchanged(served: Mapping[str, Any] | None, contract: Mapping[str, Any]) -> bool:
    """Whether a model keeps the contract of the last model served; true before the first. Earlier feature names count as current.

    Args:
        served: Facts of the last served model, as the ledger has them.
        contract: As `model_contract` returns it.
    """
    if served is None:
        return True
    current = {**served, "features": current_feature_names(served.get("features") or ())}
    return all(current.get(name) == value for name, value in contract.items())


def newest_date_for_tuning(dates: Any) -> Any:
    """The newest date that tuning may see.

    The gate's target dates, and the origins that lead to them, come after it. With too few dates for both, tuning gets the first
    half, and the gate will find too few dates.

    Args:
        dates: (T,) datetime64[D], ascending.
    """
    judged = Policy().dates + max(HORIZONS)
    return dates[max(len(dates) // 2, len(dates) - 1 - judged)]
