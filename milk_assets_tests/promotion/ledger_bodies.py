"""Ledger bodies for tests: the fields that a test does not care about have defaults."""

from typing import Any

from milk_assets.promotion.ledger.entries import EntryBody, body_from_document

BUNDLE = "0" * 64
VERSION = {"version": 1, "bundle": BUNDLE, "is_baseline": True}
CHANGE = {"expected": None, "publication": None, "cause": None, "reason": "because"}
END = {**CHANGE, "intent": 1, "outcome": "", "facts": {}}
DEFAULTS: dict[str, dict[str, Any]] = {
    "decision": {"evidence": ""},
    "floor": {
        "champion": VERSION,
        "baseline": VERSION,
        "decision": {"verdict": "stand", "reason": "all_rules_hold", "skill": None, "rules": []},
    },
    "mode": {"reason": "because"},
    "intent": {**CHANGE, "before": {"aliases": {}, "manifest": None}, "holder": {"host": "elsewhere", "process": 1}},
    "applied": END,
    "aborted": END,
}


def ledger_body(kind: str, **fields: Any) -> EntryBody:
    """The body of an entry of a kind. Versions may leave out their bundle."""
    for name in ("to", "expected"):
        if isinstance(fields.get(name), dict):
            fields[name] = {"bundle": BUNDLE, "is_baseline": False, **fields[name]}
    return body_from_document(kind, {**DEFAULTS[kind], **fields})
