"""The ledger: what is recorded of every change of champion.

Belongs here: the documents and their names. They are only ever added; writing them is the `champion` asset's business.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

FOLDER = "ledger"
Step = Literal["intent", "applied", "aborted"]


def path(at: datetime, step: Step, version: int) -> str:
    """Where an entry stands: names sort by time, so that a listing is the history."""
    return f"{FOLDER}/{at:%Y%m%dT%H%M%S.%fZ}-{step}-v{version}.json"


def entry(
    step: Step,
    *,
    at: datetime,
    actor: str,
    champion: Mapping[str, Any],
    previous: Mapping[str, Any] | None,
    publication: str,
    decision: Mapping[str, Any],
    reason: str = "",
) -> dict[str, Any]:
    """One entry: who changed the champion from what to what, on the evaluation of which publication, and by which rules.

    at: UTC. champion, previous: version and bundle. decision: as the gate documented it. reason: of an abort.
    """
    return {
        "step": step,
        "at": at.isoformat(),
        "actor": actor,
        "champion": dict(champion),
        "previous": dict(previous) if previous else None,
        "publication": publication,
        "decision": dict(decision),
        "reason": reason,
    }
