"""The champion: the one model version that is served.

Belongs here: the asset, which carries out what the ledger asks for. Decisions are taken elsewhere, steps are `promotion.apply`'s.
"""

from typing import Any

import dagster as dg

from milk_assets.defs.assets.models import evaluation, floor
from milk_assets.defs.common import materialization as metadata
from milk_assets.promotion.state import fold
from milk_assets.settings import OWNER
from milk_assets.stores import champion_manifest
from milk_assets.stores.lake import Lake
from milk_assets.stores.model_registry import Tracking
from milk_model.bundle import prefix

ALIAS = "champion"


@dg.asset(
    deps=[
        dg.AssetDep(evaluation.evaluation, partition_mapping=dg.AllPartitionMapping()),
        dg.AssetDep(floor.floor, partition_mapping=dg.AllPartitionMapping()),
    ],
    group_name="models",
    kinds={"mlflow", "json"},
    owners=[OWNER],
)
def champion(context: dg.AssetExecutionContext, lake: Lake, artefacts: Lake, tracking: Tracking) -> dg.MaterializeResult[Any]:
    """The model that is served: finishes or reverts a change that was cut short, carries out the one that is due, and puts aliases
    and manifest back where they differ from the ledger.

    No retry of its own: what was aborted is in the ledger, and the promotion sensor tries again.
    """
    from milk_assets.promotion.change_champion import settle

    place = champion_manifest.place(lake, artefacts, tracking, actor=f"run {context.op_execution_context.run_id}")
    ended = settle(place)
    now = place.manifest()
    if now is None:
        raise dg.Failure(
            "nothing is served, and no evaluation asks for a champion; run the job `train` first", allow_retries=False
        )
    return materialization(context, artefacts, now, [entry.number for entry in ended])


def materialization(context: Any, artefacts: Lake, now: dict[str, Any], changes: list[int]) -> dg.MaterializeResult[Any]:
    """What the UI shows of a champion. now: the manifest. changes: numbers of the ledger's entries that ended a change."""
    from milk_assets.promotion.history import history_table

    state = fold(champion_manifest.ledger(artefacts).entries())
    decision = state.newest("decision")
    context.log.info("champion: version %s (%s)", now["version"], "changed" if changes else "kept")
    shown = decision.body["decision"] if decision else None
    return dg.MaterializeResult(
        metadata={
            "version": now["version"],
            "is_baseline": now["is_baseline"],
            "bundle": now["bundle"],
            "mode": state.mode,
            "changed": bool(changes),
            "ledger_entries": changes,
            "decided_on": now["decided_on"] or "by hand",
            "reason": shown["reason"] if shown else "no decision yet",
            "rules": metadata.rules(shown) if shown else "no decision yet",
            "skill_over_time": metadata.skill_plot(state.entries),
            "history": metadata.records(history_table(state.entries)[-metadata.MARKDOWN_ROWS :]) if state.entries else "none",
            "dagster/uri": artefacts.uri(prefix(now["bundle"])),
        },
        data_version=dg.DataVersion(now["bundle"]),
    )
