"""The workflows: checked by zizmor, and held to what they promise."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from cdk_tests.conftest import ROOT

FOLDER = ROOT / ".github" / "workflows"
ZIZMOR = Path(sys.executable).with_name("zizmor")
Workflow = dict[str, Any]


def read(name: str) -> Workflow:
    return yaml.safe_load((FOLDER / f"{name}.yml").read_text())


def findings(workflows: Path) -> subprocess.CompletedProcess[str]:
    """zizmor at its strictest, without the network."""
    return subprocess.run(
        [ZIZMOR, "--offline", "--persona=pedantic", "--no-progress", workflows], capture_output=True, text=True, timeout=120
    )


def test_zizmor_finds_nothing() -> None:
    found = findings(FOLDER)
    assert found.returncode == 0, found.stdout


def test_zizmor_finds_an_action_that_is_not_pinned_and_an_injection(tmp_path: Path) -> None:
    careless = {
        "on": "issues",
        "jobs": {
            "j": {
                "runs-on": "ubuntu-24.04",
                "steps": [{"uses": "actions/checkout@v5"}, {"run": "echo ${{ github.event.issue.title }}"}],
            }
        },
    }
    (tmp_path / "careless.yml").write_text(yaml.safe_dump(careless))
    found = findings(tmp_path / "careless.yml")
    assert found.returncode != 0
    assert "unpinned-uses" in found.stdout
    assert "template-injection" in found.stdout


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yml")), ids=lambda file: file.stem)
def test_every_action_is_pinned_by_commit_and_every_job_is_bounded(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text())
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 60
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
    assert "secrets." not in file.read_text()


def test_every_make_target_that_a_workflow_calls_exists() -> None:
    called = {
        target for file in FOLDER.glob("*.yml") for target in re.findall(r"(?:run:|&&) make ([a-z0-9-]+)", file.read_text())
    }
    rules = (ROOT / "Makefile").read_text() + (ROOT / "cdk" / "cloud.mk").read_text()
    made = set(re.findall(r"^([a-z0-9-]+):", rules, re.MULTILINE))
    assert called >= {"synth", "e2e", "materialize", "audit", "secrets", "deploy", "smoke"}
    assert called <= made


def test_prod_comes_after_staging_in_an_environment_that_a_person_approves() -> None:
    jobs = read("deploy")["jobs"]
    assert (jobs["staging"]["environment"], jobs["prod"]["environment"]) == ("staging", "prod")
    assert jobs["prod"]["needs"] == "staging"
    for name, job in jobs.items():
        assert job["permissions"] == {"contents": "read", "id-token": "write"}
        assert [step["run"] for step in job["steps"] if "run" in step][-1] == f"make smoke ENVIRONMENT={name}"
        (role,) = [step["with"]["role-to-assume"] for step in job["steps"] if "role-to-assume" in step.get("with", {})]
        assert role.endswith(f":role/milk-{name}-deploy")
