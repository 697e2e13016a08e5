"""Manual jobs: what a person can do about the champion from the Dagster UI (`promote_version`, `rollback`, `freeze`, `unfreeze`).

Belongs here: ops and jobs that call `promotion.manual`, each with a reason. Not here: the same actions as commands
(`milk model`).
"""

from typing import TYPE_CHECKING

import dagster as dg

from milk_assets.defs.assets.models.champion import champion_result
from milk_assets.promotion.ledger.entries import Mode
from milk_assets.stores import champion_manifest
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import features
from milk_assets.stores.model_registry import ModelRegistry

if TYPE_CHECKING:
    from milk_assets.promotion.change_champion import PromotionContext


class ManualAction(dg.Config):
    """Why, and who.

    Attributes:
        reason: Why, for people who read the ledger later.
        actor: Name of the person.
    """

    reason: str
    actor: str


class PromoteVersionConfig(ManualAction):
    """A version to serve.

    Attributes:
        version: Number in the model registry.
    """

    version: int


class UnfreezeConfig(ManualAction):
    """Who decides from now on.

    Attributes:
        manual: If true, a person decides on what passes the gate, otherwise the gate alone.
    """

    manual: bool = False


@dg.op
def serve_version(
    context: dg.OpExecutionContext, config: PromoteVersionConfig, lake: Lake, artefacts: Lake, tracking: ModelRegistry
) -> None:
    """Serve a registered version, whatever the gate decided about it."""
    from milk_assets.promotion import manual

    promotion_context = champion_manifest.promotion_context(lake, artefacts, tracking, config.actor)
    version = champion_manifest.registered_version(tracking, config.version)
    entry = manual.promote(promotion_context, version, config.reason, features.LAYER.newest(lake))
    log_champion(context, promotion_context, artefacts, entry.number)


@dg.op
def serve_previous_version(
    context: dg.OpExecutionContext, config: ManualAction, lake: Lake, artefacts: Lake, tracking: ModelRegistry
) -> None:
    """Serve the previous version again."""
    from milk_assets.promotion import manual

    promotion_context = champion_manifest.promotion_context(lake, artefacts, tracking, config.actor)
    entry = manual.roll_back(promotion_context, config.reason, features.LAYER.newest(lake))
    log_champion(context, promotion_context, artefacts, entry.number)


@dg.op
def stop_promotions(
    context: dg.OpExecutionContext, config: ManualAction, lake: Lake, artefacts: Lake, tracking: ModelRegistry
) -> None:
    """Stop promotions until they are allowed again; the floor still acts."""
    set_mode(context, "frozen", config, champion_manifest.promotion_context(lake, artefacts, tracking, config.actor))


@dg.op
def allow_promotions(
    context: dg.OpExecutionContext, config: UnfreezeConfig, lake: Lake, artefacts: Lake, tracking: ModelRegistry
) -> None:
    """Let the gate decide again, or a person on what passes it."""
    mode: Mode = "manual" if config.manual else "auto"
    set_mode(context, mode, config, champion_manifest.promotion_context(lake, artefacts, tracking, config.actor))


@dg.job(description="Serves a registered version, with a reason.")
def promote_version() -> None:
    """One op."""
    serve_version()


@dg.job(description="Serves the previous version again, without retraining. For two weeks after it, promotions need a person.")
def rollback() -> None:
    """One op."""
    serve_previous_version()


@dg.job(description="Stops promotions until `unfreeze`; the floor still acts.")
def freeze() -> None:
    """One op."""
    stop_promotions()


@dg.job(description="Lets the gate decide again; with `manual`, a person decides on what passes the gate.")
def unfreeze() -> None:
    """One op."""
    allow_promotions()


def set_mode(context: dg.OpExecutionContext, mode: Mode, config: ManualAction, promotion_context: "PromotionContext") -> None:
    """Set who decides on promotions, and log it."""
    from milk_assets.promotion import manual

    entry = manual.set_mode(promotion_context, mode, config.reason)
    context.log.info("mode: %s (entry %d)", mode, entry.number)


def log_champion(context: dg.OpExecutionContext, promotion_context: "PromotionContext", artefacts: Lake, entry: int) -> None:
    """Log a materialization of `champion`, so that the UI shows the version that is served now."""
    manifest = promotion_context.manifest()
    if manifest is not None:
        result = champion_result(context, artefacts, manifest, [entry])
        context.log_event(dg.AssetMaterialization("champion", metadata=result.metadata))


MANUAL_JOBS = (promote_version, rollback, freeze, unfreeze)
