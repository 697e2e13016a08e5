"""The runbook: every alert that can be told has its section, and every section an alert."""

import re

import pytest

from milk_assets.monitoring.alerts.rules import RULES, RUNBOOK
from milk_assets_tests.conftest import ROOT

PARTS = ("**Means.**", "**Look at.**", "**Do.**", "**Over")


def sections() -> dict[str, str]:
    """Anchor → text of each section."""
    found = re.split(r"^## (.+)$", (ROOT / RUNBOOK).read_text(), flags=re.MULTILINE)[1:]
    return dict(zip(found[::2], found[1::2], strict=True))


def test_every_rule_has_a_section_and_every_section_a_rule() -> None:
    assert {f"{RUNBOOK}#{anchor}" for anchor in sections()} == {rule.section for rule in RULES.values()}


@pytest.mark.parametrize("anchor", sorted(sections()))
def test_a_section_says_what_it_means_what_to_look_at_what_to_do_and_when_it_is_over(anchor: str) -> None:
    places = [sections()[anchor].find(part) for part in PARTS]
    assert -1 not in places
    assert places == sorted(places)


def test_the_table_of_severities_is_that_of_the_rules() -> None:
    table = dict(re.findall(r"^\| (page|warn|info): [^|]+ \| ([^|]+) \|$", (ROOT / RUNBOOK).read_text(), flags=re.MULTILINE))
    told = {severity: set(names.strip().split(", ")) for severity, names in table.items()}
    assert told == {
        severity: {rule.name.replace("_", "-") for rule in RULES.values() if rule.severity == severity}
        for severity in ("page", "warn", "info")
    }
