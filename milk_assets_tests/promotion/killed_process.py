"""A change of champion in a process of its own that is killed before its n-th step; run by the tests through a fork server."""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from milk_assets.promotion.change_champion import Place, carry_out
from milk_assets.promotion.ledger import Ledger
from milk_assets.promotion.state import Change, Served
from milk_assets.stores.lake import Lake
from milk_assets.stores.model_registry import Tracking


def place_of(root: str, uri: str, actor: str = "test") -> Place:
    """A place with a folder as store and a real registry; bundles are proven by being there."""
    store = Lake(root=root)

    def prove(version: Served) -> dict[str, Any]:
        store.read_bytes(f"models/{version.bundle[:12]}/manifest.json")
        return {"kind": "baseline" if version.is_baseline else "model"}

    def smoke(manifest: Any) -> None:
        store.read_bytes(f"models/{manifest['bundle'][:12]}/manifest.json")

    registry = Tracking(tracking_uri=uri, artefact_root=Path(root).as_uri())
    return Place(Ledger(store), store, registry, prove, smoke, lambda: datetime.now(UTC), actor)


def die_at(step: int, root: str, uri: str, change: Change) -> None:
    """Carry a change out, and be killed before the step of that number: every write to store or registry is one, and the test too."""
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # MLflow's first words
    place = place_of(root, uri)
    count = 0

    def deadly(call: Any) -> Any:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1
            return call(*args, **kwargs)

        return wrapped

    for thing, names in ((place.store, ("create_bytes", "replace_bytes")), (place.registry, ("point", "drop"))):
        for name in names:
            object.__setattr__(thing, name, deadly(getattr(thing, name)))
    for name in ("prove", "smoke"):
        object.__setattr__(place, name, deadly(getattr(place, name)))
    carry_out(change, place)
