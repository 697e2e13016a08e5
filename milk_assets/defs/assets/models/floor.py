"""The floor: whether the champion may stay, at every publication.

Belongs here: the asset, which gathers and records. The rule is `promotion.floor`'s; falling back is the `champion` asset's.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.defs.assets.data import features
from milk_assets.defs.assets.models import baseline, track_record
from milk_assets.defs.common import materialization
from milk_assets.defs.common.partitions import publications
from milk_assets.defs.common.retry_policy import RETRY
from milk_assets.promotion.policy import Policy
from milk_assets.promotion.state import Served, fold
from milk_assets.settings import OWNER
from milk_assets.stores import champion_manifest
from milk_assets.stores.lake import Lake

if TYPE_CHECKING:
    import pandas as pd


@dg.asset(
    partitions_def=publications,
    deps=[track_record.track_record, features.features],
    group_name="monitoring",
    kinds={"json"},
    owners=[OWNER],
    retry_policy=RETRY,
)
def floor(context: dg.AssetExecutionContext, lake: Lake, artefacts: Lake) -> dg.MaterializeResult[Any]:
    """The champion's live errors against no change, and whether it can be served at all; the verdict goes into the ledger.

    So does what is wrong with its live record short of that, which is a reason to train anew.
    """
    from milk_assets.promotion.floor import judge, live_errors, previous_skill

    publication = context.partition_key
    ledger = champion_manifest.ledger(artefacts)
    state = fold(ledger.entries())
    newest = lake.newest(baseline.LAYER, baseline.FILE)
    if state.champion is None or newest is None:
        return dg.MaterializeResult(metadata={"verdict": "nothing is served yet"})
    record = track_record.read(lake, until=publication)
    errors = live_errors(record, state.champion.version) if record is not None else {}
    previous = previous_skill(state.entries, state.champion, publication)
    healthy = _healthy(lake, artefacts, state.champion, publication)
    decision = judge(errors, previous, healthy, state.champion.is_baseline)
    inputs = {
        "errors": errors,
        "previous": previous,
        "healthy": healthy,
        "is_baseline": state.champion.is_baseline,
        "policy": Policy().to_document(),
    }
    body = {
        "publication": publication,
        "champion": state.champion.to_document(),
        "baseline": {name: baseline.read(lake, newest)[name] for name in champion_manifest.FACTS},
        "decision": decision.as_document(),
        "inputs": inputs,
        "alarm": _alarm(record, state.champion),
    }
    actor = f"run {context.op_execution_context.run_id}"
    entry = ledger.add("floor", at=datetime.now(UTC), actor=actor, body=body)
    return dg.MaterializeResult(
        metadata={
            "verdict": decision.verdict,
            "reason": decision.reason,
            "skill": decision.skill or "too few dates",
            "alarm": body["alarm"] or "none",
            "ledger_entry": entry.number,
            "rules": materialization.rules(decision.as_document()),
            "errors": dg.MetadataValue.json(errors),
            "skill_over_time": materialization.skill_plot((*state.entries, entry)),
        }
    )


def _alarm(record: "pd.DataFrame | None", champion: Served) -> str | None:
    """What is wrong with the live record of the version that serves; a record that cannot be measured is an alarm too, and no reason
    to keep the floor's verdict out of the ledger."""
    from milk_assets.monitoring.detection.live_accuracy import performance_alarm

    if record is None:
        return None
    try:
        return performance_alarm(record[record.model_version.astype(str) == str(champion.version)])
    except ValueError as error:
        return f"the live record cannot be measured: {error}"


def _healthy(lake: Lake, artefacts: Lake, champion: Served, publication: str) -> bool:
    """Whether the champion can be read, proven, and forecasts prices of milk. A store that does not answer raises: that is not the
    champion's fault, and the retry asks again."""
    from milk_assets.forecasting.model import Model
    from milk_assets.stores import model_bundles
    from milk_assets.stores.lake import LakeError
    from milk_model.bundle import BundleError

    try:
        model = Model.load(model_bundles.read(artefacts, champion.bundle).files)
        champion_manifest.refuse_nonsense(model.predict(features.read_panel(lake, publication)))
    except (BundleError, LakeError, ValueError):
        return False
    return True
