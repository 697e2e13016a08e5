"""`python -m milk_assets`: the same as the console script `milk`."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    from milk_assets.commands.application import main as run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
