"""The IO manager that refuses to store values: assets read and write the lake by path.

Belongs here: refusing. Dagster's default IO manager would pickle what an asset returns, and reading a pickle can run any code.
"""

from typing import Any

import dagster as dg


class NoIO(dg.ConfigurableIOManager):
    """Refuses to store or load a value."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Raise dg.Failure, unless there is nothing to store."""
        if obj is not None:
            raise dg.Failure(f"{context.name}: write to the lake by path and return a MaterializeResult", allow_retries=False)

    def load_input(self, context: dg.InputContext) -> Any:
        """Raise dg.Failure."""
        raise dg.Failure(
            f"{context.name}: name the upstream asset in `deps` and read it from the lake by path", allow_retries=False
        )
