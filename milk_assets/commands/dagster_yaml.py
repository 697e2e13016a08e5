"""`milk dagster-yaml`: the configuration of the Dagster instance of each deployment.

Belongs here: storage, launcher, logs, limits and retention, for one machine without a server (local), one machine with Postgres
(compose), and ECS. The settings library is imported when a command needs it, because `milk --help` does not.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

DEPLOYMENT_VARIABLE = "MILK_DEPLOYMENT"

app = typer.Typer(help="The dagster.yaml of a deployment.", no_args_is_help=True)

POSTGRES_DRIVER = "postgresql+psycopg2"  # named, since SQLAlchemy's own choice changed with its release
# Two trainings on one machine are slower than one after the other; on ECS each run has a machine of its own, and a backlog of
# publications need not wait. A run whose process died is tried again, and one that hangs is ended, so that neither holds its place for
# ever; a failed stage has its own policy. Old ticks are of no use to anyone.
CONCURRENT_RUNS: dict[str, int] = {"local": 1, "compose": 1, "ecs": 4}
COMMON_SETTINGS: dict[str, Any] = {
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


def instance_settings(deployment: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """The dagster.yaml of a deployment. Secrets stay names of variables, which Dagster reads when it connects.

    Args:
        deployment: local, compose or ecs.
        environ: Environment variables. On ECS, MILK_RUN_SUBNETS (comma-separated) and MILK_RUN_SECURITY_GROUP say where runs start,
            because Dagster does not read these from variables itself.

    Raises:
        SettingError: The deployment is unknown, or a variable is missing.
    """
    from milk_assets.settings import DEPLOYMENTS, SettingError

    if deployment not in DEPLOYMENTS:
        raise SettingError(f"{DEPLOYMENT_VARIABLE} is {deployment!r}; set it to one of {', '.join(DEPLOYMENTS)}")
    common = {**COMMON_SETTINGS, "concurrency": {"runs": {"max_concurrent_runs": CONCURRENT_RUNS[deployment]}}}
    if deployment == "local":
        return common
    common["storage"] = {"postgres": {"postgres_db": _postgres(environ)}}
    return common if deployment == "compose" else {**common, **_ecs(environ)}


def write_dagster_yaml(home: Path, deployment: str, environ: Mapping[str, str]) -> Path:
    """Write a deployment's dagster.yaml into its home, whole or not at all; returns its path."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / "dagster.yaml"
    draft = path.with_suffix(".new")
    draft.write_text(as_yaml(instance_settings(deployment, environ)))
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
        "scheme": POSTGRES_DRIVER,
        "params": {"sslmode": _required(environ, "PGSSLMODE")},
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
                            "subnets": _required(environ, "MILK_RUN_SUBNETS").split(","),
                            "securityGroups": [_required(environ, "MILK_RUN_SECURITY_GROUP")],
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


def _required(environ: Mapping[str, str], name: str) -> str:
    from milk_assets.settings import SettingError

    value = environ.get(name)
    if not value:
        raise SettingError(
            f"{name} is not set: {DEPLOYMENT_VARIABLE}={environ.get(DEPLOYMENT_VARIABLE, '?')} needs it to write dagster.yaml"
        )
    return value


@app.command("show")
def show_command(deployment: Annotated[str, typer.Argument(help="local, compose or ecs.")]) -> None:
    """Print the dagster.yaml of a deployment."""
    print(as_yaml(instance_settings(deployment, os.environ)), end="")


@app.command(
    "exec", context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}
)
def exec_command(context: typer.Context, command: Annotated[str, typer.Argument(help="Program to start.")]) -> None:
    """Write dagster.yaml for MILK_DEPLOYMENT into DAGSTER_HOME, then become a command: the entry point of a container."""
    write_dagster_yaml(Path(_required(os.environ, "DAGSTER_HOME")), os.environ.get(DEPLOYMENT_VARIABLE) or "local", os.environ)
    os.execvp(command, [command, *context.args])  # noqa: S606  # this process becomes the command, so signals reach it
