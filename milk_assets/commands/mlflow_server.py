"""MLflow's server in a deployment: makes its database where there is none, then becomes `mlflow server`.

Belongs here: that start. Postgres is named by libpq's own variables (PGHOST, PGPORT, PGUSER, PGPASSWORD), so no address holds a password.
"""

import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from milk_assets.commands.dagster_yaml import DRIVER

DATABASE = "mlflow"  # beside Dagster's, not in it: both keep a table `alembic_version`
ATTEMPTS, WAIT = 30, 2.0  # a minute in all: Postgres may still be starting


def ensure_database(name: str = DATABASE) -> bool:
    """Make a database on the server that libpq's variables name; whether it was made. Waits up to a minute for the server.

    Raises psycopg2.OperationalError where none answers. Two who make it at once both go on.
    """
    from psycopg2 import errors, sql

    connection = _connect()
    connection.autocommit = True  # a database is not made inside a transaction
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


def command(arguments: Sequence[str]) -> list[str]:
    """The server's command line. Clients write artefacts themselves, with their own rights, so the server hands none on."""
    store = f"{DRIVER}:///{DATABASE}"
    return ["mlflow", "server", "--backend-store-uri", store, "--no-serve-artifacts", "--workers", "1", *arguments]


def _connect() -> Any:
    import psycopg2

    for _ in range(ATTEMPTS - 1):
        try:
            return psycopg2.connect(dbname="postgres", connect_timeout=5)
        except psycopg2.OperationalError:
            time.sleep(WAIT)
    return psycopg2.connect(dbname="postgres", connect_timeout=5)


if __name__ == "__main__":
    ensure_database()
    os.execvp("mlflow", command(sys.argv[1:]))  # noqa: S606, S607  # this process becomes the server: signals reach it
