"""Replay: whether every recorded verdict follows from what was recorded with it.

Belongs here: recomputing verdicts from a ledger and listing those that differ. Anyone who can read the bucket can run it. Not here: the
rules (`promotion.gate`, `promotion.floor`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from milk_assets.promotion import floor, gate
from milk_assets.promotion.evidence import Evidence
from milk_assets.promotion.ledger.entries import AnyEntry, AppliedBody, DecisionBody, FloorBody, FloorDecision, GateDecision
from milk_assets.promotion.ledger.ledger import LedgerError
from milk_assets.promotion.ledger.state import ContenderHistory, ledger_state
from milk_assets.promotion.manifest import ModelVersion
from milk_assets.promotion.policy import Policy


@dataclass(frozen=True)
class Difference:
    """A verdict that does not follow: number of its entry, what is recorded, what is recomputed."""

    number: int
    recorded: str
    recomputed: str


class DecisionInputs(BaseModel):
    """Everything that a decision of the gate is computed from, as it is stored in the ledger's evidence.

    Attributes:
        names: Role (challenger, champion, baseline) → model version; None if there was no champion.
        made_of: The sha256 of the workbook and the fingerprint of the training code.
        evidence: Sums of errors, as `Evidence.to_document` gives them.
        facts: Inputs of the gate besides errors.
        standing: History of the contender at that time.
        policy: Thresholds at that time.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    schema_version: int = 1
    names: dict[str, ModelVersion | None]
    made_of: dict[str, str]
    evidence: dict[str, dict[str, list[Any]]]
    facts: gate.GateInputs
    standing: ContenderHistory
    policy: Policy


def decision_inputs(
    evidence: Evidence,
    inputs: gate.GateInputs,
    history: ContenderHistory,
    policy: Policy,
    names: Mapping[str, ModelVersion | None],
    made_of: Mapping[str, str],
) -> dict[str, Any]:
    """The document of `DecisionInputs`, for `Ledger.keep_evidence`."""
    document = DecisionInputs(
        names=dict(names),
        made_of=dict(made_of),
        evidence=evidence.to_document(),
        facts=inputs,
        standing=history,
        policy=policy,
    )
    return document.model_dump(mode="json")


def replay(entries: Sequence[AnyEntry], read_evidence: Callable[[str], Mapping[str, Any]]) -> list[Difference]:
    """Verdicts of gate and floor that do not follow from what is recorded with them.

    Args:
        entries: All entries in order.
        read_evidence: Takes a sha256 and returns the inputs of a decision. If it raises LedgerError, that is a difference.
    """
    differences = []
    for index, entry in enumerate(entries):
        body, earlier = entry.body, entries[:index]
        if isinstance(body, AppliedBody):
            differences += _version_differs(entry.number, body, entries)
        if not isinstance(body, DecisionBody | FloorBody):
            continue
        recomputed: GateDecision | FloorDecision
        try:
            if isinstance(body, DecisionBody):
                recomputed = _recompute_decision(body, earlier, read_evidence)
            else:
                recomputed = _recompute_floor(body, earlier)
        except (LedgerError, KeyError, TypeError, ValueError) as error:
            differences.append(Difference(entry.number, _summary(body.decision), f"cannot be recomputed: {error}"))
            continue
        if recomputed != body.decision:
            differences.append(Difference(entry.number, _summary(body.decision), _summary(recomputed)))
    return differences


def _recompute_decision(
    body: DecisionBody, earlier: Sequence[AnyEntry], read_evidence: Callable[[str], Mapping[str, Any]]
) -> GateDecision:
    inputs = DecisionInputs.model_validate(read_evidence(body.evidence))
    history = ledger_state(earlier).contender_history(inputs.facts.contender)
    if history != inputs.standing:
        raise ValueError(f"it was decided on {inputs.standing}, the entries before it give {history}")
    names = {"challenger": body.challenger, "champion": body.champion, "baseline": body.baseline}
    if names != inputs.names or inputs.facts.publication.isoformat() != body.publication:
        raise ValueError("it names other versions or another publication than its evidence")
    return gate.decide(Evidence.from_document(inputs.evidence), inputs.facts, inputs.standing, inputs.policy)


def _recompute_floor(body: FloorBody, earlier: Sequence[AnyEntry]) -> FloorDecision:
    inputs, served = body.inputs, ledger_state(earlier).champion
    if inputs is None:
        raise ValueError("its inputs were not recorded")
    if served is not None and body.champion != served:
        raise ValueError(f"it judges {body.champion.label}, but {served.label} was served")
    previous = floor.previous_skill(earlier, body.champion, body.publication)
    if previous != inputs.previous or body.champion.is_baseline != inputs.is_baseline:
        raise ValueError(f"it was decided with a previous S of {inputs.previous}, the entries before it give {previous}")
    return floor.judge(inputs.errors, inputs.previous, inputs.healthy, inputs.is_baseline, inputs.policy)


def _version_differs(number: int, applied: AppliedBody, entries: Sequence[AnyEntry]) -> list[Difference]:
    """The difference of an applied change whose version is not the one that its cause calls for."""
    cause = next((entry.body for entry in entries if entry.number == applied.cause), None)
    if applied.action == "promote" and isinstance(cause, DecisionBody):
        expected = cause.challenger.version
    elif applied.action in {"fall_back", "first"} and isinstance(cause, DecisionBody | FloorBody):
        expected = cause.baseline.version
    else:
        return []
    if applied.to.version == expected:
        return []
    return [Difference(number, f"version {applied.to.version}", f"entry {applied.cause} asks for version {expected}")]


def _summary(decision: GateDecision | FloorDecision) -> str:
    failed = [f"{rule.name} {'–' if rule.figure is None else f'{rule.figure:.6g}'}" for rule in decision.rules if not rule.holds]
    return f"{decision.verdict} ({decision.reason}){': ' if failed else ''}{', '.join(failed)}"
