"""What starts runs and raises alarms: each sensor gathers facts, asks a pure function of `automation`, and carries out the answer.

Belongs here: looking at the source, the lake and the instance. Every sensor may be restarted or lose its cursor: run keys are made
of what is to be done, so nothing is done twice. A failed read is not an empty read: it fails the tick.
"""

import json
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from milk_assets import automation, checks, jobs
from milk_assets.assets import candidate, champion, evaluation, features, forecasts, prices, serving
from milk_assets.automation import Trained, Vintage
from milk_assets.code import training_code
from milk_assets.environment import TIMEZONE
from milk_assets.failures import failure_cause
from milk_assets.partitions import publications
from milk_assets.resources.lake import Lake
from milk_assets.resources.sniim import SniimSource
from milk_assets.resources.telegram import Telegram

RUNNING = dg.DefaultSensorStatus.RUNNING
ACTIVE = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def publication_sensor(look_every: int) -> dg.SensorDefinition:
    """The sensor that watches the source. look_every: seconds between looks; an hour is polite to a public site."""

    @dg.sensor(
        name="publication_sensor",
        job=jobs.ingest,
        minimum_interval_seconds=look_every,
        default_status=RUNNING,
        description="Looks for every expected publication not yet seen, and for changed content; starts `ingest`.",
    )
    def look(context: dg.SensorEvaluationContext, sniim: SniimSource, lake: Lake) -> dg.SensorResult:
        seen = {date.fromisoformat(key) for key in context.instance.get_dynamic_partitions(publications.name or "")}
        marks: dict[str, Any] = json.loads(context.cursor or "{}")
        looked = automation.dates_to_look_at(seen, datetime.now(ZoneInfo(TIMEZONE)).date())
        requests: list[dg.RunRequest] = []
        for day in looked if seen else reversed(looked):
            key, listing = day.isoformat(), sniim.find(day)
            mark = None if listing is None else [listing.last_modified, listing.bytes]
            if mark is None or (day in seen and None not in mark and marks.get(key) == mark):
                continue  # no such file, or the site says that it is the one we read
            fingerprint, marks[key] = sniim.fetch(day).sha256, mark
            if prices.accepted(lake, key) != fingerprint or day not in seen:
                requests.append(dg.RunRequest(run_key=f"{key}:{fingerprint[:12]}", partition_key=key))
            if not seen:
                break  # a first start: the newest workbook holds the whole history
        cursor = json.dumps({key: mark for key, mark in sorted(marks.items()) if key >= looked[0].isoformat()})
        if not requests:
            return dg.SensorResult(skip_reason=f"nothing new from {looked[0]} to {looked[-1]}", cursor=cursor)
        new = [key for key in (request.partition_key for request in requests) if key and date.fromisoformat(key) not in seen]
        return dg.SensorResult(requests, cursor=cursor, dynamic_partitions_requests=[publications.build_add_request(new)])

    return look


@dg.sensor(
    job=jobs.train,
    minimum_interval_seconds=automation.POLL_SECONDS,
    default_status=RUNNING,
    description="Starts `train` on the newest proven publication, once a week and when data or training code changed.",
)
def retrain_sensor(context: dg.SensorEvaluationContext, lake: Lake) -> dg.RunRequest | dg.SkipReason:
    newest = newest_vintage(lake)
    if newest is None:
        return dg.SkipReason("no publication has been proven yet")
    if is_active(context.instance, jobs.ingest.name):
        return dg.SkipReason("ingest is under way: a backlog gives one retrain, of its newest publication")
    reason = automation.retrain_reason(newest, newest_trained(lake), training_code())
    if reason is None:
        return dg.SkipReason(f"the newest candidate is fresh enough for {newest.publication}")
    return dg.RunRequest(
        run_key=f"{newest.publication}:{newest.sha256[:12]}:{training_code()}",
        partition_key=newest.publication.isoformat(),
        tags={"milk/reason": reason},
    )


@dg.sensor(
    job=jobs.promote,
    minimum_interval_seconds=automation.POLL_SECONDS,
    default_status=RUNNING,
    description="Starts `promote` when the newest evaluation decided on another champion. It only carries decisions out.",
)
def promotion_sensor(context: dg.SensorEvaluationContext, lake: Lake, artefacts: Lake) -> dg.RunRequest | dg.SkipReason:
    newest = lake.newest(evaluation.LAYER, evaluation.DECISION)
    if newest is None:
        return dg.SkipReason("no evaluation yet")
    decided = evaluation.read_decision(lake, newest)
    chosen = champion.chosen(decided, serving.served(artefacts))
    if chosen is None:
        return dg.SkipReason(f"{newest}: the champion stays ({decided['decision']['reason']})")
    return dg.RunRequest(run_key=f"{newest}:{chosen['bundle'][:12]}", tags={"milk/publication": newest})


@dg.sensor(
    job=jobs.forecast,
    minimum_interval_seconds=automation.POLL_SECONDS,
    default_status=RUNNING,
    description="Starts `forecast` for the newest proven publication, after its ingest and after a promotion.",
)
def forecast_sensor(context: dg.SensorEvaluationContext, lake: Lake, artefacts: Lake) -> dg.RunRequest | dg.SkipReason:
    newest, standing = newest_vintage(lake), serving.served(artefacts)
    if newest is None or standing is None:
        return dg.SkipReason("no publication has been proven yet" if newest is None else "there is no champion yet")
    if is_active(context.instance, jobs.ingest.name):
        return dg.SkipReason("ingest is under way: its newest publication is forecast")
    key = newest.publication.isoformat()
    if forecasts.made_of(lake, key) == (newest.sha256, standing["bundle"]):
        return dg.SkipReason(f"{key} is forecast with version {standing['version']} already")
    return dg.RunRequest(run_key=f"{key}:{newest.sha256[:12]}:{standing['bundle'][:12]}", partition_key=key)


@dg.run_failure_sensor(
    default_status=RUNNING, description="Tells the team's chat of a failed run: job, partition, what went wrong."
)
def failure_alert(context: dg.RunFailureSensorContext, telegram: Telegram) -> None:
    run = context.dagster_run
    causes = [failure_cause(event) for event in context.get_step_failure_events()] or [
        context.failure_event.message or "no cause recorded"
    ]
    partition = run.tags.get("dagster/partition", "")
    outcome = telegram.send(f"milk: {run.job_name} {partition} failed\n" + "\n".join(causes))
    context.log.info("alert of run %s: %s", run.run_id, outcome)


@dg.sensor(
    minimum_interval_seconds=automation.POLL_SECONDS,
    default_status=RUNNING,
    description="Tells the team's chat of failed checks that stopped no run, and so would go unseen.",
)
def check_alert(context: dg.SensorEvaluationContext, telegram: Telegram) -> dg.SensorResult:
    newest = [context.instance.get_latest_asset_check_evaluation_record(key) for key in checks.WATCHED]
    ended = (record for record in newest if record is not None and isinstance(record.evaluation, dg.AssetCheckEvaluation))
    results = sorted(ended, key=lambda record: record.id)  # the others are of runs under way
    last = results[-1].id if results else 0
    told = last if context.cursor is None else int(context.cursor)  # a first start, or a lost cursor: what is past is past
    for record in results:
        found = record.evaluation
        if record.id > told and found is not None and not found.passed:
            telegram.send(f"milk: check {record.key.to_user_string()} {record.partition or ''} failed\n{found.description or ''}")
    return dg.SensorResult(skip_reason=f"check results up to {last} are told", cursor=str(max(last, told)))


def newest_vintage(lake: Lake) -> Vintage | None:
    """The newest publication whose prices were proven and whose features stand."""
    key = lake.newest(features.LAYER, features.FILE)
    return None if key is None else Vintage(date.fromisoformat(key), prices.read_vintage(lake, key)["sha256"])


def newest_trained(lake: Lake) -> Trained | None:
    """What the newest candidate was trained on."""
    key = lake.newest(candidate.LAYER, candidate.FILE)
    if key is None:
        return None
    made = candidate.read(lake, key)
    return Trained(Vintage(date.fromisoformat(key), made["workbook"]), made["code"])


def is_active(instance: dg.DagsterInstance, job: str) -> bool:
    """Whether a run of the job is queued or under way."""
    return bool(instance.get_runs(dg.RunsFilter(job_name=job, statuses=ACTIVE), limit=1))


ALL = (retrain_sensor, promotion_sensor, forecast_sensor, failure_alert, check_alert)
