"""History: the ledger for people.

Belongs here: entries as rows of a readable table, a decision's rules as rows, and S over time. Printing them does not.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from milk_assets.promotion.ledger import Entry

RUN_ID = re.compile(r"\b([0-9a-f]{8})-[0-9a-f-]{27}\b")  # the first eight digits name a run well enough, here and in the UI


def history_table(entries: Iterable[Entry]) -> list[dict[str, str]]:
    """One row an entry: number, time in UTC, what, which version, why, who."""
    return [
        {
            "entry": str(entry.number),
            "at": f"{entry.at:%Y-%m-%d %H:%M}",
            "what": _what(entry),
            "version": _version(entry),
            "skill": _skill(entry),
            "why": _why(entry),
            "who": RUN_ID.sub(r"\1", entry.actor),
        }
        for entry in entries
    ]


def rule_rows(decision: Mapping[str, Any]) -> list[dict[str, str]]:
    """One row a rule of a decision's document: number, sentence, figure, threshold, whether it holds."""
    return [
        {
            "rule": str(rule["number"]),
            "name": str(rule["name"]).replace("_", " "),
            "figure": "–" if rule["figure"] is None else f"{rule['figure']:.4g}",
            "threshold": f"{rule['threshold']:.4g}",
            "holds": "yes" if rule["holds"] else f"no: {rule['reason']}",
        }
        for rule in decision["rules"]
    ]


def skill_series(entries: Iterable[Entry]) -> dict[str, list[tuple[str, float]]]:
    """S over publications: the challengers' in evaluations, the champion's live; the newest entry of a publication counts."""
    found: dict[str, dict[str, float]] = {"challenger, evaluated": {}, "champion, live": {}}
    for entry in entries:
        name = {"decision": "challenger, evaluated", "floor": "champion, live"}.get(entry.kind)
        if name and entry.body["decision"]["skill"] is not None:
            found[name][entry.body["publication"]] = float(entry.body["decision"]["skill"])
    return {name: sorted(points.items()) for name, points in found.items() if points}


def text_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows of equal keys as lines of text, columns aligned; empty where there are none."""
    if not rows:
        return ""
    names = list(rows[0])
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in names}
    lines = ["  ".join(name.ljust(widths[name]) for name in names)]
    lines += ["  ".join(row[name].ljust(widths[name]) for name in names) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _what(entry: Entry) -> str:
    if entry.kind in {"decision", "floor"}:
        verdict = str(entry.body["decision"]["verdict"]).replace("_", " ")
        return f"{'gate' if entry.kind == 'decision' else 'floor'}: {verdict}"
    if entry.kind == "mode":
        return f"mode: {entry.body['mode']}"
    return f"{str(entry.body['action']).replace('_', ' ')}: {entry.kind}"


def _version(entry: Entry) -> str:
    named = {"decision": "challenger", "floor": "champion", "mode": ""}.get(entry.kind, "to")
    served = entry.body.get(named)
    return "" if not served else f"{served['version']}{' (no change)' if served['is_baseline'] else ''}"


def _skill(entry: Entry) -> str:
    value = entry.body["decision"]["skill"] if "decision" in entry.body else None
    return "" if value is None else f"{value:.3f}"


def _why(entry: Entry) -> str:
    if "decision" in entry.body:
        return f"{entry.body['publication']}: {str(entry.body['decision']['reason']).replace('_', ' ')}"
    why = str(entry.body.get("reason", "")).replace("_", " ")
    outcome = entry.body.get("outcome")
    return f"{why}; {outcome}" if outcome else why
