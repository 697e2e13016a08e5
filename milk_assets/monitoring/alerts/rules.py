"""The alert rules: every name an alert may have, what it says, and the runbook section it opens.

Belongs here: names, words and severities, once. When a rule is broken is `facts`', what is told of it `incidents`'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RUNBOOK = "docs/runbook.md"
Severity = Literal["page", "warn", "info"]


@dataclass(frozen=True)
class Rule:
    """One alert. title: what it says, in the present tense. severity: page wakes somebody, warn waits for the morning, info only tells.
    after: observations in a row that must breach it before it is told. once: it tells of an event, and has no end to wait for."""

    name: str
    title: str
    severity: Severity
    after: int = 1
    once: bool = False

    @property
    def section(self) -> str:
        """The runbook section that says what to do."""
        return f"{RUNBOOK}#{self.name.replace('_', '-')}"


RULES = {
    rule.name: rule
    for rule in (
        Rule("run_failed", "A run failed", "page"),
        Rule("check_failed", "A check of the prices failed", "warn"),
        Rule("publication_late", "An expected publication is missing", "page"),
        Rule("feed_frozen", "The feed is frozen", "page"),
        Rule("states_missing", "States are missing from the newest publication", "page"),
        Rule("past_restated", "The source restated its past", "warn", once=True),
        Rule("market_drift", "A market left its own history", "warn"),
        Rule("model_performance", "The served model does worse than it should", "page"),
        Rule("champion_promoted", "Another model is served", "info", once=True),
        Rule("champion_rolled_back", "The served model was taken back", "warn", once=True),
        Rule("promotion_aborted", "A change of model was begun and put back", "page", once=True),
        # one failed look may be a deployment, or a packet lost
        Rule("api_unhealthy", "The endpoint does not answer as it should", "page", after=2),
        Rule("system_silent", "The platform itself has gone quiet", "page"),
    )
}
