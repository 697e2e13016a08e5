"""Changelog: the release notes of one version, read from CHANGELOG.md.

    python3 deploy/changelog.py v1.2.3

Standard library only, because the release workflow runs it before anything is installed.
"""

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).parent.parent / "CHANGELOG.md"


def release_notes(changelog: str, tag: str, package_version: str) -> str:
    """Return the text under `## [version]` in the changelog, without its heading.

    Args:
        changelog: The text of CHANGELOG.md.
        tag: The release's git tag, e.g. `v1.2.3`.
        package_version: The version in setup.cfg, which must equal the tag.

    Raises:
        ValueError: Tag and version differ, or the section is missing or empty.
    """
    version = tag.removeprefix("v")
    if version != package_version:
        raise ValueError(f"the tag is {tag}, but setup.cfg has version {package_version}; correct one of them")
    section = re.search(rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## \[|\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not section or not section[1].strip():
        raise ValueError(f"CHANGELOG.md has no text under `## [{version}]`; describe there what changed for users")
    return section[1].strip() + "\n"


def read_package_version(setup_cfg: str) -> str:
    """Return the version in the text of setup.cfg."""
    match = re.search(r"^version = (\S+)$", setup_cfg, re.MULTILINE)
    if not match:
        raise ValueError("setup.cfg: expected a line `version = …`, found none")
    return match[1]


if __name__ == "__main__":
    try:
        version = read_package_version((CHANGELOG.parent / "setup.cfg").read_text())
        sys.stdout.write(release_notes(CHANGELOG.read_text(), sys.argv[1], version))
    except ValueError as error:
        sys.exit(f"changelog: {error}")
