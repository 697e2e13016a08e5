"""Floor: a champion that does worse than no change is replaced by it, at any publication.

Belongs here: the rules, as pure functions of live errors. Not here: reading the track record (the asset `floor`) and falling back
(`promotion.change_champion`).
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from milk_assets.promotion.evidence import SUM_DECIMALS
from milk_assets.promotion.gate import ALL_RULES_HOLD, FIGURE_DECIMALS
from milk_assets.promotion.ledger.entries import AnyEntry, FloorBody, FloorDecision, Rule
from milk_assets.promotion.manifest import ModelVersion
from milk_assets.promotion.policy import HORIZONS, Policy

CHAMPION_IS_BASELINE = "champion_is_no_change"


def live_errors(record: pd.DataFrame, version: int, policy: Policy | None = None) -> dict[str, dict[str, float]]:
    """Live errors of a version by horizon.

    Only city forecasts that this version issued as champion count, so that a new champion is not judged by its predecessor's errors.
    Errors are averaged per date first; the newest `policy.dates` dates count.

    Args:
        record: Track record, one row per issued forecast whose date was published; any number of publications.
        version: Number in the model registry.
        policy: Thresholds; by default this release's.

    Returns:
        Publications ahead, as text → number of `dates`, `mae` and `mae_no_change` in MXN/l. Horizons without a date are left out.
    """
    policy = policy or Policy()
    served = record[
        (record.role == "champion")
        & (record.level == "city")
        & (record.task == "publication")
        & (record.model_version.astype(str) == str(version))
    ]
    errors_by_horizon = {}
    for lead in HORIZONS:
        rows = served[served.lead == lead]
        errors = rows.assign(mae=(rows.forecast - rows.actual).abs(), naive=(rows.no_change - rows.actual).abs())
        per_date = errors.groupby("target")[["mae", "naive"]].mean().sort_index().tail(policy.dates)
        if len(per_date):
            errors_by_horizon[str(lead)] = {
                "dates": float(len(per_date)),
                "mae": round(float(per_date.mae.mean()), SUM_DECIMALS),
                "mae_no_change": round(float(per_date.naive.mean()), SUM_DECIMALS),
            }
    return errors_by_horizon


def live_skill(errors: Mapping[str, Mapping[str, float]], policy: Policy | None = None) -> float | None:
    """S of live errors: the mean ratio to no change over the horizons with enough dates; None if no horizon has.

    Args:
        errors: As `live_errors` returns them.
        policy: Thresholds; by default this release's.
    """
    policy = policy or Policy()
    ratios = [
        horizon["mae"] / horizon["mae_no_change"]
        for horizon in errors.values()
        if horizon["dates"] >= policy.floor_dates and horizon["mae_no_change"] > 0
    ]
    return round(float(np.mean(ratios)), FIGURE_DECIMALS) if ratios else None


def previous_skill(entries: Iterable[AnyEntry], champion: ModelVersion, publication: str) -> float | None:
    """The live S of a champion at the last publication before this one; None if another was served, or S was unknown."""
    earlier = [
        (entry.body.publication, entry.number, entry.body)
        for entry in entries
        if isinstance(entry.body, FloorBody) and entry.body.publication < publication
    ]
    if not earlier:
        return None
    newest = max(earlier, key=lambda verdict: verdict[:2])[2]
    return newest.decision.skill if newest.champion == champion else None


def judge(
    errors: Mapping[str, Mapping[str, float]],
    previous: float | None,
    healthy: bool,
    is_baseline: bool,
    policy: Policy | None = None,
) -> FloorDecision:
    """Whether the champion may stay. Pure.

    The baseline stays whatever its errors are. A version of it that cannot be served is replaced by the newest one.

    Args:
        errors: As `live_errors` returns them.
        previous: Live S at the previous publication; None if it is unknown.
        healthy: Whether the champion loads, reproduces its golden rows and forecasts plausible prices.
        is_baseline: Whether the champion is the baseline.
        policy: Thresholds; by default this release's.
    """
    policy = policy or Policy()
    current = live_skill(errors, policy)
    lower_of_two = None if current is None or previous is None else min(current, previous)
    rules = (
        Rule("P10", "champion_can_be_served", float(healthy), 1.0, healthy, "champion_fails"),
        _not_above("not_clearly_worse_than_no_change", current, policy.floor_once, "clearly_worse_than_no_change"),
        _not_above("not_worse_than_no_change_twice", lower_of_two, policy.floor_twice, "worse_than_no_change_twice"),
    )
    failed = next((rule for rule in rules if not rule.holds), None)
    if failed is None or (is_baseline and healthy):
        reason = CHAMPION_IS_BASELINE if is_baseline else ALL_RULES_HOLD
        return FloorDecision("stand", reason, current, rules)
    return FloorDecision("fall_back", failed.reason, current, rules)


def _not_above(name: str, figure: float | None, threshold: float, reason: str) -> Rule:
    """A rule that holds while its figure is unknown: a champion is not replaced without evidence."""
    return Rule("P10", name, figure, threshold, figure is None or figure <= threshold, reason)
