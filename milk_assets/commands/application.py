"""The `milk` command: its subcommands, common options and error messages.

Belongs here: which subcommands there are, and how errors become one line. What a subcommand does is in its own module.
"""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from milk_assets.commands import (
    dagster_yaml,
    demo,
    dev,
    forecast,
    metrics,
    mlflow_server,
    model,
    run,
    serve,
    settings_table,
    source,
)

CREDENTIALS = re.compile(r"//[^/@\s]+@")  # of an address in a message
EXPECTED_ERRORS = (RuntimeError, OSError, ValueError)  # SettingError, WorkbookError, LakeError and the like derive from these

app = typer.Typer(
    name="milk",
    help="Forecasts of Mexico's official milk prices (SNIIM).",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.command("demo")(demo.demo_command)
app.command("dev")(dev.dev_command)
app.command("serve")(serve.serve_command)
app.command("run")(run.run_command)
app.command("bootstrap")(run.bootstrap_command)
app.command("report")(run.report_command)
app.command("read")(source.read_command)
app.command("publish")(source.publish_command)
app.command("advance")(source.advance_command)
app.command("forecast")(forecast.forecast_command)
app.command("backtest")(forecast.backtest_command)
app.add_typer(model.app, name="model")
app.command("settings")(settings_table.settings_command)
app.command("metrics")(metrics.metrics_command)
app.command("api-key")(serve.api_key_command)
app.add_typer(dagster_yaml.app, name="dagster-yaml")
app.command(
    "mlflow-server",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(mlflow_server.mlflow_server_command)


@app.callback()
def common_options(
    home: Annotated[
        Path | None, typer.Option(help="Folder of everything that stays on this machine; sets MILK_HOME.", show_default=False)
    ] = None,
) -> None:
    """Forecasts of Mexico's official milk prices (SNIIM)."""
    if home is not None:
        os.environ["MILK_HOME"] = str(home)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0: done. 1: an expected error, printed as one line on standard error. 2: wrong usage. 130: interrupted.
    """
    try:
        result = app(prog_name="milk", args=None if arguments is None else list(arguments), standalone_mode=False)
        return result if isinstance(result, int) else 0
    except typer.Exit as exit_request:
        return int(exit_request.exit_code)
    except TyperException as error:  # wrong usage: the message names the option
        error.show()  # type: ignore[attr-defined]  # the message of wrong usage, which every subclass has
        return int(getattr(error, "exit_code", 2))
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except EXPECTED_ERRORS as error:
        print(f"milk: {error}", file=sys.stderr)
        return 1
    except Exception as error:
        if not is_mlflow_error(error):
            raise
        reason = CREDENTIALS.sub("//", str(error).split("\n", 1)[0])
        print(f"milk: MLflow did not answer as expected ({reason}): check MILK_TRACKING_URI and the server", file=sys.stderr)
        return 1


def is_mlflow_error(error: Exception) -> bool:
    """Whether MLflow's client raised the error. MLflow is not imported for the answer: if it raised, it is loaded."""
    mlflow_exceptions = sys.modules.get("mlflow.exceptions")
    return mlflow_exceptions is not None and isinstance(error, mlflow_exceptions.MlflowException)
