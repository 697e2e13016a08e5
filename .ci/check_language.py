"""Fails on archaic or unclear phrases in code, docs and messages.

    python .ci/check_language.py [FILE…]    # by default every tracked file

Belongs here: the list of phrases and what to write instead. A line that must keep one, such as a quotation, ends in `language: ok`.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SUFFIXES = {".py", ".md", ".j2", ".js", ".yaml", ".yml", ".toml", ".cfg", ".sh", ".mk", ".in"}
NAMES = {"Makefile", "Dockerfile", "run"}
SKIPPED = ("requirements/", "cdk_tests/golden/", ".ci/check_language.py", "LICENSE")

# phrase → what to write instead
PHRASES = {
    r"lest": "so that … not",
    r"who(so)?ever": "the caller, anyone who",
    r"anew": "again, from scratch",
    r"mend(s|ed|ing)?": "fix, repair",
    r"nobody's": "say what it is: generated, sample",
    r"of ours|of theirs|none of (ours|theirs|its|them)": "the project's, third-party",
    r"(is|are|was|were|been|being) told": "is logged, is reported, is notified",
    r"(tells|telling|told) (nobody|of)|is to be told": "reports, notifies",
    r"stands? (already|for ever|alone|there)|(that|which) stands?": "exists, is stored",
    r"held against": "compared with",
    r"for want of": "without, too little",
    r"(the )?wish to|wishes to": "wants to",
    r"what came": "the actual value",
    r"(?<!there )is (?-i:none|nobody)": "is not a …, has none",
    r"so that nobody|knows nobody": "so that no one",
    r"all the while": "meanwhile",
    r"beside (it|them|the|each|what|a|that|this)": "next to, besides, compared with",
    r"said so|it is said|is said to": "is logged, is reported",
    r"hence|thereof|whereof|therein|wherein": "so, of it, in it",
}
PATTERN = re.compile(
    r"\b(?:" + "|".join(f"(?P<p{number}>{phrase})" for number, phrase in enumerate(PHRASES)) + r")\b", re.IGNORECASE
)


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [ROOT / path for path in listed if path and not path.startswith(SKIPPED)]


def is_checked(file: Path) -> bool:
    return file.is_file() and (file.suffix in SUFFIXES or file.name in NAMES)


def findings(text: str) -> list[tuple[int, str, str]]:
    """Line number, phrase found, and what to write instead."""
    result = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.rstrip().endswith("language: ok"):
            continue
        for match in PATTERN.finditer(line):
            phrase = next(index for index, group in enumerate(PHRASES) if match.group(f"p{index}"))
            result.append((number, match.group(0), list(PHRASES.values())[phrase]))
    return result


def main(arguments: list[str]) -> int:
    files = [Path(argument).resolve() for argument in arguments] or tracked_files()
    count = 0
    for file in filter(is_checked, files):
        for number, phrase, instead in findings(file.read_text("utf-8")):
            print(f"{file.relative_to(ROOT)}:{number}: {phrase!r}: write {instead}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
