"""Model sensors: start training, promotion and forecasts when they are due.

Belongs here: gathering facts, asking a pure function of `decisions`, and returning the run request. Each sensor may be restarted or
lose its cursor: run keys are made of what is to be done, so nothing is done twice. A failed read fails the tick; it is never taken for an
empty one.

Why not AutomationCondition: publications are dynamic partitions, for which there is no "newest only", and promotion depends on the ledger.
"""

from datetime import UTC, date, datetime

import dagster as dg

from milk_assets.defs.automation import decisions, jobs
from milk_assets.defs.automation.decisions import TrainedOn, Vintage
from milk_assets.defs.common.training_code import training_code
from milk_assets.promotion.ledger.entries import DecisionBody, FloorBody
from milk_assets.promotion.ledger.state import disagreements, ledger_state
from milk_assets.stores import champion_manifest
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import candidates, evaluations, features, forecasts, prices
from milk_assets.stores.model_registry import CHAMPION_ALIAS, ModelRegistry

ACTIVE_STATUSES = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dg.sensor(
    job=jobs.train,
    minimum_interval_seconds=decisions.POLL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts `train` on the newest publication: weekly, on a performance alarm, or when data or training code changed.",
)
def retrain_sensor(context: dg.SensorEvaluationContext, lake: Lake, artefacts: Lake) -> dg.RunRequest | dg.SkipReason:
    newest = newest_vintage(lake)
    if newest is None:
        return dg.SkipReason("no publication has been validated yet")
    if is_active(context.instance, jobs.ingest.name):
        return dg.SkipReason("ingest is running: after a backlog one training follows, on its newest publication")
    alarm = live_alarm(artefacts, newest.publication)
    reason = decisions.retrain_reason(newest, newest_trained(lake), training_code(), alarm)
    if reason is None:
        return dg.SkipReason(f"no training is due at {newest.publication}")
    return dg.RunRequest(
        run_key=f"{newest.publication}:{newest.sha256[:12]}:{training_code()}",
        partition_key=newest.publication.isoformat(),
        tags={"milk/reason": reason},
    )


@dg.sensor(
    job=jobs.promote,
    minimum_interval_seconds=decisions.POLL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts `promote` when the ledger calls for a new champion, a change was interrupted, or the served model differs from it.",
)
def promotion_sensor(
    context: dg.SensorEvaluationContext, lake: Lake, artefacts: Lake, tracking: ModelRegistry
) -> dg.RunRequest | dg.SkipReason:
    from milk_assets.promotion.change_champion import is_abandoned

    if is_active(context.instance, jobs.promote.name):
        return dg.SkipReason("promote is running")
    state, now = ledger_state(champion_manifest.ledger(artefacts).entries()), datetime.now(UTC)
    differences = []
    if state.champion is not None:
        differences = disagreements(
            state, champion_manifest.read_manifest(artefacts), tracking.alias_version_without_mlflow(CHAMPION_ALIAS)
        )
    abandoned = state.open_intent is not None and is_abandoned(state.open_intent, now)
    work = decisions.promotion_work(state, abandoned, differences, now)
    if work is None:
        decision = state.newest(DecisionBody)
        why = f"{decision.body.publication}: {decision.body.decision.reason}" if decision else "no decision yet"
        return dg.SkipReason(f"the champion stays ({why})")
    return dg.RunRequest(run_key=work[0], tags={"milk/reason": work[1]})


@dg.sensor(
    job=jobs.forecast,
    minimum_interval_seconds=decisions.POLL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts `forecast` for the newest publication, after its ingest and after a promotion.",
)
def forecast_sensor(context: dg.SensorEvaluationContext, lake: Lake, artefacts: Lake) -> dg.RunRequest | dg.SkipReason:
    newest, champion = newest_vintage(lake), champion_manifest.read_manifest(artefacts)
    if newest is None:
        return dg.SkipReason("no publication has been validated yet")
    if champion is None:
        return dg.SkipReason("there is no champion yet")
    if is_active(context.instance, jobs.ingest.name):
        return dg.SkipReason("ingest is running: its newest publication will be forecast")
    key = newest.publication.isoformat()
    if forecasts.source_digests(lake, key) == (newest.sha256, champion.bundle):
        return dg.SkipReason(f"{key} already has forecasts of version {champion.version}")
    return dg.RunRequest(run_key=f"{key}:{newest.sha256[:12]}:{champion.bundle[:12]}", partition_key=key)


def newest_vintage(lake: Lake) -> Vintage | None:
    """The newest publication with validated prices and features."""
    key = features.LAYER.newest(lake)
    return None if key is None else Vintage(date.fromisoformat(key), prices.read_vintage(lake, key).sha256)


def newest_trained(lake: Lake) -> TrainedOn | None:
    """What the newest evaluated candidate was trained on."""
    key = evaluations.LAYER.newest(lake)
    if key is None:
        return None
    candidate = candidates.read_candidate(lake, key)
    return TrainedOn(Vintage(date.fromisoformat(key), candidate.workbook), candidate.code)


def live_alarm(artefacts: Lake, publication: date) -> str | None:
    """What was wrong with the champion's live record at a publication; None where nothing was, or it is not known yet."""
    floor = ledger_state(champion_manifest.ledger(artefacts).entries()).newest(FloorBody)
    alarm = floor.body.alarm if floor and floor.body.publication == publication.isoformat() else None
    return f"performance alarm: {alarm}" if alarm else None


def is_active(instance: dg.DagsterInstance, job: str) -> bool:
    """Whether a run of the job is queued, running or being cancelled."""
    return bool(instance.get_runs(dg.RunsFilter(job_name=job, statuses=ACTIVE_STATUSES), limit=1))


MODEL_SENSORS = (retrain_sensor, promotion_sensor, forecast_sensor)
