"""The templates as a whole: no change that nobody meant, no finding that nobody answered."""

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
from cdk.common.milk_stack import MilkStack
from cdk.common.settings import DEPLOYMENTS
from cdk_tests.conftest import ROOT, Template, new_app

GOLDEN = ROOT / "cdk_tests" / "golden"
REWRITE = os.environ.get("MILK_REWRITE_GOLDEN") == "1"
DIGEST = re.compile(r"[0-9a-f]{64}")
VERSION = re.compile(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}")


def plain(template: Template) -> str:
    """A template as text in which nothing changes that says nothing: digests of assets and of functions' versions."""
    found = json.dumps(template, indent=1, sort_keys=True)
    return VERSION.sub(r"\1", DIGEST.sub("DIGEST", found)) + "\n"


def test_templates_are_those_that_were_looked_at(templates: dict[str, Template]) -> None:
    """After a change that is meant: `make golden`, and read the difference before it is committed."""
    found = {f"{name}.json": plain(template) for name, template in templates.items()}
    if REWRITE:
        for old in GOLDEN.glob("*.json"):
            old.unlink()
        for name, content in found.items():
            (GOLDEN / name).write_text(content)
    known = {file.name: file.read_text() for file in GOLDEN.glob("*.json")}
    assert sorted(found) == sorted(known)
    changed = [
        line
        for name in found
        for line in difflib.unified_diff(
            known[name].splitlines(), found[name].splitlines(), f"golden/{name}", name, n=2, lineterm=""
        )
    ]
    assert not changed, "\n".join(changed[:200])


def test_no_template_has_a_finding_of_cfn_lint(synthesized: Path) -> None:
    assert lint(*sorted(synthesized.glob("*.template.json"))) == []


def test_a_template_that_is_wrong_is_found_by_cfn_lint(tmp_path: Path) -> None:
    wrong: dict[str, Any] = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketNames": "a"}}}}
    file = tmp_path / "wrong.template.json"
    file.write_text(json.dumps(wrong))
    (found,) = lint(file)
    assert "BucketNames" in found


def lint(*files: Path) -> list[str]:
    """What cfn-lint finds, with the settings of `.cfnlintrc.yaml`."""
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner

    ignored = yaml.safe_load((ROOT / ".cfnlintrc.yaml").read_text())["ignore_checks"]
    found = Runner(ConfigMixIn(["--ignore-checks", *ignored, "--", *map(str, files)])).run()
    return [f"{Path(match.filename).name}: {match.rule.id} {match.message}" for match in found]


def test_a_finding_of_the_rules_stops_the_synthesis(tmp_path: Path) -> None:
    app = build(new_app(tmp_path))
    careless = MilkStack(app, DEPLOYMENTS[0], "careless", "a stack with a bucket as it comes")
    s3.Bucket(careless, "Bucket")
    with pytest.raises(RuntimeError, match="server access logs disabled"):
        app.synth()
    report = json.loads((tmp_path / "validation-report.json").read_text())
    assert {"AwsSolutions", "Serverless"} >= {plugin["pluginName"] for plugin in report["pluginReports"]} != set()
    assert "milk-staging-careless/Bucket" in json.dumps(report)
