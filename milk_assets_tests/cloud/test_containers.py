"""The container image, compose.yaml and the deployment scripts, checked by reading their files."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from milk_assets.settings import DEPLOYMENTS

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_every_port_is_bound_to_loopback(name: str) -> None:
    for port in COMPOSE["services"][name].get("ports", []):
        assert str(port).startswith("127.0.0.1:")


def test_compose_has_every_service_and_a_read_only_platform() -> None:
    assert {"postgres", "code", "webserver", "daemon", "mlflow", "api"} <= set(COMPOSE["services"])
    platform = COMPOSE["x-platform"]
    assert platform["read_only"] is True
    assert platform["environment"]["MILK_DEPLOYMENT"] in DEPLOYMENTS
    assert platform["environment"]["MILK_ENV"] == "local"


def test_compose_contains_no_password() -> None:
    for service in COMPOSE["services"].values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name:
                assert value.startswith("${POSTGRES_PASSWORD:?")


def test_the_image_does_not_run_as_root_and_installs_by_hash() -> None:
    assert re.search(r"^USER (?!root)\w+$", DOCKERFILE, re.MULTILINE)
    assert DOCKERFILE.index("USER milk") < DOCKERFILE.index("ENTRYPOINT")
    assert "--require-hashes" in DOCKERFILE
    assert 'VOLUME ["/tmp"]' in DOCKERFILE


def test_dockerignore_allows_every_file_that_the_image_copies() -> None:
    allowed = [line[1:].removesuffix("/**") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for path in line.split():
            assert (ROOT / path).exists(), path
            assert any(Path(path).match(pattern) or path.startswith(f"{pattern}/") for pattern in allowed), path


def test_the_materialize_script_covers_every_asset() -> None:
    from milk_assets.definitions import defs

    script = (ROOT / "deploy" / "materialize.sh").read_text()
    selections = re.findall(r"^materialize '?([\w,]+)", script, re.MULTILINE)
    materialized = {name for selection in selections for name in selection.split(",")}
    assert materialized == {key.to_user_string() for key in defs.resolve_all_asset_keys()}
