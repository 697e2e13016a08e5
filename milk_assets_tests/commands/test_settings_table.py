"""`milk settings`: values, sources, masked secrets, and the reference page."""

import re
from pathlib import Path

import pytest

from milk_assets.__main__ import main
from milk_assets.commands.settings_table import settings_markdown
from milk_assets.settings import MASK, SettingError, Settings

HIDDEN = "hidden"
REFERENCE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_reference_page_is_the_one_that_the_command_writes() -> None:
    assert REFERENCE.read_text("utf-8") == settings_markdown(), "run: milk settings --markdown > docs/settings.md"


def test_secrets_are_masked_and_addresses_have_no_credentials(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILK_TELEGRAM_TOKEN", "123:secret")
    monkeypatch.setenv("MILK_WEBHOOK_URL", "https://hooks.example/secret")
    monkeypatch.setenv("MILK_SOURCE_URL", "https://user:secret@example.org/files")
    assert main(["settings"]) == 0
    printed = capsys.readouterr().out
    assert "secret" not in printed
    assert MASK in printed
    assert "https://example.org/files" in printed


def test_the_source_of_a_value_is_shown() -> None:
    rows = {row.variable: (row.value, row.source) for row in Settings.read({"MILK_ENV": "staging"}).describe()}
    assert rows["MILK_ENV"] == ("staging", "environment")
    assert rows["AWS_REGION"] == ("us-east-1", "default")


def test_given_variables_are_read_instead_of_those_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILK_ENV", "prod")
    assert Settings.read({}).environment == "local"
    assert Settings.read().environment == "prod"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILK_ENV", "")
    assert Settings.read().environment == "local"
    assert Settings.read({"MILK_ENV": ""}).environment == "local"


def test_a_wrong_value_is_refused_with_name_value_and_remedy() -> None:
    with pytest.raises(SettingError, match=r"MILK_ENV is 'production': set it to one of local, staging, prod"):
        Settings.read({"MILK_ENV": "production"})


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("MILK_DEPLOYMENT", "heroku", "MILK_DEPLOYMENT is 'heroku': set it to one of local, compose, ecs"),
        ("PGPORT", "many", "PGPORT is 'many': input should be a valid integer"),
        ("MILK_CODE_PORT", "70000", "MILK_CODE_PORT is '70000': input should be less than or equal to 65535"),
    ],
)
def test_each_wrong_value_is_refused_with_its_setting_and_remedy(variable: str, value: str, message: str) -> None:
    with pytest.raises(SettingError) as error:
        Settings.read({variable: value})
    assert str(error.value).startswith(message)


def test_a_wrong_address_of_the_endpoint_does_not_stop_the_platform() -> None:
    assert Settings.read({"MILK_API_URL": "nonsense"}).api_url == "nonsense"  # the endpoint check opens an incident


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://example.org/files?token=hidden", "https://example.org/files"),
        (f"postgresql://milk:{HIDDEN}@db:5432/mlflow", "postgresql://db:5432/mlflow"),
        ("sqlite:////home/a@b/mlflow.db", "sqlite:////home/a@b/mlflow.db"),
    ],
)
def test_addresses_are_shown_without_password_and_query(address: str, shown: str) -> None:
    rows = {row.variable: row.value for row in Settings.read({"MILK_TRACKING_URI": address}).describe()}
    assert rows["MILK_TRACKING_URI"] == shown


def test_every_variable_of_the_containers_is_a_setting() -> None:
    files = [REFERENCE.parents[1] / name for name in ("compose.yaml", "deploy/workspace.yaml")]
    named = {name for file in files for name in re.findall(r"\b(?:MILK|PG)_?[A-Z_]{2,}\b", file.read_text("utf-8"))}
    reference = REFERENCE.read_text("utf-8")
    assert len(named) > 10
    assert [name for name in sorted(named) if f"`{name}`" not in reference] == []
