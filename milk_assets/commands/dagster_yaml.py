"""The Dagster instance of each deployment: what its dagster.yaml says, written before a command starts.

Belongs here: storage, launcher, logs, limits and retention, for one machine without a server, for one machine with
Postgres (compose), and for ECS. Nothing heavy is imported.

    python -m milk_assets.commands.dagster_yaml show ecs         # print one
    python -m milk_assets.commands.dagster_yaml exec COMMAND…    # a container's entry: write dagster.yaml, then become COMMAND
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from milk_assets.settings import SettingError

Deployment = Literal["local", "compose", "ecs"]
DEPLOYMENTS: tuple[str, ...] = get_args(Deployment)
SETTING = "MILK_DEPLOYMENT"

DRIVER = "postgresql+psycopg2"  # named, since SQLAlchemy's own choice changed with its release
# Two trainings on one machine are slower than one after the other; on ECS each run has a machine of its own, and a backlog of
# publications need not wait. A run whose process died is tried again, and one that hangs is ended, so that neither holds its place for
# ever; a failed stage has its own policy. Old ticks are of no use to anyone.
RUNS_AT_ONCE: dict[str, int] = {"local": 1, "compose": 1, "ecs": 4}
SHARED: dict[str, Any] = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},
    "python_logs": {"python_log_level": "INFO"},
    "run_monitoring": {
        "enabled": True,
        "poll_interval_seconds": 60,
        "start_timeout_seconds": 300,
        "max_runtime_seconds": 3600,
    },
    "run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False},
    "retention": {
        "schedule": {"purge_after_days": 90},
        "sensor": {"purge_after_days": {"skipped": 7, "failure": 30, "success": 90}},
    },
}


def settings(deployment: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """What dagster.yaml says in a deployment. Secrets stay names of variables, which Dagster reads when it connects.

    environ: on ECS, where runs are started: MILK_RUN_SUBNETS (comma-separated) and MILK_RUN_SECURITY_GROUP, which Dagster does not read
    from variables itself. Raises SettingError on a deployment that is none, and on a variable that is missing, naming it.
    """
    if deployment not in DEPLOYMENTS:
        raise SettingError(f"{SETTING} is {deployment!r}; set it to one of {', '.join(DEPLOYMENTS)}")
    common = {**SHARED, "concurrency": {"runs": {"max_concurrent_runs": RUNS_AT_ONCE[deployment]}}}
    if deployment == "local":
        return common
    common["storage"] = {"postgres": {"postgres_db": _postgres(environ)}}
    return common if deployment == "compose" else {**common, **_ecs(environ)}


def write(home: Path, deployment: str, environ: Mapping[str, str]) -> Path:
    """Write a deployment's dagster.yaml into its home, whole or not at all; returns its path."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / "dagster.yaml"
    draft = path.with_suffix(".new")
    draft.write_text(as_yaml(settings(deployment, environ)))
    draft.replace(path)
    return path


def as_yaml(document: Mapping[str, Any]) -> str:
    """A document as YAML: JSON, which is YAML, one setting a line."""
    return json.dumps(document, indent=2) + "\n"


def _postgres(environ: Mapping[str, str]) -> dict[str, Any]:
    return {
        "hostname": {"env": "PGHOST"},
        "port": {"env": "PGPORT"},
        "username": {"env": "PGUSER"},
        "password": {"env": "PGPASSWORD"},
        "db_name": {"env": "PGDATABASE"},
        "scheme": DRIVER,
        "params": {"sslmode": _given(environ, "PGSSLMODE")},
    }


def _ecs(environ: Mapping[str, str]) -> dict[str, Any]:
    """Runs as tasks of the definition that `cdk/` makes, in the subnets that reach the internet; what they print goes to the lake."""
    return {
        "run_launcher": {
            "module": "dagster_aws.ecs",
            "class": "EcsRunLauncher",
            "config": {
                "task_definition": {"env": "MILK_RUN_TASK_DEFINITION"},
                "container_name": "run",
                "use_current_ecs_task_config": False,  # the daemon sits where the internet is not reached
                "secrets_tag": None,  # the definition names its secrets; nothing is looked for by tag
                "run_task_kwargs": {
                    "cluster": {"env": "MILK_RUN_CLUSTER"},
                    "launchType": "FARGATE",
                    "networkConfiguration": {
                        "awsvpcConfiguration": {
                            "subnets": _given(environ, "MILK_RUN_SUBNETS").split(","),
                            "securityGroups": [_given(environ, "MILK_RUN_SECURITY_GROUP")],
                            "assignPublicIp": "ENABLED",
                        }
                    },
                },
            },
        },
        "compute_logs": {
            "module": "dagster_aws.s3.compute_log_manager",
            "class": "S3ComputeLogManager",
            "config": {
                "bucket": {"env": "MILK_COMPUTE_LOGS_BUCKET"},
                "prefix": {"env": "MILK_COMPUTE_LOGS_PREFIX"},
                "region": {"env": "AWS_REGION"},
                "upload_interval": 30,
                "skip_empty_files": True,
            },
        },
    }


def _given(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name)
    if not value:
        raise SettingError(f"{name} is not set: {SETTING}={environ.get(SETTING, '?')} needs it to write dagster.yaml")
    return value


def main(arguments: Sequence[str]) -> int:
    """`show DEPLOYMENT`, or `exec COMMAND…`; returns the exit code, unless the process has become the command."""
    match list(arguments):
        case ["show", deployment]:
            print(as_yaml(settings(deployment, os.environ)), end="")
            return 0
        case ["exec", command, *rest]:
            write(Path(os.environ["DAGSTER_HOME"]), os.environ.get(SETTING) or "local", os.environ)
            os.execvp(command, [command, *rest])  # noqa: S606  # this process becomes the command: signals reach it
    print("usage: python -m milk_assets.commands.dagster_yaml show DEPLOYMENT | exec COMMAND…", file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SettingError as error:
        sys.exit(f"milk_assets.commands.dagster_yaml: {error}")
