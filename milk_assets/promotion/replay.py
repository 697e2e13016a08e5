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
from milk_assets.promotion.state import Served, Standing, fold


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
        if entry.kind == "applied":
            found += _other_version(entry, entries)
        if entry.kind not in {"decision", "floor"}:
            continue
        try:
            earlier = entries[:place]
            recomputed = _decided(entry, earlier, read_evidence) if entry.kind == "decision" else _floor(entry, earlier)
        except (LedgerError, KeyError, TypeError, ValueError) as error:
            found.append(Difference(entry.number, _short(entry.body["decision"]), f"cannot be recomputed: {error}"))
            continue
        if recomputed != entry.body["decision"]:
            found.append(Difference(entry.number, _short(entry.body["decision"]), _short(recomputed)))
    return found


def decision_inputs(
    evidence: Evidence,
    facts: gate.Facts,
    standing: Standing,
    policy: Policy,
    names: Mapping[str, Any],
    made_of: Mapping[str, str],
) -> dict[str, Any]:
    """What a decision is taken on, as the ledger keeps it.

    names: challenger, champion and baseline. made_of: the sha256 of the workbook and the version of the training code.
    """
    return {
        "names": dict(names),
        "made_of": dict(made_of),
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
    named = {role: entry.body[role] for role in ("challenger", "champion", "baseline")}
    if named != inputs["names"] or facts.publication.isoformat() != entry.body["publication"]:
        raise ValueError("it names other versions or another publication than it was decided on")
    evidence = Evidence.from_document(inputs["evidence"])
    return gate.decide(evidence, facts, standing, Policy.from_document(inputs["policy"])).as_document()


def _floor(entry: Entry, earlier: Sequence[Entry]) -> dict[str, Any]:
    inputs, state = entry.body["inputs"], fold(earlier)
    champion = Served.from_document(entry.body["champion"])
    if state.champion is not None and champion != state.champion:
        raise ValueError(f"it judges version {champion.version}, version {state.champion.version} was served")
    previous = floor.previous_skill(earlier, champion, entry.body["publication"])
    if previous != inputs["previous"] or champion.is_baseline != inputs["is_baseline"]:
        raise ValueError(f"it was judged on an S of {inputs['previous']} before, the ledger says {previous}")
    policy = Policy.from_document(inputs["policy"])
    decision = floor.judge(inputs["errors"], inputs["previous"], inputs["healthy"], inputs["is_baseline"], policy)
    return decision.as_document()


def _other_version(applied: Entry, entries: Sequence[Entry]) -> list[Difference]:
    """An applied change whose version is not the one that its cause asks for."""
    cause = applied.body.get("cause")
    asked = next((entry for entry in entries if entry.number == cause), None)
    if asked is None or applied.body["action"] not in {"promote", "fall_back", "first"}:
        return []
    wanted = asked.body["challenger" if applied.body["action"] == "promote" else "baseline"]["version"]
    served = applied.body["to"]["version"]
    return (
        [] if served == wanted else [Difference(applied.number, f"version {served}", f"entry {cause} asks for version {wanted}")]
    )


def _short(decision: Mapping[str, Any]) -> str:
    rules = [f"{rule['name']} {_figure(rule['figure'])}" for rule in decision["rules"] if not rule["holds"]]
    return f"{decision['verdict']} ({decision['reason']}){': ' if rules else ''}{', '.join(rules)}"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"
