"""Running the whole graph in this process, as `milk demo`, `milk run`, CI and a first start do.

Belongs here: the local Dagster instance, registering a publication, the five jobs in order. What each job does is `milk_assets.defs`.
"""

import logging
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg

from milk_assets.commands.dagster_yaml import write_dagster_yaml
from milk_assets.defs.automation import decisions
from milk_assets.defs.build import build_definitions, build_resources
from milk_assets.defs.common.partitions import register_publications
from milk_assets.defs.common.run_failures import failure_cause
from milk_assets.settings import Environment, SettingError

STAGES = ("ingest", "train", "promote", "forecast", "report")  # jobs in order


class GraphError(RuntimeError):
    """A job failed: the message names job and partition, and the cause of each failed step."""


@dataclass(frozen=True)
class Stage:
    """One finished job.

    Attributes:
        name: Name of the job.
        seconds: Wall time.
        peak_mb: Peak memory of the process so far, MB (10^6 bytes).
    """

    name: str
    seconds: float
    peak_mb: float


@contextmanager
def open_instance(environment: Environment) -> Iterator[dg.DagsterInstance]:
    """The environment's Dagster instance on this machine; its folder and dagster.yaml are created on first use."""
    home = environment.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        write_dagster_yaml(home, "local", {})
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def bootstrap(environment: Environment, instance: dg.DagsterInstance, today: date, publication: date | None = None) -> date:
    """Register a publication, and return its date.

    Args:
        environment: Where everything is.
        instance: Dagster instance.
        today: Today in Mexico City.
        publication: Date to register; the newest that the source has without one.

    Raises:
        SettingError: The source has no workbook for the date, or none within a week of today.
    """
    source = build_resources(environment)["sniim"]
    candidates = [publication] if publication else list(reversed(decisions.dates_to_request((), today)))
    newest = next((day for day in candidates if source.find(day) is not None), None)
    if newest is None:
        dates = ", ".join(day.isoformat() for day in candidates)
        raise SettingError(f"{environment.source_shown} has no workbook for {dates}: name a date it has with --publication")
    register_publications(instance, [newest])
    return newest


def run_graph(
    environment: Environment,
    instance: dg.DagsterInstance,
    publication: date,
    day: date,
    training: Mapping[str, Any] | None = None,
) -> Iterator[Stage]:
    """Run every job for a publication, and the report of a day; yields each job as it ends.

    Args:
        environment: Where everything is.
        instance: Dagster instance.
        publication: Publication date.
        day: Day of the report.
        training: Configuration of the asset `candidate`; its defaults without one.

    Raises:
        GraphError: A job failed. What earlier jobs wrote is kept.
    """
    defs = build_definitions(environment, loggers={"console": stage_console})
    partitions = {"ingest": publication, "train": publication, "promote": None, "forecast": publication, "report": day}
    for job in STAGES:
        started = time.perf_counter()
        config = {"ops": {"candidate": {"config": dict(training)}}} if training and job == "train" else {}
        _run_job(defs, instance, job, partitions[job], config)
        yield Stage(job, time.perf_counter() - started, peak_megabytes())


def run_report(environment: Environment, instance: dg.DagsterInstance, day: date) -> None:
    """Run only the job that writes a day's report. Raises GraphError where it fails."""
    _run_job(build_definitions(environment, loggers={"console": stage_console}), instance, "report", day, {})


def _run_job(
    defs: dg.Definitions, instance: dg.DagsterInstance, job: str, partition: date | None, config: Mapping[str, Any]
) -> None:
    key = partition.isoformat() if partition else None
    result = defs.resolve_job_def(job).execute_in_process(
        run_config={"loggers": {"console": {}}, **config},
        instance=instance,
        partition_key=key,
        tags={"milk/reason": "by hand"},
        raise_on_error=False,
    )
    if not result.success:
        causes = [failure_cause(event) for event in result.all_node_events if event.is_step_failure]
        raise GraphError(f"{job} of {key or 'the newest evaluation'} failed\n" + "\n".join(causes))


def peak_megabytes() -> float:
    """Peak resident memory of this process or of its largest child, MB (10^6 bytes)."""
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    bytes_per_unit = 1 if sys.platform == "darwin" else 1024  # Linux counts in KiB
    return peak * bytes_per_unit / 1e6


@dg.logger({}, description="Messages of the assets, one indented line each; Dagster's own events stay in the instance.")
def stage_console(_: dg.InitLoggerContext) -> logging.Logger:
    """A console logger for people."""
    logger = logging.Logger("milk", level=logging.INFO)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_IndentedMessages())
    handler.addFilter(
        lambda record: "Starting a new mlflow run" not in record.getMessage()
    )  # dagster-mlflow says it for each asset
    logger.addHandler(handler)
    return logger


class _IndentedMessages(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        meta: dict[str, Any] = getattr(record, "dagster_meta", {})
        return f"    {meta.get('orig_message') or record.getMessage()}"
