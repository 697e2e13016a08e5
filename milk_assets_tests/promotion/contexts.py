"""Promotion contexts for tests: a folder as store, valid bundles, and what a finished change looks like."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from milk_assets.promotion.change_champion import PromotionContext
from milk_assets.promotion.ledger.ledger import Ledger
from milk_assets.promotion.ledger.state import Change, disagreements
from milk_assets.promotion.manifest import ChampionManifest, ModelVersion
from milk_assets.stores.lake import Lake
from milk_assets.stores.model_registry import ModelRegistry
from milk_assets_tests.promotion.conftest import MODEL, NO_CHANGE, OTHER


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


def with_bundles(context: PromotionContext) -> PromotionContext:
    """Store the bundles that a context verifies."""
    for version in (NO_CHANGE, MODEL, OTHER):
        context.store.create_bytes(f"models/{version.bundle[:12]}/manifest.json", b"{}")
    return context


def promotion(context: PromotionContext, to: ModelVersion = MODEL, cause: int | None = None) -> Change:
    return Change("promote", to, context.state().champion, "all_rules_hold", "2025-03-28", cause)


def agreed_version(context: PromotionContext) -> int:
    """The version that ledger, manifest and alias agree on; no change is in progress."""
    state, manifest = context.state(), context.manifest()
    assert state.open_intent is None
    assert state.champion is not None
    assert disagreements(state, manifest, context.registry.version_number_of_alias("champion")) == []
    return state.champion.version
