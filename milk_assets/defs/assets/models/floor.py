"""Floor: whether the champion may stay, decided at every publication.

Belongs here: the asset, which gathers the inputs and records the verdict. The rule is `promotion.floor`; falling back is up to the asset
`champion`.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.defs.common import materialization
from milk_assets.defs.common.publication_asset import publication_asset
from milk_assets.promotion.ledger.entries import FloorBody, FloorInputs
from milk_assets.promotion.ledger.state import ledger_state
from milk_assets.promotion.manifest import ModelVersion
from milk_assets.promotion.policy import Policy
from milk_assets.stores import champion_manifest
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import baselines, prices
from milk_assets.stores.layers.track_record import read_track_record

if TYPE_CHECKING:
    from milk_assets.frames import TrackRecord


@publication_asset(group="monitoring", kinds={"json"}, deps=["track_record", "features"])
def floor(context: dg.AssetExecutionContext, lake: Lake, artefacts: Lake) -> dg.MaterializeResult[Any]:
    """The champion's live errors against no change, and whether it can be loaded and scored; the verdict goes into the ledger.

    Weaker problems of its live record go into the ledger as an alarm, which is a reason to retrain.
    """
    from milk_assets.promotion.floor import judge, live_errors, previous_skill

    publication = context.partition_key
    ledger = champion_manifest.ledger(artefacts)
    state = ledger_state(ledger.entries())
    newest_baseline = baselines.LAYER.newest(lake)
    if state.champion is None or newest_baseline is None:
        return dg.MaterializeResult(metadata={"verdict": "no champion yet"})
    record = read_track_record(lake, until=publication)
    errors = live_errors(record, state.champion.version) if record is not None else {}
    previous = previous_skill(state.entries, state.champion, publication)
    is_healthy = champion_is_healthy(lake, artefacts, state.champion, publication)
    decision = judge(errors, previous, is_healthy, state.champion.is_baseline)
    baseline = baselines.read_baseline(lake, newest_baseline)
    body = FloorBody(
        publication=publication,
        champion=state.champion,
        baseline=ModelVersion.of(baseline),
        decision=decision,
        inputs=FloorInputs(
            errors=errors,
            previous=previous,
            healthy=is_healthy,
            is_baseline=state.champion.is_baseline,
            policy=Policy(),
        ),
        alarm=live_alarm(record, state.champion),
    )
    entry = ledger.add(body, at=datetime.now(UTC), actor=f"run {context.op_execution_context.run_id}")
    return dg.MaterializeResult(
        metadata={
            "verdict": decision.verdict,
            "reason": decision.reason,
            "skill": decision.skill or "too few dates",
            "alarm": body.alarm or "none",
            "ledger_entry": entry.number,
            "rules": materialization.rules(decision),
            "errors": dg.MetadataValue.json(errors),
            "skill_over_time": materialization.skill_plot((*state.entries, entry)),
        }
    )


def live_alarm(record: "TrackRecord | None", champion: ModelVersion) -> str | None:
    """What is wrong with the champion's live record; None where nothing is.

    A record that cannot be measured is an alarm too. It does not keep the floor's verdict out of the ledger.
    """
    from milk_assets.monitoring.detection.live_accuracy import performance_alarm

    if record is None:
        return None
    try:
        return performance_alarm(record[record.model_version.astype(str) == str(champion.version)])
    except ValueError as error:
        return f"the live record cannot be measured: {error}"


def champion_is_healthy(lake: Lake, artefacts: Lake, champion: ModelVersion, publication: str) -> bool:
    """Whether the champion's bundle loads, passes its golden rows and forecasts plausible prices.

    A store that does not answer raises instead: that is not the champion's fault, and the retry asks again.
    """
    from milk_assets.forecasting.model import Model
    from milk_assets.stores import model_bundles
    from milk_assets.stores.lake import LakeError
    from milk_model.bundle import BundleError

    try:
        model = Model.load(model_bundles.read(artefacts, champion.bundle).files)
        champion_manifest.check_forecasts_are_plausible(model.predict(prices.read_panel(lake, publication)))
    except (BundleError, LakeError, ValueError):
        return False
    return True
