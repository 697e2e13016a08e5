"""The `milk` command: help, exit codes and one-line errors."""

import subprocess
import sys
from pathlib import Path

import pytest

from milk_assets.__main__ import main

SUBCOMMANDS = [
    *("demo", "dev", "serve", "run", "bootstrap", "report", "read", "publish", "advance", "forecast", "backtest", "model"),
    *("settings", "metrics", "api-key", "dagster-yaml", "mlflow-server"),
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MILK_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_help_lists_every_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Usage: milk [OPTIONS] COMMAND")
    assert [name for name in SUBCOMMANDS if f"  {name} " not in printed] == []


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_subcommand_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    assert f"milk {name}" in capsys.readouterr().out


def test_wrong_usage_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "promote", "--reason", "x"]) == 2
    assert "--version" in capsys.readouterr().err
    assert main(["no-such-command"]) == 2


def test_an_expected_error_is_one_line_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILK_ENV", "production")
    assert main(["settings"]) == 1
    printed = capsys.readouterr()
    assert printed.err == "milk: MILK_ENV is 'production': set it to one of local, staging, prod, or leave it unset for local\n"
    assert printed.out == ""


def test_an_interrupted_command_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("milk_assets.commands.settings_table.settings_markdown", interrupted)
    assert main(["settings", "--markdown"]) == 130


def test_home_is_an_option_of_every_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    assert main(["--home", str(tmp_path / "other"), "settings"]) == 0
    assert str(tmp_path / "other") in capsys.readouterr().out


def test_an_empty_ledger_and_registry_say_what_to_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "history"]) == 0
    assert "run `milk demo`" in capsys.readouterr().out
    assert main(["model", "explain", "3"]) == 1
    assert "there is no entry 3: the ledger has 0" in capsys.readouterr().err


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom milk_assets.__main__ import main\nmain(['--help'])\n"
        "print([name for name in ('dagster', 'mlflow', 'pandas', 'numpy', 'boto3', 'xgboost', 'pydantic_settings') if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60).stdout
    assert printed.splitlines()[-1] == "[]"


def test_an_mlflow_error_is_one_line_without_credentials(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlflow.exceptions import MlflowException

    hidden = "hidden"

    def unreachable() -> str:
        raise MlflowException(f"API request to http://user:{hidden}@mlflow:5000/api failed\nfor some reason")

    monkeypatch.setattr("milk_assets.commands.settings_table.settings_markdown", unreachable)
    assert main(["settings", "--markdown"]) == 1
    assert capsys.readouterr().err == (
        "milk: MLflow did not answer as expected (API request to http://mlflow:5000/api failed): "
        "check MILK_TRACKING_URI and the server\n"
    )


def test_an_unexpected_error_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        raise KeyError("a defect")

    monkeypatch.setattr("milk_assets.commands.settings_table.settings_markdown", broken)
    with pytest.raises(KeyError, match="a defect"):
        main(["settings", "--markdown"])
