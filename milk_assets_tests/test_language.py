"""The language check: it finds what it should, and leaves plain English alone."""

import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).parent.parent / ".ci" / "check_language.py"
SPEC = importlib.util.spec_from_file_location("check_language", FILE)
assert SPEC is not None
assert SPEC.loader is not None
check_language = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(check_language)


@pytest.mark.parametrize(
    "line",
    [
        "# lest a series falls out",  # language: ok
        "# whoever asks is told what came",  # language: ok
        "# a price that is none",  # language: ok
        "# what a person can mend",  # language: ok
    ],
)
def test_an_archaic_phrase_is_found_with_its_line(line: str) -> None:
    findings = check_language.findings(f"x = 1\n{line}\n")
    assert findings
    assert {number for number, _, _ in findings} == {2}


@pytest.mark.parametrize(
    "line",
    [
        "if value is None:",
        "# the newest date, or none where there is none",
        "# standing order",
        "x = 'lest'  # language: ok",  # language: ok
    ],
)
def test_plain_english_and_marked_lines_pass(line: str) -> None:
    assert check_language.findings(line) == []
