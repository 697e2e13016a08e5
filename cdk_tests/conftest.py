"""What the tests of the cloud share: the app, synthesized once."""

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
    """An app with the context of cdk.json, which writes to a folder."""
    given = json.loads((ROOT / "cdk.json").read_text())["context"]
    return cdk.App(outdir=str(folder), context={**given, **context})


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with every template, as `make synth` writes it."""
    folder = tmp_path_factory.mktemp("cdk.out")
    build(new_app(folder)).synth()
    return folder


@pytest.fixture(scope="session")
def templates(synthesized: Path) -> dict[str, Template]:
    """Stack name → template."""
    return {file.name.split(".")[0]: json.loads(file.read_text()) for file in sorted(synthesized.glob("*.template.json"))}


def resources(template: Template, kind: str) -> list[dict[str, Any]]:
    """The resources of a type, whole."""
    return [found for found in template["Resources"].values() if found["Type"] == kind]


def properties(template: Template, kind: str) -> list[dict[str, Any]]:
    """The properties of the resources of a type."""
    return [found.get("Properties", {}) for found in resources(template, kind)]


def statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """(logical id, statement) of each statement of each policy document in a template, wherever it stands."""

    def within(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            if isinstance(value.get("Statement"), list):
                yield from value["Statement"]
            for inner in value.values():
                yield from within(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from within(inner)

    for logical, resource in template["Resources"].items():
        for statement in within(resource.get("Properties", {})):
            yield logical, statement


def listed(value: Any) -> list[Any]:
    """A policy's value as a list: one may stand alone."""
    return value if isinstance(value, list) else [value]


def text(value: Any) -> str:
    """A template's value as one string, references spelled `<name>`."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        return value["Fn::Join"][0].join(text(part) for part in value["Fn::Join"][1])
    if "Ref" in value:
        return f"<{value['Ref']}>"
    if "Fn::GetAtt" in value:
        return f"<{'.'.join(value['Fn::GetAtt'])}>"
    return json.dumps(value, sort_keys=True)
