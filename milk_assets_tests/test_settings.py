"""Environments: every URI from a name, and no name in another's URI."""

from pathlib import Path

import pytest

from milk_assets.settings import OFFICIAL_SOURCE, Environment, SettingError


def test_local_needs_no_setting_and_keeps_all_under_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    local = Environment.from_env({})
    home = tmp_path / ".milk"
    assert (local.name, local.lake, local.artefacts) == ("local", str(home / "lake"), str(home / "artefacts"))
    assert local.tracking_uri == f"sqlite:///{home}/mlflow.db"
    assert local.mlflow_artefacts == f"file://{home}/artefacts/mlflow"
    assert local.source_url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_cloud_environments_read_the_official_source_and_their_own_buckets(name: str) -> None:
    cloud = Environment.from_env({"MILK_ENV": name, "MILK_BUCKET_SUFFIX": "123"})
    assert (cloud.lake, cloud.artefacts) == (f"s3://milk-{name}-lake-123", f"s3://milk-{name}-artefacts-123")
    assert cloud.source_url == OFFICIAL_SOURCE
    assert cloud.look_every_seconds == 3600


def test_an_unknown_environment_says_which_there_are() -> None:
    with pytest.raises(SettingError, match="MILK_ENV is 'production'.*local, staging, prod"):
        Environment.from_env({"MILK_ENV": "production"})


def test_staging_may_not_write_to_a_tracking_server_of_prod() -> None:
    with pytest.raises(SettingError, match="staging may not use prod's tracking"):
        Environment.from_env({"MILK_ENV": "staging", "MILK_TRACKING_URI": "https://mlflow.prod.example"})
    allowed = Environment.from_env({"MILK_ENV": "staging", "MILK_TRACKING_URI": "https://mlflow.staging.example"})
    assert allowed.tracking_uri == "https://mlflow.staging.example"


def test_a_source_that_is_no_web_address_is_refused_without_repeating_it() -> None:
    with pytest.raises(SettingError, match="MILK_SOURCE_URL must be an http") as refused:
        Environment.from_env({"MILK_SOURCE_URL": "ftp://user:secret@example/x"})
    assert "secret" not in str(refused.value)
