"""A working day on one machine: publisher, Dagster (UI and daemon) and MLflow's UI together, until interrupted.

Belongs here: starting and ending the processes, all on 127.0.0.1. None of them is ours.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

from milk_assets.commands.demo import beside, published
from milk_assets.commands.run_once import bootstrap, instance
from milk_assets.defs.common.partitions import publications
from milk_assets.settings import SAMPLE_PORT, Environment
from milk_assets.stores.model_registry import SAFE_SETTINGS

HOST = "127.0.0.1"
DAGSTER_PORT, MLFLOW_PORT = 3000, 5000
SETTINGS = {
    "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS": "300",  # a slow site may take its time; the default of 60 would cut the look short
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # seven idle workers for features that nobody uses here
}
END_WITHIN = 20.0  # seconds for a process to end by itself after it is asked to


def dev(environment: Environment, workbook: Path | None, until: date | None, today: date) -> int:
    """Run everything until interrupted, or until one of the processes ends; returns the exit code."""
    with published(workbook, until, today, port=SAMPLE_PORT) as source:
        local = beside(environment, workbook, source)
        with instance(local) as on:
            if not on.get_dynamic_partitions(publications.name or ""):
                bootstrap(local, on, today, source.until)  # an old workbook's dates are not looked for from today
        settings = os.environ | SAFE_SETTINGS | SETTINGS
        settings |= {"DAGSTER_HOME": str(local.dagster_home), "MILK_HOME": str(local.home), "MILK_SOURCE_URL": local.source_url}
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that what is started below is ended then too
        processes = [subprocess.Popen(command, env=settings, start_new_session=True) for command in commands(local)]
        print(f"Dagster  http://{HOST}:{DAGSTER_PORT}    MLflow  http://{HOST}:{MLFLOW_PORT}    publisher  {local.source_url}")
        print(f"The sensors run; {source.until} is the newest publication shown. Ctrl-C ends all of it.")
        print(
            "`.venv/bin/python -m milk_assets.commands.source advance` publishes the next workbook, and the chain runs by itself.",
            flush=True,
        )
        try:
            while all(process.poll() is None for process in processes):
                time.sleep(0.5)
            return next(process.returncode for process in processes if process.poll() is not None)
        finally:
            end(processes)


def commands(environment: Environment) -> list[list[str]]:
    """The command lines of Dagster and of MLflow's UI."""
    place, store = Path(sys.executable).parent, environment.tracking_uri
    dagster = f"{place}/dagster dev -w workspace.yaml -h {HOST} -p {DAGSTER_PORT} --log-level warning"
    mlflow = f"{place}/mlflow ui --host {HOST} --port {MLFLOW_PORT} --workers 1"
    return [dagster.split(), [*mlflow.split(), "--backend-store-uri", store]]


def end(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Ask each process and all that it started to end, and end what does not."""
    for number, patience in ((signal.SIGTERM, END_WITHIN), (signal.SIGKILL, 1.0)):
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(patience)
