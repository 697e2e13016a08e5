"""Helpers of the cloud's tests: they read the committed templates, which `cdk_tests` compares with what `make synth` writes."""

import json
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parents[2] / "cdk_tests" / "golden"
ACCOUNT = "123456789012"
REGION = "us-east-1"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that no real AWS account accepts; calls go to moto."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "of-a-test",
        "AWS_SECRET_ACCESS_KEY": "of-a-test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)


def template(stack: str) -> dict[str, Any]:
    """Return the committed template of a stack."""
    return json.loads((GOLDEN / f"{stack}.json").read_text())


def resolved(value: Any) -> Any:
    """Return a template's value with account and region filled in; references to other resources become their logical ids."""
    if isinstance(value, list):
        return [resolved(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "Ref" in value:
        return {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::URLSuffix": "cloud.example"}.get(
            value["Ref"], value["Ref"]
        )
    if "Fn::Join" in value:
        return value["Fn::Join"][0].join(map(str, resolved(value["Fn::Join"][1])))
    if "Fn::GetAtt" in value:
        return ".".join(value["Fn::GetAtt"])
    if "Fn::ImportValue" in value:
        return str(value["Fn::ImportValue"])
    if "Fn::Select" in value or "Fn::Split" in value:
        return json.dumps(value)
    return {key: resolved(item) for key, item in value.items()}


def policy_of(stack: str, role: str) -> dict[str, Any]:
    """Return the policy document of the role whose logical id begins with `role`."""
    (document,) = [
        resource["Properties"]["PolicyDocument"]
        for logical_id, resource in template(stack)["Resources"].items()
        if resource["Type"] == "AWS::IAM::Policy" and logical_id.startswith(role)
    ]
    return resolved(document)
