"""Champion: the one model version that is served.

Belongs here: the asset, which carries out what the ledger asks for. Decisions are made by gate and floor; the steps of a change are
`promotion.change_champion`.
"""

from typing import Any

import dagster as dg

from milk_assets.defs.common import materialization
from milk_assets.defs.common.publication_asset import all_partitions_of
from milk_assets.promotion.ledger.entries import DecisionBody
from milk_assets.promotion.ledger.state import ledger_state
from milk_assets.promotion.manifest import ChampionManifest
from milk_assets.settings import OWNER
from milk_assets.stores import champion_manifest
from milk_assets.stores.lake import Lake
from milk_assets.stores.model_registry import ModelRegistry
from milk_model.bundle import prefix


@dg.asset(
    deps=[all_partitions_of("evaluation"), all_partitions_of("floor")],
    group_name="models",
    kinds={"mlflow", "json"},
    owners=[OWNER],
)
def champion(
    context: dg.AssetExecutionContext, lake: Lake, artefacts: Lake, tracking: ModelRegistry
) -> dg.MaterializeResult[Any]:
    """The model that is served.

    Finishes or reverts an interrupted change, carries out the change that is due, and corrects aliases and manifest where they
    differ from the ledger. It has no retry policy: an aborted change is in the ledger, and the promotion sensor tries again.
    """
    from milk_assets.promotion.change_champion import reconcile

    promotion_context = champion_manifest.promotion_context(
        lake, artefacts, tracking, actor=f"run {context.op_execution_context.run_id}"
    )
    ended = reconcile(promotion_context)
    manifest = promotion_context.manifest()
    if manifest is None:
        raise dg.Failure("there is no champion, and no evaluation asks for one: run the job `train` first", allow_retries=False)
    return champion_result(context, artefacts, manifest, [entry.number for entry in ended])


def champion_result(
    context: Any, artefacts: Lake, manifest: ChampionManifest, ledger_entries: list[int]
) -> dg.MaterializeResult[Any]:
    """What the UI shows of a champion.

    Args:
        context: Asset or op context, for the log.
        artefacts: Artefact store, which holds the ledger.
        manifest: Manifest of what is served.
        ledger_entries: Numbers of the entries that ended a change; empty where the champion stayed.
    """
    from milk_assets.promotion.ledger.history import history_table

    state = ledger_state(champion_manifest.ledger(artefacts).entries())
    newest = state.newest(DecisionBody)
    decision = newest.body.decision if newest else None
    context.log.info("champion: version %s (%s)", manifest.version, "changed" if ledger_entries else "kept")
    history = history_table(state.entries)[-materialization.MARKDOWN_ROWS :]
    return dg.MaterializeResult(
        metadata={
            "version": manifest.version,
            "is_baseline": manifest.is_baseline,
            "bundle": manifest.bundle,
            "mode": state.mode,
            "changed": bool(ledger_entries),
            "ledger_entries": ledger_entries,
            "decided_on": manifest.decided_on or "by hand",
            "reason": decision.reason if decision else "no decision yet",
            "rules": materialization.rules(decision) if decision else "no decision yet",
            "skill_over_time": materialization.skill_plot(state.entries),
            "history": materialization.records(history) if history else "none",
            "dagster/uri": artefacts.uri(prefix(manifest.bundle)),
        },
        data_version=dg.DataVersion(manifest.bundle),
    )
