"""Running the whole graph by hand, in this process: what `demo`, CI and a first start call.

Belongs here: the home of the instance, finding and registering a publication, the five jobs in order. What each does is the graph's.
"""

import logging
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg

from milk_assets.commands.dagster_yaml import write
from milk_assets.defs.automation import decisions
from milk_assets.defs.build import build_definitions, build_resources
from milk_assets.defs.common.partitions import publications
from milk_assets.defs.common.run_failures import failure_cause
from milk_assets.settings import Environment, SettingError


class GraphError(RuntimeError):
    """A job failed: which one, of which partition, and what each failed step said."""


@dataclass(frozen=True)
class Stage:
    """One job that ran: its name, wall time in seconds, and the peak memory of the process so far in MB."""

    name: str
    seconds: float
    peak_mb: float


@contextmanager
def instance(environment: Environment) -> Iterator[dg.DagsterInstance]:
    """The environment's Dagster instance on this machine; its folder and settings are made on first use."""
    home = environment.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        write(home, "local", {})
    with dg.DagsterInstance.from_config(str(home)) as found:
        yield found


def bootstrap(environment: Environment, on: dg.DagsterInstance, today: date, publication: date | None = None) -> date:
    """Register a publication in the instance: the one given, or the newest that the source shows. Returns its date.

    Raises SettingError where the source shows none within a week of today.
    """
    source = build_resources(environment)["sniim"]
    wanted = [publication] if publication else list(reversed(decisions.dates_to_request((), today)))
    found = next((day for day in wanted if source.find(day) is not None), None)
    if found is None:
        asked = ", ".join(day.isoformat() for day in wanted)
        raise SettingError(f"{environment.source_shown} shows no workbook for {asked}; name a date it has with --publication")
    on.add_dynamic_partitions(publications.name or "", [found.isoformat()])
    return found


def run_graph(
    environment: Environment, on: dg.DagsterInstance, publication: date, day: date, training: Mapping[str, Any] | None = None
) -> Iterator[Stage]:
    """Run every job for a publication, and the report of a day; yields each stage as it ends.

    training: configuration of the asset `candidate`, where its defaults are not wanted.
    Raises GraphError at the first job that fails; what came before it stands.
    """
    defs = build_definitions(environment, loggers={"console": plain_console})
    for job, partition in (
        ("ingest", publication),
        ("train", publication),
        ("promote", None),
        ("forecast", publication),
        ("report", day),
    ):
        begun = time.perf_counter()
        config = {"ops": {"candidate": {"config": dict(training)}}} if training and job == "train" else {}
        _run_job(defs, on, job, partition, config)
        yield Stage(job, time.perf_counter() - begun, peak_mb())


def run_report(environment: Environment, on: dg.DagsterInstance, day: date) -> None:
    """Run the job that writes a day's report, alone. Raises GraphError where it fails."""
    _run_job(build_definitions(environment, loggers={"console": plain_console}), on, "report", day, {})


def _run_job(defs: dg.Definitions, on: dg.DagsterInstance, job: str, partition: date | None, config: Mapping[str, Any]) -> None:
    key = partition.isoformat() if partition else None
    result = defs.resolve_job_def(job).execute_in_process(
        run_config={"loggers": {"console": {}}, **config},
        instance=on,
        partition_key=key,
        tags={"milk/reason": "by hand"},
        raise_on_error=False,
    )
    if not result.success:
        causes = [failure_cause(event) for event in result.all_node_events if event.is_step_failure]
        raise GraphError(f"{job} of {key or 'the newest evaluation'} failed\n" + "\n".join(causes))


def peak_mb() -> float:
    """Peak resident memory of this process or of its largest child, MB."""
    kilobytes = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return kilobytes / (1000 if sys.platform != "darwin" else 1_000_000)


@dg.logger({}, description="What the stages say, one indented line each; Dagster's own events stay in the instance.")
def plain_console(_: dg.InitLoggerContext) -> logging.Logger:
    """A console logger for people."""
    logger = logging.Logger("milk", level=logging.INFO)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_StageLines())
    logger.addHandler(handler)
    return logger


class _StageLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        meta: dict[str, Any] = getattr(record, "dagster_meta", {})
        return f"    {meta.get('orig_message') or record.getMessage()}"


def stage_table(stages: Sequence[Stage]) -> str:
    """The stages as lines of text: name, seconds, peak memory."""
    lines = [f"  {stage.name:<10}{stage.seconds:8.1f} s {stage.peak_mb:8.0f} MB" for stage in stages]
    return "\n".join([*lines, f"  {'in all':<10}{sum(stage.seconds for stage in stages):8.1f} s"])
