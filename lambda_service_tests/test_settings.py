"""The settings: read from environment variables, checked once, and described for the documentation."""

from pathlib import Path

import pytest

from lambda_service.settings import EndpointSettings, SettingError, describe_settings


def test_settings_are_read_from_the_environment(tmp_path: Path) -> None:
    environment = {
        "MILK_ARTEFACTS": "s3://b",
        "MILK_BAKED": str(tmp_path),
        "MILK_CHAMPION_TTL": "5",
        "MILK_S3_ENDPOINT": "http://127.0.0.1:9000",
        "MILK_API_KEY_HASHES": f"{'a' * 64},{'b' * 64}",
        "POWERTOOLS_SERVICE_NAME": "milk-test-api",
    }
    settings = EndpointSettings.from_environment(environment)
    assert (settings.artefact_root, settings.champion_ttl, settings.store_timeout) == ("s3://b", 5.0, 2.0)
    assert settings.key_hashes == frozenset({"a" * 64, "b" * 64})
    assert (settings.packaged_model, settings.s3_endpoint) == (tmp_path, "http://127.0.0.1:9000")
    assert (settings.service_name, settings.metrics_namespace) == ("milk-test-api", "MilkPrices")


def test_artefacts_are_under_the_home_folder_by_default() -> None:
    assert EndpointSettings.from_environment({"MILK_HOME": "/m"}).artefact_root == "/m/artefacts"
    assert EndpointSettings.from_environment({}).artefact_root == ".milk/artefacts"


def test_an_empty_variable_counts_as_not_set() -> None:
    variables = [variable for variable, _, _ in describe_settings()]
    assert EndpointSettings.from_environment(dict.fromkeys(variables, "")) == EndpointSettings.from_environment({})


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("MILK_CHAMPION_TTL", "soon", "MILK_CHAMPION_TTL='soon': Input should be a valid number.*Seconds between checks"),
        ("MILK_CHAMPION_TTL", "86401", "MILK_CHAMPION_TTL='86401': Input should be less than or equal to 86400"),
        ("MILK_STORE_TIMEOUT", "0", "MILK_STORE_TIMEOUT='0': Input should be greater than 0"),
        ("MILK_STORE_TIMEOUT", "nan", "MILK_STORE_TIMEOUT='nan'"),
        ("MILK_ARTEFACTS", "s3://", "MILK_ARTEFACTS='s3://': expected a folder, or s3:// and the name of a bucket"),
        ("MILK_ARTEFACTS", "s3://bucket/folder", "without a path"),
        ("MILK_ARTEFACTS", "https://bucket", "expected a folder, or s3://"),
        ("MILK_S3_ENDPOINT", "127.0.0.1:9000", "expected a URL with http:// or https://.*unset it to use the default"),
    ],
)
def test_a_wrong_value_is_rejected_with_its_name_value_and_remedy(variable: str, value: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        EndpointSettings.from_environment({variable: value})


def test_a_key_in_place_of_its_hash_is_rejected_and_not_repeated() -> None:
    with pytest.raises(SettingError, match="^MILK_API_KEY_HASHES: API key hash 1 of 1 has 6 characters") as raised:
        EndpointSettings.from_environment({"MILK_API_KEY_HASHES": "my-key"})
    assert "my-key" not in str(raised.value)


def test_every_variable_is_described_once_with_its_default() -> None:
    settings = {variable: (default, description) for variable, default, description in describe_settings()}
    assert len(settings) == len(describe_settings())
    assert settings["MILK_CHAMPION_TTL"][0] == "60"
    assert settings["MILK_HOME"][0] == ".milk"
    assert settings["MILK_ARTEFACTS"][0] == ""
    assert {"MILK_API_KEY_HASHES", "MILK_API_KEY_HASHES_SECRET", "MILK_API_KEY_HASHES_PARAMETER"} <= settings.keys()
    assert all(description.endswith(".") for _, description in settings.values())
