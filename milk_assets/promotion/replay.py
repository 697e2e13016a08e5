"""Replay: whether every recorded verdict follows from what was recorded with it.

Belongs here: recomputing verdicts from a ledger, and telling which differ. Anyone who may read the bucket can do it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from milk_assets.promotion import floor, gate
from milk_assets.promotion.evidence import Evidence
from milk_assets.promotion.ledger import Entry, LedgerError
from milk_assets.promotion.policy import Policy
from milk_assets.promotion.state import Standing, fold


@dataclass(frozen=True)
class Difference:
    """A verdict that does not follow: of which entry, what is recorded, what comes out."""

    number: int
    recorded: str
    recomputed: str


def replay(entries: Sequence[Entry], read_evidence: Callable[[str], Mapping[str, Any]]) -> list[Difference]:
    """Every verdict of the gate and of the floor that does not follow from what is recorded with it.

    read_evidence: sha256 → what a decision was taken on; raises LedgerError where it is not what it was, which is a difference.
    """
    found = []
    for place, entry in enumerate(entries):
        if entry.kind not in {"decision", "floor"}:
            continue
        try:
            recomputed = _decided(entry, entries[:place], read_evidence) if entry.kind == "decision" else _floor(entry)
        except (LedgerError, KeyError, TypeError, ValueError) as error:
            found.append(Difference(entry.number, _short(entry.body["decision"]), f"cannot be recomputed: {error}"))
            continue
        if recomputed != entry.body["decision"]:
            found.append(Difference(entry.number, _short(entry.body["decision"]), _short(recomputed)))
    return found


def decision_inputs(evidence: Evidence, facts: gate.Facts, standing: Standing, policy: Policy) -> dict[str, Any]:
    """What a decision is taken on, as the ledger keeps it."""
    return {
        "evidence": evidence.to_document(),
        "facts": facts.to_document(),
        "standing": standing.to_document(),
        "policy": policy.to_document(),
    }


def _decided(entry: Entry, earlier: Sequence[Entry], read_evidence: Callable[[str], Mapping[str, Any]]) -> dict[str, Any]:
    inputs = read_evidence(entry.body["evidence"])
    facts, standing = gate.Facts.from_document(inputs["facts"]), Standing.from_document(inputs["standing"])
    known = fold(earlier).standing(facts.contender)
    if known != standing:
        raise ValueError(f"it was decided on the standing {standing}, the ledger says {known}")
    evidence = Evidence.from_document(inputs["evidence"])
    return gate.decide(evidence, facts, standing, Policy.from_document(inputs["policy"])).as_document()


def _floor(entry: Entry) -> dict[str, Any]:
    inputs = entry.body["inputs"]
    policy = Policy.from_document(inputs["policy"])
    decision = floor.judge(inputs["errors"], inputs["previous"], inputs["healthy"], inputs["is_baseline"], policy)
    return decision.as_document()


def _short(decision: Mapping[str, Any]) -> str:
    rules = [f"{rule['name']} {_figure(rule['figure'])}" for rule in decision["rules"] if not rule["holds"]]
    return f"{decision['verdict']} ({decision['reason']}){': ' if rules else ''}{', '.join(rules)}"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"
