"""The image, the single machine and the scripts beside them: what they promise, read from the files that make them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from milk_assets.commands.dagster_yaml import DEPLOYMENTS

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_every_port_is_of_loopback(name: str) -> None:
    for port in COMPOSE["services"][name].get("ports", []):
        assert str(port).startswith("127.0.0.1:")


def test_the_single_machine_has_all_that_it_takes() -> None:
    assert {"postgres", "code", "webserver", "daemon", "mlflow", "api"} <= set(COMPOSE["services"])
    shared = COMPOSE["x-platform"]
    assert shared["read_only"] is True
    assert shared["environment"]["MILK_DEPLOYMENT"] in DEPLOYMENTS
    assert shared["environment"]["MILK_ENV"] == "local"


def test_no_password_stands_in_the_file() -> None:
    for service in COMPOSE["services"].values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name:
                assert value.startswith("${POSTGRES_PASSWORD:?")


def test_the_image_runs_as_nobody_in_particular_and_installs_by_hash() -> None:
    assert re.search(r"^USER (?!root)\w+$", DOCKERFILE, re.MULTILINE)
    assert DOCKERFILE.index("USER milk") < DOCKERFILE.index("ENTRYPOINT")
    assert "--require-hashes" in DOCKERFILE
    assert 'VOLUME ["/tmp"]' in DOCKERFILE


def test_every_file_that_the_image_copies_is_let_through() -> None:
    let = [line[1:].removesuffix("/**") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for path in line.split():
            assert (ROOT / path).exists(), path
            assert any(Path(path).match(pattern) or path.startswith(f"{pattern}/") for pattern in let), path


def test_the_check_of_the_graph_materializes_every_asset() -> None:
    from milk_assets.definitions import defs

    script = (ROOT / "deploy" / "materialize.sh").read_text()
    asked = {name for selected in re.findall(r"^materialize '?([\w,]+)", script, re.MULTILINE) for name in selected.split(",")}
    assert asked == {key.to_user_string() for key in defs.resolve_all_asset_keys()}
