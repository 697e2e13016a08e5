"""Ledger entries: the documents that record decisions about the champion and changes of it.

Belongs here: one pydantic model for each kind of entry. Not here: adding and reading them (`promotion.ledger.ledger`) and what they
add up to (`promotion.ledger.state`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from milk_assets.promotion.manifest import ModelVersion
from milk_assets.promotion.policy import Policy

# decision: of the gate, on a challenger. floor: of the floor, on the champion. mode: who decides. The others are steps of a change.
Kind = Literal["decision", "floor", "mode", "intent", "applied", "aborted"]
# first: nothing was served. repair: aliases or manifest are put back to what the ledger says.
Action = Literal["first", "promote", "fall_back", "rollback", "repair"]
# auto: the gate decides. manual: a person decides. frozen: no promotion.
Mode = Literal["auto", "manual", "frozen"]
# promote: now. trial: passed, to be judged again or to stay longer in the shadow. hold: a person decides. keep: the champion stays.
Verdict = Literal["promote", "trial", "hold", "keep"]
FloorVerdict = Literal["stand", "fall_back"]
SCHEMA_VERSION = 1  # of an entry's fields; entries of releases before 0.2 have none and count as 1


@dataclass(frozen=True)
class Rule:
    """One rule of a decision.

    Attributes:
        number: Number of the rule in docs/promotion.md, such as `P3`.
        name: The rule as a sentence in snake case.
        figure: Value that was measured; None if it could not be computed.
        threshold: Value that the figure is compared with.
        holds: Whether the rule holds.
        reason: Code of the reason that is given where the rule does not hold.
    """

    number: str
    name: str
    figure: float | None
    threshold: float
    holds: bool
    reason: str


@dataclass(frozen=True)
class GateDecision:
    """Whether a challenger replaces the champion, with every rule.

    Attributes:
        verdict: What happens to the challenger.
        reason: Code of the first rule that fails, or `all_rules_hold`.
        rules: Every rule, failed or not.
        passed: Whether all rules about the model itself hold; such decisions are counted in consecutive weeks.
        skill: S of the challenger; None if it cannot be computed.
    """

    verdict: Verdict
    reason: str
    rules: tuple[Rule, ...]
    passed: bool
    skill: float | None


@dataclass(frozen=True)
class FloorDecision:
    """Whether the champion may stay, with every rule.

    Attributes:
        verdict: `stand` (it stays) or `fall_back` (the baseline replaces it).
        reason: Code of the first rule that fails, `all_rules_hold`, or `champion_is_no_change`.
        skill: Live S of the champion; None while too few of its forecasts have been scored.
        rules: Every rule, failed or not.
    """

    verdict: FloorVerdict
    reason: str
    skill: float | None
    rules: tuple[Rule, ...]


class EntryBody(BaseModel):
    """The fields of an entry that depend on its kind."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: ClassVar[Kind]


class VerdictBody(EntryBody):
    """A verdict on a model version at a publication.

    Attributes:
        publication: YYYY-MM-DD.
        champion: Version served when the verdict was given; None before the first.
        baseline: Newest version of the baseline.
    """

    publication: str
    champion: ModelVersion | None
    baseline: ModelVersion


class DecisionBody(VerdictBody):
    """A decision of the gate.

    Attributes:
        contender: Identity of the challenger's hyperparameters and training code.
        challenger: The version that was judged.
        decision: Verdict and rules.
        evidence: sha256 of the inputs of the decision, which are stored under it.
    """

    kind = "decision"

    contender: str
    challenger: ModelVersion
    decision: GateDecision
    evidence: str


class FloorInputs(BaseModel):
    """What a decision of the floor is computed from.

    Attributes:
        errors: Live errors by horizon, as `promotion.floor.live_errors` returns them.
        previous: Live S at the previous publication; None if it is unknown.
        healthy: Whether the champion loads and forecasts plausible prices.
        is_baseline: Whether the champion is the baseline.
        policy: Thresholds at that time.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    errors: dict[str, dict[str, float]]
    previous: float | None
    healthy: bool
    is_baseline: bool
    policy: Policy


class FloorBody(VerdictBody):
    """A decision of the floor.

    Attributes:
        champion: The version that was judged.
        decision: Verdict and rules.
        inputs: What it was computed from; without them it cannot be replayed.
        alarm: What is wrong with the live record, which is a reason to retrain; None if nothing is.
    """

    kind = "floor"

    champion: ModelVersion
    decision: FloorDecision
    inputs: FloorInputs | None = None
    alarm: str | None = None


class ModeBody(EntryBody):
    """A change of who decides on promotions, with the reason that the person gave."""

    kind = "mode"

    mode: Mode
    reason: str


class ChangeBody(EntryBody):
    """A step of a change of champion.

    Attributes:
        action: Why the champion changes.
        to: Version to serve.
        expected: Version that is served when the change begins; None before the first.
        publication: Newest publication when the change was decided, YYYY-MM-DD.
        cause: Number of the entry that the change follows from; None for a person's.
        reason: Why, as a code or in a person's words.
    """

    action: Action
    to: ModelVersion
    expected: ModelVersion | None
    publication: str | None
    cause: int | None
    reason: str


class ServedBefore(BaseModel):
    """What a change replaces, to be restored if it fails.

    Attributes:
        aliases: Alias → version number; None if the alias did not exist.
        manifest: The champion's fields of the manifest as they were stored; None if there was no manifest.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    aliases: dict[str, int | None]
    manifest: dict[str, Any] | None


class Holder(BaseModel):
    """The process that carries out a change."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    host: str
    process: int


class IntentBody(ChangeBody):
    """The begin of a change. While it has no end, no other change begins."""

    kind = "intent"

    before: ServedBefore
    holder: Holder


class EndBody(ChangeBody):
    """The end of a change.

    Attributes:
        intent: Number of the entry that began it.
        outcome: What went wrong or was special; empty for a plain success.
        facts: Facts of the new champion's bundle, free-form; empty where the change was aborted.
    """

    intent: int
    outcome: str
    facts: dict[str, Any]


class AppliedBody(EndBody):
    """A change that was carried out."""

    kind = "applied"


class AbortedBody(EndBody):
    """A change that was undone."""

    kind = "aborted"


BODY_TYPES: dict[str, type[EntryBody]] = {
    body_type.kind: body_type for body_type in (DecisionBody, FloorBody, ModeBody, IntentBody, AppliedBody, AbortedBody)
}
Body = TypeVar("Body", bound=EntryBody, covariant=True)


@dataclass(frozen=True)
class Entry(Generic[Body]):
    """One entry of the ledger.

    Attributes:
        number: Position in the ledger, from 1.
        at: Time it was added, UTC.
        actor: Person or run that added it.
        body: What its kind says.
    """

    number: int
    at: datetime
    actor: str
    body: Body

    @property
    def kind(self) -> Kind:
        """Kind of the entry."""
        return self.body.kind

    def to_document(self) -> dict[str, Any]:
        """The entry as plain values, for JSON."""
        return {
            "number": self.number,
            "kind": self.kind,
            "at": self.at.isoformat(),
            "actor": self.actor,
            "schema_version": SCHEMA_VERSION,
            **self.body.model_dump(mode="json"),
        }


AnyEntry = Entry[EntryBody]


def entry_from_document(document: Mapping[str, Any]) -> AnyEntry:
    """The entry that `Entry.to_document` wrote, of this release or an older one.

    Raises:
        ValueError: The kind is unknown, or a field is missing or of the wrong type.
        KeyError: The document has no number, time or actor.
    """
    body = body_from_document(document.get("kind"), document)
    return Entry(document["number"], datetime.fromisoformat(document["at"]), document["actor"], body)


def body_from_document(kind: Any, document: Mapping[str, Any]) -> EntryBody:
    """The body of an entry of a kind.

    Raises:
        ValueError: The kind is unknown, or a field is missing or of the wrong type.
    """
    if kind not in BODY_TYPES:
        raise ValueError(f"kind {kind!r} is unknown, expected one of {', '.join(BODY_TYPES)}")
    return BODY_TYPES[kind].model_validate(document)
