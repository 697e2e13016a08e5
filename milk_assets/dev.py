"""A working day on one machine: publisher, Dagster (UI and daemon) and MLflow's UI together, until interrupted.

Belongs here: starting and ending the processes, all on 127.0.0.1. None of them is ours.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from milk_assets.demo import published
from milk_assets.environment import SAMPLE_PORT, Environment
from milk_assets.run import instance

HOST = "127.0.0.1"
DAGSTER_PORT, MLFLOW_PORT = 3000, 5000
END_WITHIN = 20.0  # seconds for a process to end by itself after it is asked to


def dev(environment: Environment, workbook: Path | None, until: date | None, today: date) -> int:
    """Run everything until interrupted, or until one of the processes ends; returns the exit code."""
    with published(workbook, until, today, port=SAMPLE_PORT) as source:
        local = replace(environment, source_url=source.url)
        with instance(local):
            pass  # its home and settings exist from here on
        settings = (
            os.environ
            | {
                "DAGSTER_HOME": str(local.dagster_home),
                "MILK_SOURCE_URL": local.source_url,
                "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS": "300",  # a slow site may take its time; the default of 60 would cut the look short
            }
        )
        processes = [subprocess.Popen(command, env=settings, start_new_session=True) for command in commands(local)]
        print(f"Dagster  http://{HOST}:{DAGSTER_PORT}    MLflow  http://{HOST}:{MLFLOW_PORT}    publisher  {local.source_url}")
        print(
            "The sensors run. `python -m milk_assets.sniim advance` publishes the next workbook. Ctrl-C ends all of it.",
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
    place = Path(sys.executable).parent
    dagster = [str(place / "dagster"), "dev", "-w", "workspace.yaml", "-h", HOST, "-p", str(DAGSTER_PORT)]
    mlflow = [
        str(place / "mlflow"),
        "ui",
        "--backend-store-uri",
        environment.tracking_uri,
        "--host",
        HOST,
        "--port",
        str(MLFLOW_PORT),
    ]
    return [dagster, mlflow]


def end(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    """Ask each process to end, and end what does not."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    for process in processes:
        try:
            process.wait(END_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
