"""`milk dev`: publisher, Dagster (UI and daemon) and MLflow's UI together, until interrupted.

Belongs here: starting and ending the processes, all on 127.0.0.1.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from milk_assets.commands.common.options import PublishedWorkbook, Until, as_date, today

if TYPE_CHECKING:
    from milk_assets.settings import Environment

HOST = "127.0.0.1"
DAGSTER_PORT, MLFLOW_PORT = 3000, 5000
PROCESS_SETTINGS = {
    "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS": "300",  # a slow site may take its time; the default of 60 would end the look early
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # seven idle workers for features that are not used here
}
TERMINATION_SECONDS = 20.0  # for a process to end after SIGTERM, before it is killed


def dev_command(workbook: PublishedWorkbook = None, until: Until = None) -> None:
    """Run the Dagster UI, the MLflow UI and the sample publisher together, until interrupted or until one of them ends."""
    from milk_assets.commands.common.graph_run import bootstrap, open_instance
    from milk_assets.commands.common.local_publisher import environment_of, local_publisher
    from milk_assets.defs.common.partitions import registered_publications
    from milk_assets.settings import SAMPLE_PORT, Environment

    with local_publisher(workbook, as_date(until), today(), port=SAMPLE_PORT) as publisher:
        environment = environment_of(Environment.from_env(), workbook, publisher)
        with open_instance(environment) as instance:
            if not registered_publications(instance):
                bootstrap(
                    environment, instance, today(), publisher.until
                )  # sensors look from today, too late for an old workbook
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the processes below are ended too
        variables = process_environment(environment)
        processes = [subprocess.Popen(command, env=variables, start_new_session=True) for command in command_lines(environment)]
        print(
            f"Dagster  http://{HOST}:{DAGSTER_PORT}    MLflow  http://{HOST}:{MLFLOW_PORT}    publisher  {environment.source_url}"
        )
        print(f"The sensors are running; the publisher shows workbooks up to {publisher.until}. Ctrl-C ends everything.")
        print("`.venv/bin/milk advance` publishes the next workbook, and the sensors do the rest.", flush=True)
        try:
            raise typer.Exit(wait_for_first_exit(processes))
        finally:
            end_processes(processes)


def process_environment(environment: "Environment") -> dict[str, str]:
    """Environment variables of the processes."""
    from milk_assets.stores.model_registry import SAFE_SETTINGS

    return {
        **os.environ,
        **SAFE_SETTINGS,
        **PROCESS_SETTINGS,
        "DAGSTER_HOME": str(environment.dagster_home),
        "MILK_HOME": str(environment.home),
        "MILK_SOURCE_URL": environment.source_url,
    }


def command_lines(environment: "Environment") -> list[list[str]]:
    """Command lines of Dagster and of MLflow's UI."""
    programs = Path(sys.executable).parent
    dagster = f"{programs}/dagster dev -w workspace.yaml -h {HOST} -p {DAGSTER_PORT} --log-level warning"
    mlflow = f"{programs}/mlflow ui --host {HOST} --port {MLFLOW_PORT} --workers 1"
    return [dagster.split(), [*mlflow.split(), "--backend-store-uri", environment.tracking_uri]]


def wait_for_first_exit(processes: Sequence["subprocess.Popen[bytes]"]) -> int:
    """Wait until one of the processes ends; returns its exit code."""
    while all(process.poll() is None for process in processes):
        time.sleep(0.5)
    return next(process.returncode for process in processes if process.poll() is not None)


def end_processes(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Terminate each process with all that it started, and kill what does not end in time."""
    for number, seconds in ((signal.SIGTERM, TERMINATION_SECONDS), (signal.SIGKILL, 1.0)):
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
