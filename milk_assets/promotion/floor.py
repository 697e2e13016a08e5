"""The floor: a champion that does worse than no change is replaced by it, at every publication, at once.

Belongs here: the rule, as a pure function of live errors. Where the errors come from, and falling back, do not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from milk_assets.promotion.evidence import DIGITS
from milk_assets.promotion.gate import FIGURES, Rule
from milk_assets.promotion.ledger import Entry
from milk_assets.promotion.policy import HORIZONS, Policy
from milk_assets.promotion.state import Served

Verdict = Literal["stand", "fall_back"]


@dataclass(frozen=True)
class FloorDecision:
    """Whether the champion may stay. skill: its live S, None while too few of its forecasts have met their dates."""

    verdict: Verdict
    reason: str
    skill: float | None
    rules: tuple[Rule, ...]

    def as_document(self) -> dict[str, Any]:
        """The decision as plain values, for the ledger."""
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "skill": self.skill,
            "rules": [asdict(rule) for rule in self.rules],
        }


def live_errors(record: pd.DataFrame, version: int, policy: Policy | None = None) -> dict[str, dict[str, float]]:
    """Live errors of a version by horizon, publications ahead: number of dates, MAE and MAE of no change, MXN/l.

    record: track record rows of the champion, any number of publications; the newest dates of the policy count. Errors are
    averaged per date first. Only city forecasts that this version issued count: a new champion is not judged by the old one's.
    """
    policy = policy or Policy()
    own = record[
        (record.role == "champion")
        & (record.level == "city")
        & (record.task == "publication")
        & (record.model_version.astype(str) == str(version))
    ]
    found = {}
    for lead in HORIZONS:
        rows = own[own.lead == lead]
        errors = rows.assign(mae=(rows.forecast - rows.actual).abs(), naive=(rows.no_change - rows.actual).abs())
        per_date = errors.groupby("target")[["mae", "naive"]].mean().sort_index().tail(policy.dates)
        if len(per_date):
            found[str(lead)] = {
                "dates": float(len(per_date)),
                "mae": round(float(per_date.mae.mean()), DIGITS),
                "mae_no_change": round(float(per_date.naive.mean()), DIGITS),
            }
    return found


def live_skill(errors: Mapping[str, Mapping[str, float]], policy: Policy | None = None) -> float | None:
    """S of live errors: mean ratio over the horizons that have dates enough; None where none has."""
    policy = policy or Policy()
    enough = [one for one in errors.values() if one["dates"] >= policy.floor_dates and one["mae_no_change"] > 0]
    return round(float(np.mean([one["mae"] / one["mae_no_change"] for one in enough])), FIGURES) if enough else None


def previous_skill(entries: Iterable[Entry], champion: Served, publication: str) -> float | None:
    """The live S of the same champion at the publication before; None where another served, or it was not known."""
    before = [entry for entry in entries if entry.kind == "floor" and entry.body["publication"] < publication]
    newest = max(before, key=lambda entry: (entry.body["publication"], entry.number), default=None)
    if newest is None or Served.from_document(newest.body["champion"]) != champion:
        return None
    skill: float | None = newest.body["decision"]["skill"]
    return skill


def judge(
    errors: Mapping[str, Mapping[str, float]],
    previous: float | None,
    healthy: bool,
    is_baseline: bool,
    policy: Policy | None = None,
) -> FloorDecision:
    """Whether the champion may stay. errors: as `live_errors` gives them. previous: its live S at the publication before.

    healthy: it can be read, proven, and forecasts prices. Pure. No change itself stays whatever its errors; a version of it that
    cannot be served gives way to the newest one.
    """
    policy = policy or Policy()
    now = live_skill(errors, policy)
    lower = None if now is None or previous is None else min(now, previous)
    rules = (
        Rule("P10", "champion_can_be_served", float(healthy), 1.0, healthy, "champion_fails"),
        _unless_above("not_clearly_worse_than_no_change", now, policy.floor_once, "clearly_worse_than_no_change"),
        _unless_above("not_worse_than_no_change_twice", lower, policy.floor_twice, "worse_than_no_change_twice"),
    )
    failed = next((rule for rule in rules if not rule.holds), None)
    if failed is None or (is_baseline and healthy):
        return FloorDecision("stand", "champion_is_no_change" if is_baseline else "all_rules_hold", now, rules)
    return FloorDecision("fall_back", failed.reason, now, rules)


def _unless_above(name: str, figure: float | None, threshold: float, reason: str) -> Rule:
    """A rule that holds while its figure is not known: a champion is not replaced for what nobody has seen."""
    return Rule("P10", name, figure, threshold, figure is None or figure <= threshold, reason)
