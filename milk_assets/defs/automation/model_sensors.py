"""What starts runs: each sensor gathers facts, asks a pure function of `automation`, and carries out the answer.

Belongs here: looking at the source, the lake and the instance. Every sensor may be restarted or lose its cursor: run keys are made
of what is to be done, so nothing is done twice. A failed read is not an empty read: it fails the tick.
"""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from milk_assets.defs.assets.data import features, prices
from milk_assets.defs.assets.models import candidate, champion, evaluation
from milk_assets.defs.assets.outputs import forecasts
from milk_assets.defs.automation import decisions, jobs
from milk_assets.defs.automation.decisions import Trained, Vintage
from milk_assets.defs.common.partitions import publications
from milk_assets.defs.common.training_code import training_code
from milk_assets.defs.resources.sniim_site import NotPublished, SniimSource, SourceError
from milk_assets.promotion.state import fold
from milk_assets.settings import TIMEZONE
from milk_assets.stores import champion_manifest
from milk_assets.stores.lake import Lake
from milk_assets.stores.model_registry import Tracking

RUNNING = dg.DefaultSensorStatus.RUNNING
ACTIVE = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def publication_sensor(look_every: int, look_ahead: int = 0) -> dg.SensorDefinition:
    """The sensor that watches the source. look_every: seconds between looks. look_ahead: days after today that are looked at too."""

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
        today = datetime.now(ZoneInfo(TIMEZONE)).date()
        looked = decisions.dates_to_look_at(seen, today + timedelta(days=look_ahead))
        requests: list[dg.RunRequest] = []
        failed: list[str] = []
        for day in looked if seen else reversed(looked):
            try:
                request, marks = _request_of(day, day in seen, marks, sniim, lake)
            except (SourceError, NotPublished) as error:
                failed.append(str(error))  # one bad file keeps no other from being read
                continue
            requests += [request] if request else []
            if request and not seen:
                break  # a first start: the newest workbook holds the whole history
        if failed and not requests:
            raise SourceError("\n".join(failed))
        for text in failed:
            context.log.error(text)
        first = looked[0].isoformat() if looked else ""
        cursor = json.dumps({key: mark for key, mark in sorted(marks.items()) if key >= first})
        if not requests:
            return dg.SensorResult(skip_reason=f"nothing new among {len(looked)} expected dates", cursor=cursor)
        new = [key for key in (request.partition_key for request in requests) if key and date.fromisoformat(key) not in seen]
        return dg.SensorResult(requests, cursor=cursor, dynamic_partitions_requests=[publications.build_add_request(new)])

    return look


def _request_of(
    day: date, is_seen: bool, marks: dict[str, Any], sniim: SniimSource, lake: Lake
) -> tuple[dg.RunRequest | None, dict[str, Any]]:
    """The run that a date's workbook asks for, if it is there and new, and what is now known of the files that were read.

    marks: date → what the site said of the file when it was last read. Raises SourceError, NotPublished.
    """
    key, listing = day.isoformat(), sniim.find(day)
    if listing is None:
        return None, marks
    mark = [listing.last_modified, listing.bytes]
    if is_seen and None not in mark and marks.get(key) == mark:
        return None, marks  # the site says that it is the one we read
    fingerprint = sniim.fetch(day).sha256
    known = is_seen and prices.accepted(lake, key) == fingerprint
    return None if known else dg.RunRequest(run_key=f"{key}:{fingerprint[:12]}", partition_key=key), marks | {key: mark}


@dg.sensor(
    job=jobs.train,
    minimum_interval_seconds=decisions.POLL_SECONDS,
    default_status=RUNNING,
    description="Starts `train` on the newest proven publication: once a week, on a performance alarm, when data or training code changed.",
)
def retrain_sensor(context: dg.SensorEvaluationContext, lake: Lake, artefacts: Lake) -> dg.RunRequest | dg.SkipReason:
    newest = newest_vintage(lake)
    if newest is None:
        return dg.SkipReason("no publication has been proven yet")
    if is_active(context.instance, jobs.ingest.name):
        return dg.SkipReason("ingest is under way: a backlog gives one retrain, of its newest publication")
    alarm = live_alarm(artefacts, newest.publication)
    reason = decisions.retrain_reason(newest, newest_trained(lake), training_code(), alarm)
    if reason is None:
        return dg.SkipReason(f"the newest candidate is fresh enough for {newest.publication}")
    return dg.RunRequest(
        run_key=f"{newest.publication}:{newest.sha256[:12]}:{training_code()}",
        partition_key=newest.publication.isoformat(),
        tags={"milk/reason": reason},
    )


@dg.sensor(
    job=jobs.promote,
    minimum_interval_seconds=decisions.POLL_SECONDS,
    default_status=RUNNING,
    description="Starts `promote` where the ledger asks for another champion, a change was cut short, or what is served differs from it.",
)
def promotion_sensor(
    context: dg.SensorEvaluationContext, lake: Lake, artefacts: Lake, tracking: Tracking
) -> dg.RunRequest | dg.SkipReason:
    from milk_assets.promotion.change_champion import disagreements, is_abandoned

    if is_active(context.instance, jobs.promote.name):
        return dg.SkipReason("promote is under way")
    state, now = fold(champion_manifest.ledger(artefacts).entries()), datetime.now(UTC)
    differing = (
        disagreements(state, champion_manifest.served(artefacts), tracking.glance(champion.ALIAS)) if state.champion else []
    )
    abandoned = state.open is not None and is_abandoned(state.open, now)
    work = decisions.promotion_work(state, abandoned, differing, now)
    if work is None:
        decision = state.newest("decision")
        why = f"{decision.body['publication']}: {decision.body['decision']['reason']}" if decision else "no decision yet"
        return dg.SkipReason(f"the champion stays ({why})")
    return dg.RunRequest(run_key=work[0], tags={"milk/reason": work[1]})


@dg.sensor(
    job=jobs.forecast,
    minimum_interval_seconds=decisions.POLL_SECONDS,
    default_status=RUNNING,
    description="Starts `forecast` for the newest proven publication, after its ingest and after a promotion.",
)
def forecast_sensor(context: dg.SensorEvaluationContext, lake: Lake, artefacts: Lake) -> dg.RunRequest | dg.SkipReason:
    newest, standing = newest_vintage(lake), champion_manifest.served(artefacts)
    if newest is None or standing is None:
        return dg.SkipReason("no publication has been proven yet" if newest is None else "there is no champion yet")
    if is_active(context.instance, jobs.ingest.name):
        return dg.SkipReason("ingest is under way: its newest publication is forecast")
    key = newest.publication.isoformat()
    if forecasts.made_of(lake, key) == (newest.sha256, standing["bundle"]):
        return dg.SkipReason(f"{key} is forecast with version {standing['version']} already")
    return dg.RunRequest(run_key=f"{key}:{newest.sha256[:12]}:{standing['bundle'][:12]}", partition_key=key)


def newest_vintage(lake: Lake) -> Vintage | None:
    """The newest publication whose prices were proven and whose features stand."""
    key = lake.newest(features.LAYER, features.FILE)
    return None if key is None else Vintage(date.fromisoformat(key), prices.read_vintage(lake, key)["sha256"])


def newest_trained(lake: Lake) -> Trained | None:
    """What the newest candidate that was judged was trained on."""
    key = lake.newest(evaluation.LAYER, evaluation.DECISION)
    if key is None:
        return None
    made = candidate.read(lake, key)
    return Trained(Vintage(date.fromisoformat(key), made["workbook"]), made["code"])


def live_alarm(artefacts: Lake, publication: date) -> str | None:
    """What was wrong with the champion's live record at a publication; None where nothing was, or it is not known yet."""
    floor = fold(champion_manifest.ledger(artefacts).entries()).newest("floor")
    found = floor.body.get("alarm") if floor and floor.body["publication"] == publication.isoformat() else None
    return f"performance alarm: {found}" if found else None


def is_active(instance: dg.DagsterInstance, job: str) -> bool:
    """Whether a run of the job is queued or under way."""
    return bool(instance.get_runs(dg.RunsFilter(job_name=job, statuses=ACTIVE), limit=1))


ALL = (retrain_sensor, promotion_sensor, forecast_sensor)
