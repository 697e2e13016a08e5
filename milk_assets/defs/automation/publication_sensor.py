"""Publication sensor: looks for new and corrected workbooks at the source, and starts `ingest` for each.

Belongs here: looking, and turning what it sees into run requests. Which dates to look at is decided in `decisions`.
"""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from milk_assets.defs.automation import decisions, jobs
from milk_assets.defs.common.partitions import publications, registered_publications
from milk_assets.defs.resources.sniim_site import NotPublished, SniimSource, SourceError
from milk_assets.settings import TIMEZONE
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import prices

FileMark = list[Any]  # what the site says of a file: Last-Modified and size


def utc_now() -> datetime:
    """The current time."""
    return datetime.now(UTC)


def publication_sensor(
    look_every_seconds: int, look_ahead_days: int = 0, clock: Callable[[], datetime] = utc_now
) -> dg.SensorDefinition:
    """The sensor that watches the source.

    Its cursor remembers what the site said of each file, which saves downloads. A lost cursor repeats nothing: run keys are made of
    date and content, and a workbook that was validated already gives no run.

    Args:
        look_every_seconds: Seconds between looks.
        look_ahead_days: Days after today that are looked at too.
        clock: The current time, with a time zone.
    """

    @dg.sensor(
        name="publication_sensor",
        job=jobs.ingest,
        minimum_interval_seconds=look_every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Looks for every expected publication not yet seen, and for changed content; starts `ingest`.",
    )
    def sensor(context: dg.SensorEvaluationContext, sniim: SniimSource, lake: Lake) -> dg.SensorResult:
        seen = registered_publications(context.instance)
        marks: dict[str, FileMark] = json.loads(context.cursor or "{}")
        today = clock().astimezone(ZoneInfo(TIMEZONE)).date()
        dates = decisions.dates_to_request(seen, today + timedelta(days=look_ahead_days))
        requests: list[dg.RunRequest] = []
        errors: list[str] = []
        for day in dates if seen else reversed(dates):
            try:
                request = run_request(day, day in seen, marks, sniim, lake)
            except (SourceError, NotPublished) as error:
                errors.append(str(error))  # one bad file does not keep the others from being read
                continue
            if request is not None:
                requests.append(request)
                if not seen:
                    break  # first start: the newest workbook holds the whole history
        if errors and not requests:
            raise SourceError("\n".join(errors))
        for message in errors:
            context.log.error(message)
        oldest = dates[0].isoformat() if dates else ""
        cursor = json.dumps({key: mark for key, mark in sorted(marks.items()) if key >= oldest})
        if not requests:
            return dg.SensorResult(skip_reason=f"nothing new among {len(dates)} expected dates", cursor=cursor)
        keys = [request.partition_key for request in requests if request.partition_key]
        new_keys = [key for key in keys if date.fromisoformat(key) not in seen]
        return dg.SensorResult(requests, cursor=cursor, dynamic_partitions_requests=[publications.build_add_request(new_keys)])

    return sensor


def run_request(day: date, is_seen: bool, marks: dict[str, FileMark], sniim: SniimSource, lake: Lake) -> dg.RunRequest | None:
    """The `ingest` run for a date's workbook; None where there is none or its content is known.

    Args:
        day: Publication date to look at.
        is_seen: Whether the date has a partition.
        marks: Date → what the site said of the file when it was last read; updated in place.
        sniim: The source.
        lake: Where validated prices are.

    Raises:
        SourceError: The site did not answer as expected.
        NotPublished: The file disappeared between looking and reading.
    """
    key, listing = day.isoformat(), sniim.find(day)
    if listing is None:
        return None
    mark = [listing.last_modified, listing.bytes]
    if is_seen and None not in mark and marks.get(key) == mark:
        return None  # the site says that it is the file that was read
    fingerprint = sniim.fetch(day).sha256
    marks[key] = mark
    if is_seen and prices.validated_sha256(lake, key) == fingerprint:
        return None
    return dg.RunRequest(run_key=f"{key}:{fingerprint[:12]}", partition_key=key)
