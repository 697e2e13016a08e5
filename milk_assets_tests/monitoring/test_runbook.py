"""Runbook: every alert rule has a section, and every section belongs to a rule."""

import re

import pytest

from milk_assets.monitoring.alerts.rules import RULES, RUNBOOK_PATH
from milk_assets_tests.conftest import ROOT

PARTS = ("**Meaning.**", "**Check.**", "**Action.**", "**Resolved**")


def sections() -> dict[str, str]:
    """Anchor → text of each section."""
    parts = re.split(r"^## (.+)$", (ROOT / RUNBOOK_PATH).read_text(), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_rule_has_a_section_and_every_section_a_rule() -> None:
    assert {f"{RUNBOOK_PATH}#{anchor}" for anchor in sections()} == {rule.section for rule in RULES.values()}


@pytest.mark.parametrize("anchor", sorted(sections()))
def test_a_section_has_meaning_check_action_and_resolved_in_this_order(anchor: str) -> None:
    positions = [sections()[anchor].find(part) for part in PARTS]
    assert -1 not in positions
    assert positions == sorted(positions)


def test_the_table_of_severities_matches_the_rules() -> None:
    table = dict(re.findall(r"^\| (page|warn|info): [^|]+ \| ([^|]+) \|$", (ROOT / RUNBOOK_PATH).read_text(), flags=re.MULTILINE))
    documented = {severity: set(names.strip().split(", ")) for severity, names in table.items()}
    assert documented == {
        severity: {rule.name.replace("_", "-") for rule in RULES.values() if rule.severity == severity}
        for severity in ("page", "warn", "info")
    }
