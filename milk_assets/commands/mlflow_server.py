"""`milk mlflow-server`: creates MLflow's database where it does not exist, then becomes `mlflow server`.

Belongs here: that start. Postgres is named by libpq's own variables (PGHOST, PGPORT, PGUSER, PGPASSWORD), so no address holds a password.
"""

import os
from collections.abc import Sequence
from typing import Any

import typer

from milk_assets.commands.dagster_yaml import POSTGRES_DRIVER

MLFLOW_DATABASE = "mlflow"  # a database of its own, because Dagster and MLflow both have a table `alembic_version`
CONNECTION_ATTEMPTS, WAIT_SECONDS = 30, 2.0  # one minute in total: Postgres may still be starting


class DatabaseError(RuntimeError):
    """Postgres does not accept connections: the message names the server and what to check."""


def mlflow_server_command(context: typer.Context) -> None:
    """Create MLflow's database where it does not exist, then become `mlflow server` with the given options."""
    ensure_database()
    os.execvp("mlflow", command_line(context.args))  # noqa: S606, S607  # this process becomes the server, so signals reach it


def ensure_database(name: str = MLFLOW_DATABASE) -> bool:
    """Create a database on the server that libpq's variables name; returns whether it was created.

    Two processes may do so at the same time. Raises DatabaseError where the server does not accept a connection within a minute.
    """
    from psycopg2 import errors, sql

    connection = connect()
    connection.autocommit = True  # a database cannot be created inside a transaction
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1 from pg_database where datname = %s", (name,))
            if cursor.fetchone():
                return False
            try:
                cursor.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            except (errors.DuplicateDatabase, errors.UniqueViolation):
                return False
            return True
    finally:
        connection.close()


def command_line(arguments: Sequence[str]) -> list[str]:
    """Command line of the server. Clients write artefacts with their own permissions, so the server does not proxy them."""
    store = f"{POSTGRES_DRIVER}:///{MLFLOW_DATABASE}"
    return ["mlflow", "server", "--backend-store-uri", store, "--no-serve-artifacts", "--workers", "1", *arguments]


def connect() -> Any:
    """A connection to Postgres, tried again while the server starts."""
    import psycopg2
    from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

    @retry(
        retry=retry_if_exception_type(psycopg2.OperationalError),
        stop=stop_after_attempt(CONNECTION_ATTEMPTS),
        wait=wait_fixed(WAIT_SECONDS),
        reraise=True,
    )
    def attempt() -> Any:
        return psycopg2.connect(dbname="postgres", connect_timeout=5)

    try:
        return attempt()
    except psycopg2.OperationalError as error:
        server = f"{os.environ.get('PGHOST', 'localhost')}:{os.environ.get('PGPORT', '5432')}"
        reason = " ".join(str(error).split())
        raise DatabaseError(f"Postgres at {server} did not accept a connection: {reason}; check PGHOST and PGPASSWORD") from error
