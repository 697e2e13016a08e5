"""The champion: the one model version that is served.

Belongs here: carrying out a decision, aliases, manifest and ledger. The decision itself is the gate's, taken in `evaluation`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from lambda_service.bundle import prefix
from lambda_service.layout import SERVED
from milk_assets.assets import bundles, evaluation, metadata, serving
from milk_assets.assets.retrying import RETRY
from milk_assets.environment import OWNER
from milk_assets.promotion import ledger
from milk_assets.resources.lake import Lake
from milk_assets.resources.tracking import Tracking

ALIAS, PREVIOUS = "champion", "previous_champion"


class Promotion(dg.Config):
    """publication: whose evaluation to carry out; the newest one by default."""

    publication: str | None = None


@dg.asset(
    deps=[evaluation.evaluation],
    group_name="models",
    kinds={"mlflow", "json"},
    owners=[OWNER],
    retry_policy=RETRY,
)
def champion(
    context: dg.AssetExecutionContext, config: Promotion, lake: Lake, artefacts: Lake, tracking: Tracking
) -> dg.MaterializeResult[Any]:
    """The model that is served: the newest evaluation's choice, or the one before where that choice is to keep it.

    No change of champion without a bundle that loads and answers: it is read back, proven and tried before anything is switched.
    """
    publication = config.publication or lake.newest(evaluation.LAYER, evaluation.DECISION)
    if publication is None:
        raise dg.Failure("there is no evaluation to carry out; run the job `train` first", allow_retries=False)
    decided = evaluation.read_decision(lake, publication)
    before = serving.served(artefacts)
    choice = chosen(decided, before)
    if choice is not None:
        _apply(choice, before, decided, publication, artefacts, tracking, actor=f"run {context.op_execution_context.run_id}")
    now = serving.served(artefacts)
    if now is None:
        raise dg.Failure(f"nothing is served after carrying out {publication}; read the ledger", allow_retries=False)
    context.log.info("champion: version %s (%s)", now["version"], "new" if choice else "kept")
    return dg.MaterializeResult(
        metadata={
            "version": now["version"],
            "is_baseline": now["is_baseline"],
            "bundle": now["bundle"],
            "changed": choice is not None,
            "decided_on": publication,
            "reason": decided["decision"]["reason"],
            "rules": metadata.records(decided["decision"]["rules"]),
            "dagster/uri": artefacts.uri(prefix(now["bundle"])),
        },
        data_version=dg.DataVersion(now["bundle"]),
    )


def chosen(decided: Mapping[str, Any], standing: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The version that a decision puts in the champion's place; None where what is served stays.

    The first champion is the challenger where it passed the gate, and no change where it did not.
    """
    choice: Mapping[str, Any] = decided["challenger"] if decided["decision"]["verdict"] == "promote" else decided["baseline"]
    if standing is None:
        return choice
    return choice if decided["decision"]["verdict"] == "promote" and choice["bundle"] != standing["bundle"] else None


def _apply(
    choice: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    decided: Mapping[str, Any],
    publication: str,
    artefacts: Lake,
    tracking: Tracking,
    actor: str,
) -> None:
    """Try the bundle, record the intent, switch aliases and manifest, record that it is done; put aliases back where it fails.

    Raises dg.Failure where another champion stands than the one the decision compared with.
    """
    from lambda_service.forecaster import Forecaster

    def record(step: ledger.Step, reason: str = "") -> None:
        at = datetime.now(UTC)
        document = ledger.entry(
            step,
            at=at,
            actor=actor,
            champion=choice,
            previous=before,
            publication=publication,
            decision=decided["decision"],
            reason=reason,
        )
        artefacts.write_json(ledger.path(at, step, choice["version"]), document)

    expected = decided["champion"] and decided["champion"]["bundle"]
    if expected != (before and before["bundle"]):
        raise dg.Failure(
            f"{publication} was decided against another champion than the one that stands: run `train` again", allow_retries=False
        )
    aliases = {alias: tracking.pointed(alias) for alias in (PREVIOUS, ALIAS)}
    record("intent")
    try:
        bundle = bundles.read(artefacts, choice["bundle"])
        Forecaster.from_files(bundle.files)  # scores the golden rows
        if before is not None:
            tracking.point(PREVIOUS, before["version"])
        tracking.point(ALIAS, choice["version"])
        artefacts.write_json(
            SERVED, {**choice, "facts": bundle.facts, "since": datetime.now(UTC).isoformat(), "decided_on": publication}
        )
    except Exception as error:
        for alias, version in aliases.items():  # what is served was written last, so it still is what it was
            if version is not None:
                tracking.point(alias, version.number)
        record("aborted", f"{type(error).__name__}: {error}")
        raise
    record("applied")
