"""The GitHub workflows: checked by zizmor, and by tests of pinning, permissions and order."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from cdk_tests.conftest import ROOT

WORKFLOWS = ROOT / ".github" / "workflows"
ZIZMOR = Path(sys.executable).with_name("zizmor")
Workflow = dict[str, Any]


def read(name: str) -> Workflow:
    return yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text())


def run_zizmor(workflows: Path) -> subprocess.CompletedProcess[str]:
    """Run zizmor in its strictest mode, without network access."""
    return subprocess.run(
        [ZIZMOR, "--offline", "--persona=pedantic", "--no-progress", workflows], capture_output=True, text=True, timeout=120
    )


def test_zizmor_has_no_findings() -> None:
    result = run_zizmor(WORKFLOWS)
    assert result.returncode == 0, result.stdout


def test_zizmor_finds_an_unpinned_action_and_an_injection(tmp_path: Path) -> None:
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
    result = run_zizmor(tmp_path / "careless.yml")
    assert result.returncode != 0
    assert "unpinned-uses" in result.stdout
    assert "template-injection" in result.stdout


@pytest.mark.parametrize("file", sorted(WORKFLOWS.glob("*.yml")), ids=lambda file: file.stem)
def test_every_action_is_pinned_to_a_commit_and_every_job_has_a_timeout(file: Path) -> None:
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
    called_targets = {
        target for file in WORKFLOWS.glob("*.yml") for target in re.findall(r"(?:run:|&&) make ([a-z0-9-]+)", file.read_text())
    }
    rules = (ROOT / "Makefile").read_text() + (ROOT / "cdk" / "cloud.mk").read_text()
    defined_targets = set(re.findall(r"^([a-z0-9-]+):", rules, re.MULTILINE))
    assert called_targets >= {"synth", "e2e", "materialize", "audit", "secrets", "deploy", "smoke"}
    assert called_targets <= defined_targets


def test_prod_is_deployed_after_staging_in_its_own_environment() -> None:
    jobs = read("deploy")["jobs"]
    assert (jobs["staging"]["environment"], jobs["prod"]["environment"]) == ("staging", "prod")
    assert jobs["prod"]["needs"] == "staging"
    for name, job in jobs.items():
        assert job["permissions"] == {"contents": "read", "id-token": "write"}
        assert [step["run"] for step in job["steps"] if "run" in step][-1] == f"make smoke ENVIRONMENT={name}"
        (role,) = [step["with"]["role-to-assume"] for step in job["steps"] if "role-to-assume" in step.get("with", {})]
        assert role.endswith(f":role/milk-{name}-deploy")
