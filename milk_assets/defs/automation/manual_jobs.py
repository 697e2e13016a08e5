"""What a person may do about the champion from the Dagster UI: the jobs `promote_version`, `rollback`, `freeze` and `unfreeze`.

Belongs here: jobs that call `promotion.by_hand`, each with a reason. The terminal's commands are `python -m milk_assets.promotion`.
"""

from typing import TYPE_CHECKING

import dagster as dg

from milk_assets.defs.assets.models.champion import champion_result
from milk_assets.promotion.state import Mode
from milk_assets.stores import champion_manifest
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import features
from milk_assets.stores.model_registry import Tracking

if TYPE_CHECKING:
    from milk_assets.promotion.change_champion import Place


class Reason(dg.Config):
    """reason: why; whoever reads the ledger in a year will ask. actor: who asks."""

    reason: str
    actor: str


class VersionAndReason(Reason):
    """version: of the registry, to be served."""

    version: int


class ModeAndReason(Reason):
    """manual: a person decides what the gate lets through; otherwise the gate decides."""

    manual: bool = False


@dg.op
def serve_version(
    context: dg.OpExecutionContext, config: VersionAndReason, lake: Lake, artefacts: Lake, tracking: Tracking
) -> None:
    """Serve a registered version, whatever the gate says of it."""
    from milk_assets.promotion import manual as by_hand

    place = champion_manifest.place(lake, artefacts, tracking, config.actor)
    to = champion_manifest.registered(tracking, config.version)
    _say(context, place, artefacts, by_hand.promote(place, to, config.reason, _newest(lake)).number)


@dg.op
def serve_the_one_before(context: dg.OpExecutionContext, config: Reason, lake: Lake, artefacts: Lake, tracking: Tracking) -> None:
    """Serve again what was served before."""
    from milk_assets.promotion import manual as by_hand

    place = champion_manifest.place(lake, artefacts, tracking, config.actor)
    _say(context, place, artefacts, by_hand.roll_back(place, config.reason, _newest(lake)).number)


@dg.op
def stop_promotions(context: dg.OpExecutionContext, config: Reason, lake: Lake, artefacts: Lake, tracking: Tracking) -> None:
    """No promotion until they are allowed again; the floor still acts."""
    _set_mode(context, "frozen", config, lake, artefacts, tracking)


@dg.op
def allow_promotions(
    context: dg.OpExecutionContext, config: ModeAndReason, lake: Lake, artefacts: Lake, tracking: Tracking
) -> None:
    """The gate decides again, or a person on what it lets through."""
    _set_mode(context, "manual" if config.manual else "auto", config, lake, artefacts, tracking)


@dg.job(description="Serve a registered version, by hand and with a reason.")
def promote_version() -> None:
    """One op."""
    serve_version()


@dg.job(description="Serve again what was served before; no retraining. For two weeks from then on a person decides.")
def rollback() -> None:
    """One op."""
    serve_the_one_before()


@dg.job(description="No promotion until `unfreeze`; the floor still acts.")
def freeze() -> None:
    """One op."""
    stop_promotions()


@dg.job(description="The gate decides again; with `manual`, a person on what it lets through.")
def unfreeze() -> None:
    """One op."""
    allow_promotions()


def _newest(lake: Lake) -> str | None:
    return features.LAYER.newest(lake)


def _set_mode(
    context: dg.OpExecutionContext, mode: Mode, config: Reason, lake: Lake, artefacts: Lake, tracking: Tracking
) -> None:
    from milk_assets.promotion import manual as by_hand

    entry = by_hand.set_mode(champion_manifest.place(lake, artefacts, tracking, config.actor), mode, config.reason)
    context.log.info("mode: %s (entry %d)", mode, entry.number)


def _say(context: dg.OpExecutionContext, place: "Place", artefacts: Lake, entry: int) -> None:
    """Show the new champion where the UI shows the old one."""
    manifest = place.manifest()
    if manifest is not None:
        shown = champion_result(context, artefacts, manifest, [entry])
        context.log_event(dg.AssetMaterialization("champion", metadata=shown.metadata))


ALL = (promote_version, rollback, freeze, unfreeze)
