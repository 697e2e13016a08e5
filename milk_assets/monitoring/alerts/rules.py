"""Alert rules: the name, texts and severity of every alert, and its runbook section.

Belongs here: what each rule is called and what its message says. Not here: when a rule is breached (`observations`) and when a message is
sent (`incidents`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RUNBOOK_PATH = "docs/runbook.md"
Severity = Literal["page", "warn", "info"]


@dataclass(frozen=True)
class Rule:
    """One alert rule.

    Attributes:
        name: Identifier; the runbook section has the same name with hyphens.
        title: What happened, in a few words.
        action: What the recipient should do, in one or two short sentences.
        severity: `page` needs somebody now, `warn` can wait until the morning, `info` needs no action.
        breaches_to_open: Number of breaches in a row before the incident is announced.
        is_event: Whether the rule reports a single event, which has no end and is announced once.
    """

    name: str
    title: str
    action: str
    severity: Severity
    breaches_to_open: int = 1
    is_event: bool = False

    @property
    def section(self) -> str:
        """The runbook section of this rule, as path and anchor."""
        return f"{RUNBOOK_PATH}#{self.name.replace('_', '-')}"


_ALL_RULES = (
    Rule(
        "run_failed",
        "A run failed",
        "Fix the cause and run the job again on the same partition. A rejected workbook must be corrected by the source.",
        "page",
    ),
    Rule(
        "check_failed",
        "A price check failed",
        "Open the check result of `prices` in the Dagster UI. Add a new spelling to milk_assets/sniim/names.py.",
        "warn",
    ),
    Rule(
        "publication_late",
        "An expected publication is missing",
        "Look for the file on the SNIIM site, then look at the ticks of publication_sensor.",
        "page",
    ),
    Rule(
        "feed_frozen",
        "The feed is frozen",
        "Ask the source for the correct file, and freeze promotions until it arrives.",
        "page",
    ),
    Rule(
        "states_missing",
        "States are missing from the newest publication",
        "Look at these states in the workbook. If the next publication lacks them too, ask the source.",
        "page",
    ),
    Rule(
        "past_restated",
        "The source changed past prices",
        "Look at the restatements table. A few recent prices are a normal correction.",
        "warn",
        is_event=True,
    ),
    Rule(
        "market_drift",
        "A market behaves unusually",
        "Look at the dashboard and the news. If the prices did not really move, freeze promotions.",
        "warn",
    ),
    Rule(
        "model_performance",
        "The served model performs poorly",
        "Find out whether a promotion or the market caused it. After a promotion, roll back.",
        "page",
    ),
    Rule("champion_promoted", "A new model is served", "Nothing.", "info", is_event=True),
    Rule(
        "champion_rolled_back",
        "The served model was rolled back",
        "Find out why the model failed before another one is promoted.",
        "warn",
        is_event=True,
    ),
    Rule(
        "promotion_aborted",
        "A model change failed and was rolled back",
        "Read the error. Temporary failures are retried; if the bundle is invalid, train again.",
        "page",
        is_event=True,
    ),
    # a single failed check may be a deployment or a lost packet
    Rule(
        "api_unhealthy",
        "The endpoint is unhealthy",
        "Look at the endpoint's logs and its last deployment.",
        "page",
        breaches_to_open=2,
    ),
    Rule(
        "system_silent",
        "The alert sensor has stopped",
        "Start the Dagster daemon. If it is running, read the error in the ticks of alert_sensor.",
        "page",
    ),
)
RULES = {rule.name: rule for rule in _ALL_RULES}
