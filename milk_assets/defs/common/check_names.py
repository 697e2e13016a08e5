"""The checks: their names, and whether a failure stops the run.

Belongs here: names, so that the graph shows its checks before anything ran, and turning a proof's outcomes into results. The proofs
are `milk_assets.sniim.validation`'s; a test holds the two lists together.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from milk_assets.sniim.validation import Proof

# name → blocking: a blocking failure stops the run before anything is written
PRICES = {
    "schema_holds": True,
    "there_are_no_duplicates": True,
    "control_totals_match": True,
    "newest_block_is_the_expected_date": True,
    "no_block_is_later_than_expected": True,
    "prices_are_in_range": True,
    "active_series_are_still_priced": True,
    "history_is_kept": False,
    "dates_are_publication_days": False,
    "names_are_known": False,
}
DRIFT = "markets_move_as_they_always_have"
PAST = "past_is_not_restated"
MOVING = "prices_still_move"

# Failures of these stop no run, but no challenger is promoted on such a publication: its past differs from what was scored live.
GATING = ("history_is_kept",)

# Failures of these stop no run, so that nobody hears of them unless they are watched for. What the monitoring assets find is told
# from their documents, by market and model, and not a second time from their checks.
WATCHED = tuple(dg.AssetCheckKey(dg.AssetKey("prices"), name) for name, blocking in PRICES.items() if not blocking)


def specs() -> list[dg.AssetCheckSpec]:
    """What the asset `prices` declares."""
    return [
        dg.AssetCheckSpec(name, asset="prices", blocking=blocking, description=f"{name.replace('_', ' ').capitalize()}.")
        for name, blocking in PRICES.items()
    ]


def results(proof: "Proof") -> Iterator[dg.AssetCheckResult]:
    """One result an outcome, its message as description."""
    for outcome in proof.outcomes:
        yield dg.AssetCheckResult(
            check_name=outcome.name,
            passed=outcome.passed,
            severity=dg.AssetCheckSeverity.ERROR if outcome.blocking else dg.AssetCheckSeverity.WARN,
            description=outcome.message,
            metadata={"figure": str(outcome.figure), "expected": outcome.expected},
        )
