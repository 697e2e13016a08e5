"""The templates as a whole: no unintended change, and no finding of a linter that is not acknowledged."""

import difflib
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws_cdk import aws_s3 as s3

from cdk.app import build
from cdk.common.deployments import DEPLOYMENTS
from cdk.common.milk_stack import MilkStack
from cdk_tests.conftest import ROOT, Template, new_app

GOLDEN = ROOT / "cdk_tests" / "golden"
REWRITE = os.environ.get("MILK_REWRITE_GOLDEN") == "1"
DIGEST = re.compile(r"[0-9a-f]{64}")
VERSION = re.compile(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}")


def normalized(template: Template) -> str:
    """Return a template as text without the digests of assets and function versions, which change with every commit."""
    content = json.dumps(template, indent=1, sort_keys=True)
    return VERSION.sub(r"\1", DIGEST.sub("DIGEST", content)) + "\n"


def test_templates_equal_the_reviewed_ones(templates: dict[str, Template]) -> None:
    """After an intended change, run `make golden` and review the diff before committing it."""
    synthesized = {f"{name}.json": normalized(template) for name, template in templates.items()}
    if REWRITE:
        for old in GOLDEN.glob("*.json"):
            old.unlink()
        for name, content in synthesized.items():
            (GOLDEN / name).write_text(content)
    golden = {file.name: file.read_text() for file in GOLDEN.glob("*.json")}
    assert sorted(synthesized) == sorted(golden)
    changes = [
        line
        for name in synthesized
        for line in difflib.unified_diff(
            golden[name].splitlines(), synthesized[name].splitlines(), f"golden/{name}", name, n=2, lineterm=""
        )
    ]
    assert not changes, "\n".join(changes[:200])


def test_cfn_lint_has_no_findings(synthesized: Path) -> None:
    assert lint(*sorted(synthesized.glob("*.template.json"))) == []


def test_cfn_lint_finds_an_unknown_property(tmp_path: Path) -> None:
    wrong: dict[str, Any] = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketNames": "a"}}}}
    file = tmp_path / "wrong.template.json"
    file.write_text(json.dumps(wrong))
    (finding,) = lint(file)
    assert "BucketNames" in finding


def lint(*files: Path) -> list[str]:
    """Return the findings of cfn-lint with the settings of `.cfnlintrc.yaml`."""
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner

    ignored = yaml.safe_load((ROOT / ".cfnlintrc.yaml").read_text())["ignore_checks"]
    matches = Runner(ConfigMixIn(["--ignore-checks", *ignored, "--", *map(str, files)])).run()
    return [f"{Path(match.filename).name}: {match.rule.id} {match.message}" for match in matches]


def test_an_unacknowledged_finding_of_cdk_nag_stops_the_synthesis(tmp_path: Path) -> None:
    app = build(new_app(tmp_path))
    stack = MilkStack(app, DEPLOYMENTS[0], "careless", "a stack with a bucket without any settings")
    s3.Bucket(stack, "Bucket")
    with pytest.raises(RuntimeError, match="server access logs disabled"):
        app.synth()
    report = json.loads((tmp_path / "validation-report.json").read_text())
    assert {"AwsSolutions", "Serverless"} >= {plugin["pluginName"] for plugin in report["pluginReports"]} != set()
    assert "milk-staging-careless/Bucket" in json.dumps(report)
