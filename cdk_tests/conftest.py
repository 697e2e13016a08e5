"""Fixtures and helpers of the cloud's tests: the app, synthesized once, and functions that read templates."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from cdk.app import build

ROOT = Path(__file__).parent.parent
Template = dict[str, Any]


def new_app(folder: Path, **context: Any) -> cdk.App:
    """Return an app with the context of cdk.json that writes to a folder."""
    committed_context = json.loads((ROOT / "cdk.json").read_text())["context"]
    return cdk.App(outdir=str(folder), context={**committed_context, **context})


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with all templates, as `make synth` writes it."""
    folder = tmp_path_factory.mktemp("cdk.out")
    build(new_app(folder)).synth()
    return folder


@pytest.fixture(scope="session")
def templates(synthesized: Path) -> dict[str, Template]:
    """Stack name → template."""
    return {file.name.split(".")[0]: json.loads(file.read_text()) for file in sorted(synthesized.glob("*.template.json"))}


def resources(template: Template, resource_type: str) -> list[dict[str, Any]]:
    """Return all resources of a type, with their attributes such as DeletionPolicy."""
    return [resource for resource in template["Resources"].values() if resource["Type"] == resource_type]


def properties(template: Template, resource_type: str) -> list[dict[str, Any]]:
    """Return the properties of all resources of a type."""
    return [resource.get("Properties", {}) for resource in resources(template, resource_type)]


def statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (logical id, statement) for each statement of each policy document, at any depth of a template."""

    def within(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            if isinstance(value.get("Statement"), list):
                yield from value["Statement"]
            for nested in value.values():
                yield from within(nested)
        elif isinstance(value, list):
            for nested in value:
                yield from within(nested)

    for logical_id, resource in template["Resources"].items():
        for statement in within(resource.get("Properties", {})):
            yield logical_id, statement


def as_list(value: Any) -> list[Any]:
    """Return a policy's value as a list; IAM allows a single value instead of a list of one."""
    return value if isinstance(value, list) else [value]


def text(value: Any) -> str:
    """Return a template's value as one string, with references written as `<name>`."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        return value["Fn::Join"][0].join(text(part) for part in value["Fn::Join"][1])
    if "Ref" in value:
        return f"<{value['Ref']}>"
    if "Fn::GetAtt" in value:
        return f"<{'.'.join(value['Fn::GetAtt'])}>"
    return json.dumps(value, sort_keys=True)
