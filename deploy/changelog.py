"""The changelog's section of one version: the notes of its release.

Belongs here: cutting it out, and refusing a release that has none. Standard library only: it runs before anything is installed.
"""

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).parent.parent / "CHANGELOG.md"


def notes(changelog: str, version: str, stated: str) -> str:
    """The text under `## [version]`, without its heading.

    version: a tag, `v1.2.3`. stated: the version that the package states, which must be the same. Raises ValueError, saying what to write
    where, on another one and where there is no such section or nothing in it.
    """
    number = version.removeprefix("v")
    if number != stated:
        raise ValueError(f"the tag is {version}, setup.cfg says {stated}: make them the same")
    found = re.search(rf"^## \[{re.escape(number)}\][^\n]*\n(.*?)(?=^## \[|\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not found or not found[1].strip():
        raise ValueError(f"CHANGELOG.md says nothing under `## [{number}]`: write what changed, for who uses it")
    return found[1].strip() + "\n"


def stated_version(setup: str) -> str:
    """The version in setup.cfg."""
    found = re.search(r"^version = (\S+)$", setup, re.MULTILINE)
    if not found:
        raise ValueError("setup.cfg states no version")
    return found[1]


if __name__ == "__main__":
    try:
        stated = stated_version((CHANGELOG.parent / "setup.cfg").read_text())
        sys.stdout.write(notes(CHANGELOG.read_text(), sys.argv[1], stated))
    except ValueError as error:
        sys.exit(f"changelog: {error}")
