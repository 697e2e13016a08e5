"""Check names: the asset checks of the platform, as Dagster declares them.

Belongs here: names and specifications, so that the graph shows its checks before anything ran, and turning a validation into Dagster
results. Not here: the checks of a workbook, which are in `sniim.validation`, and their descriptions, in `sniim.check_catalogue`.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg

from milk_assets.sniim.check_catalogue import PRICE_CHECKS

if TYPE_CHECKING:
    from milk_assets.sniim.validation import Validation

# Checks of the monitoring assets
DRIFT = "markets_move_as_they_always_have"
PAST = "past_is_not_restated"
MOVING = "prices_still_move"

# These checks do not stop a run, but no challenger is promoted on a publication that fails one: its past differs from the past that
# was scored live.
PROMOTION_BLOCKING_CHECKS = ("history_is_kept",)

# These checks do not stop a run, so they must be monitored explicitly or they go unnoticed. The checks of the monitoring assets are
# not in the list: their findings are reported in more detail from the documents of those assets.
WATCHED_CHECKS = tuple(dg.AssetCheckKey(dg.AssetKey("prices"), check.name) for check in PRICE_CHECKS if not check.blocking)


def price_check_specs() -> list[dg.AssetCheckSpec]:
    """The checks that the asset `prices` declares."""
    return [
        dg.AssetCheckSpec(check.name, asset="prices", blocking=check.blocking, description=check.description)
        for check in PRICE_CHECKS
    ]


def price_check_results(validation: "Validation") -> Iterator[dg.AssetCheckResult]:
    """One Dagster result per check, with the check's message as its description."""
    for result in validation.results:
        yield dg.AssetCheckResult(
            check_name=result.name,
            passed=result.passed,
            severity=dg.AssetCheckSeverity.ERROR if result.blocking else dg.AssetCheckSeverity.WARN,
            description=result.message,
            metadata={"figure": str(result.figure), "expected": result.expected},
        )
