"""A change of champion in a separate process that is killed before one of its steps; the tests run it through a fork server."""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from milk_assets.promotion.change_champion import PromotionContext, carry_out
from milk_assets.promotion.ledger.ledger import Ledger
from milk_assets.promotion.ledger.state import Change
from milk_assets.promotion.manifest import ChampionManifest, ModelVersion
from milk_assets.stores.lake import Lake
from milk_assets.stores.model_registry import ModelRegistry


def context_of(root: str, uri: str, actor: str = "test") -> PromotionContext:
    """A context with a folder as store and a real registry. A bundle is valid if it exists."""
    store = Lake(root=root)

    def verify_bundle(version: ModelVersion) -> dict[str, Any]:
        store.read_bytes(f"models/{version.bundle[:12]}/manifest.json")
        return {"kind": "baseline" if version.is_baseline else "model"}

    def smoke_test(manifest: ChampionManifest) -> None:
        store.read_bytes(f"models/{manifest.bundle[:12]}/manifest.json")

    registry = ModelRegistry(tracking_uri=uri, artefact_root=Path(root).as_uri())
    return PromotionContext(Ledger(store), store, registry, verify_bundle, smoke_test, lambda: datetime.now(UTC), actor)


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
