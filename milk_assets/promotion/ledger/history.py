"""Ledger history: entries as readable tables.

Belongs here: entries and rules as rows of text, and S over time. Not here: printing them (`milk_assets.commands`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from milk_assets.promotion.ledger.entries import AnyEntry, ChangeBody, DecisionBody, EndBody, FloorBody, ModeBody, Rule
from milk_assets.promotion.manifest import ModelVersion

RUN_ID = re.compile(r"\b([0-9a-f]{8})-[0-9a-f-]{27}\b")  # eight digits identify a run well enough, here and in the Dagster UI


def history_table(entries: Iterable[AnyEntry]) -> list[dict[str, str]]:
    """One row per entry: number, time in UTC, what, version, S, why, who."""
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


def rule_rows(rules: Iterable[Rule]) -> list[dict[str, str]]:
    """One row per rule of a decision: number, sentence, figure, threshold, whether it holds."""
    return [
        {
            "rule": rule.number,
            "name": rule.name.replace("_", " "),
            "figure": "–" if rule.figure is None else f"{rule.figure:.4g}",
            "threshold": f"{rule.threshold:.4g}",
            "holds": "yes" if rule.holds else f"no: {rule.reason}",
        }
        for rule in rules
    ]


def skill_series(entries: Iterable[AnyEntry]) -> dict[str, list[tuple[str, float]]]:
    """S by publication, ascending: of the challengers in evaluations, and of the champion live.

    Where a publication has several entries, the newest counts. A series without any value is left out.
    """
    series: dict[str, dict[str, float]] = {"challenger, evaluated": {}, "champion, live": {}}
    for entry in entries:
        body = entry.body
        if isinstance(body, DecisionBody | FloorBody) and body.decision.skill is not None:
            name = "challenger, evaluated" if isinstance(body, DecisionBody) else "champion, live"
            series[name][body.publication] = body.decision.skill
    return {name: sorted(points.items()) for name, points in series.items() if points}


def text_table(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows with equal keys as aligned lines of text; empty without rows."""
    if not rows:
        return ""
    names = list(rows[0])
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in names}
    lines = ["  ".join(name.ljust(widths[name]) for name in names)]
    lines += ["  ".join(row[name].ljust(widths[name]) for name in names) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _what(entry: AnyEntry) -> str:
    body = entry.body
    if isinstance(body, DecisionBody):
        return f"gate: {_in_words(body.decision.verdict)}"
    if isinstance(body, FloorBody):
        return f"floor: {_in_words(body.decision.verdict)}"
    if isinstance(body, ModeBody):
        return f"mode: {body.mode}"
    return f"{_in_words(body.action)}: {entry.kind}" if isinstance(body, ChangeBody) else entry.kind


def _version(entry: AnyEntry) -> str:
    body = entry.body
    version: ModelVersion | None = None
    if isinstance(body, DecisionBody):
        version = body.challenger
    elif isinstance(body, FloorBody):
        version = body.champion
    elif isinstance(body, ChangeBody):
        version = body.to
    return "" if version is None else version.label.removeprefix("version ")


def _skill(entry: AnyEntry) -> str:
    if isinstance(entry.body, DecisionBody | FloorBody) and entry.body.decision.skill is not None:
        return f"{entry.body.decision.skill:.3f}"
    return ""


def _why(entry: AnyEntry) -> str:
    body = entry.body
    if isinstance(body, DecisionBody | FloorBody):
        return f"{body.publication}: {_in_words(body.decision.reason)}"
    if isinstance(body, EndBody) and body.outcome:
        return f"{_in_words(body.reason)}; {body.outcome}"
    return _in_words(body.reason) if isinstance(body, ChangeBody | ModeBody) else ""


def _in_words(code: str) -> str:
    return code.replace("_", " ")
