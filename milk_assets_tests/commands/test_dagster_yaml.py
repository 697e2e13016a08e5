"""The instance of each deployment: what is written is what Dagster loads, on a real Postgres where there is one."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from sqlalchemy import create_engine, text

from milk_assets.__main__ import main
from milk_assets.commands import dagster_yaml, mlflow_server
from milk_assets.settings import SettingError

ECS = {
    "MILK_RUN_SUBNETS": "subnet-1,subnet-2",
    "MILK_RUN_SECURITY_GROUP": "sg-1",
    "PGSSLMODE": "require",
}


def found(name: str) -> str:
    """A Postgres program; Debian keeps the server's away from PATH."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *map(str, places)]))
    if path is None:
        pytest.skip(f"no {name} on this machine: install postgresql")
    return path


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A server of its own on loopback, as libpq's variables name it; its password stands in no address."""
    folder = tmp_path_factory.mktemp("postgres")
    port, secret = free_port(), folder / "secret"
    secret.write_text("no-secret: of a test")
    as_nobody = {}
    if os.geteuid() == 0:  # Postgres refuses to run as root
        as_nobody = {"user": "nobody"}
        for path in (folder, *folder.parents):
            if path == Path(tempfile.gettempdir()):
                break
            path.chmod(0o755)
        shutil.chown(folder, "nobody")
        shutil.chown(secret, "nobody")
    data = folder / "data"
    asked = ["--auth=scram-sha-256", "--username=milk", f"--pwfile={secret}", "--no-sync"]
    subprocess.run([found("initdb"), "-D", str(data), *asked], check=True, capture_output=True, cwd=folder, **as_nobody)
    options = [
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        f"port={port}",
        "-c",
        "fsync=off",
        "-c",
        f"unix_socket_directories={folder}",
    ]
    server = subprocess.Popen(
        [found("postgres"), "-D", str(data), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        **as_nobody,
    )
    try:
        yield {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(port),
            "PGUSER": "milk",
            "PGPASSWORD": secret.read_text(),
            "PGDATABASE": "dagster",
            "PGSSLMODE": "disable",
        }
    finally:
        server.terminate()
        server.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_compose_instance_keeps_its_records_in_postgres(
    postgres: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in postgres.items():
        monkeypatch.setenv(name, value)
    mlflow_server.ensure_database(postgres["PGDATABASE"])
    path = dagster_yaml.write_dagster_yaml(tmp_path, "compose", postgres)
    assert postgres["PGPASSWORD"] not in path.read_text()
    with dg.DagsterInstance.from_config(str(tmp_path)) as on:
        on.add_dynamic_partitions("publications", ["2025-03-31"])
    with dg.DagsterInstance.from_config(str(tmp_path)) as again:
        assert again.get_dynamic_partitions("publications") == ["2025-03-31"]
        assert again.run_storage.__class__.__name__ == "PostgresRunStorage"
        assert again.run_retries_enabled
        assert again.run_monitoring_enabled
    engine = create_engine(f"{dagster_yaml.POSTGRES_DRIVER}:///dagster")
    with engine.connect() as connection:
        assert connection.execute(text("select partition from dynamic_partitions")).scalar() == "2025-03-31"
    engine.dispose()


def test_mlflow_has_a_database_of_its_own_made_once(postgres: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in postgres.items():
        monkeypatch.setenv(name, value)
    assert mlflow_server.ensure_database("mlflow_records")
    assert not mlflow_server.ensure_database("mlflow_records")
    asked = mlflow_server.command_line(["--port", "5000"])
    assert "postgresql+psycopg2:///mlflow" in asked
    assert not [word for word in asked if postgres["PGPASSWORD"] in word]


def test_an_ecs_instance_starts_runs_where_it_is_told_and_holds_no_secret() -> None:
    said = yaml.safe_load(dagster_yaml.as_yaml(dagster_yaml.instance_settings("ecs", {**ECS, "PGPASSWORD": "hidden"})))
    assert "hidden" not in str(said)
    assert said["storage"]["postgres"]["postgres_db"]["password"] == {"env": "PGPASSWORD"}
    launcher = said["run_launcher"]
    assert (launcher["module"], launcher["class"]) == ("dagster_aws.ecs", "EcsRunLauncher")
    network = launcher["config"]["run_task_kwargs"]["networkConfiguration"]["awsvpcConfiguration"]
    assert network == {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED"}
    assert said["compute_logs"]["class"] == "S3ComputeLogManager"
    assert said["run_monitoring"]["enabled"]
    assert said["retention"]["sensor"]["purge_after_days"]["skipped"] == 7


@pytest.mark.parametrize("missing", sorted(ECS))
def test_a_deployment_without_what_it_needs_says_which_variable(missing: str, tmp_path: Path) -> None:
    given = {name: value for name, value in ECS.items() if name != missing}
    with pytest.raises(SettingError, match=f"{missing} is not set"):
        dagster_yaml.write_dagster_yaml(tmp_path, "ecs", given)
    assert not (tmp_path / "dagster.yaml").exists()


def test_an_unknown_deployment_is_refused_with_those_there_are() -> None:
    with pytest.raises(SettingError, match="MILK_DEPLOYMENT is 'heroku'; set it to one of local, compose, ecs"):
        dagster_yaml.instance_settings("heroku", {})


def test_the_entry_of_a_container_writes_the_settings_and_becomes_the_command(tmp_path: Path) -> None:
    home = tmp_path / "dagster"
    told = {**os.environ, **ECS, "DAGSTER_HOME": str(home), "MILK_DEPLOYMENT": "ecs"}
    show = "import os, sys; print(os.path.exists(os.path.join(os.environ['DAGSTER_HOME'], 'dagster.yaml')), sys.argv[1:])"
    words = [sys.executable, "-m", "milk_assets", "dagster-yaml", "exec", sys.executable, "-c", show, "a b"]
    done = subprocess.run(words, env=told, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "True ['a b']\n"
    assert yaml.safe_load((home / "dagster.yaml").read_text())["concurrency"]["runs"]["max_concurrent_runs"] == 4


def test_the_entry_without_a_folder_names_the_missing_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    assert main(["dagster-yaml", "exec", "true"]) == 1
    assert "DAGSTER_HOME is not set" in capsys.readouterr().err


def test_a_database_that_does_not_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", str(free_port()))
    monkeypatch.setattr(mlflow_server, "CONNECTION_ATTEMPTS", 1)
    with pytest.raises(mlflow_server.DatabaseError, match=r"Postgres at 127.0.0.1:\d+ did not accept a connection") as error:
        mlflow_server.ensure_database()
    assert "\n" not in str(error.value)


def test_the_entry_loads_nothing_heavy() -> None:
    code = "import sys, milk_assets.commands.dagster_yaml; print([m for m in ('dagster', 'mlflow', 'pandas', 'boto3') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
