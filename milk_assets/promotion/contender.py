"""Contender: hyperparameters that compete for champion, whatever publication they were refitted on.

Belongs here: what makes two candidates the same contender, its contract, the newest date that its tuning may see, and its live record.
Not here: judging it (`promotion.gate`).
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from milk_assets.promotion.policy import HORIZONS, Policy
from milk_model.earlier_formats import current_feature_names
from milk_model.features import FEATURES, TARGET_FEATURES
from milk_model.forecaster import SEGMENTS

if TYPE_CHECKING:
    import pandas as pd


def contender_id(hyperparameters: Mapping[str, Any], training_code: str) -> str:
    """Identity of hyperparameters under a version of the training code: twelve hex digits. Refits share it."""
    text = json.dumps([dict(hyperparameters), training_code], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def model_contract() -> dict[str, Any]:
    """Features, segments, model family and training window: a change of any needs a person's approval (rule P8)."""
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
    dates_of_the_gate = Policy().dates + max(HORIZONS)
    return dates[max(len(dates) // 2, len(dates) - 1 - dates_of_the_gate)]


def shadow_error_ratio(record: "pd.DataFrame", challenger_versions: Collection[str]) -> float | None:
    """Live error of a challenger over the champion's, city series, one publication ahead; None if they share no forecast.

    Args:
        record: Track record, one row per issued forecast whose date was published.
        challenger_versions: Registry versions of the contender, as text.
    """
    next_publication = record[(record.task == "publication") & (record.lead == 1) & (record.level == "city")]
    errors = next_publication.assign(error=(next_publication.forecast - next_publication.actual).abs())
    challenger = errors[(errors.role == "challenger") & errors.model_version.isin(set(challenger_versions))]
    champion = errors[errors.role == "champion"]
    paired = challenger.merge(champion, on=["origin", "target", "series"], suffixes=("", "_champion"))
    champion_error = float(paired.error_champion.sum())
    return float(paired.error.sum()) / champion_error if champion_error > 0 else None
