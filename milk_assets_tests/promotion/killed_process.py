"""A change of champion in a separate process that is killed before one of its steps; the tests run it through a fork server."""

import os
import signal
import sys
from typing import Any

from milk_assets.promotion.change_champion import carry_out
from milk_assets.promotion.ledger.state import Change
from milk_assets_tests.promotion.contexts import context_of


def die_at(step: int, root: str, uri: str, change: Change) -> None:
    """Carry out a change, and be killed before the step of a number. Steps are all writes to store and registry and both checks."""
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # hides what MLflow prints when it starts
    context = context_of(root, uri)
    count = 0

    def counted(call: Any) -> Any:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
            return call(*args, **kwargs)

        return wrapped

    for target, names in (
        (context.store, ("create_bytes", "replace_bytes")),
        (context.registry, ("set_alias", "delete_alias")),
    ):
        for name in names:
            object.__setattr__(target, name, counted(getattr(target, name)))
    for name in ("verify_bundle", "smoke_test"):
        object.__setattr__(context, name, counted(getattr(context, name)))
    carry_out(change, context)
