"""`milk settings`: values, sources, masked secrets, and the reference page."""

from pathlib import Path

import pytest

from milk_assets.__main__ import main
from milk_assets.commands.settings_table import settings_markdown
from milk_assets.settings import MASK, SettingError, Settings

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
