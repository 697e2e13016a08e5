"""The served manifest: documents of this and earlier releases are read, and wrong ones are rejected with the field."""

import json
from typing import Any

import pytest

from lambda_service.serving.served_manifest import BadArtefactError, parse_manifest

DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "version": 2,
    "bundle": "ab" * 32,
    "is_baseline": False,
    "facts": {"trained_through": "2024-05-28", "kind": "model"},
    "since": "2024-05-28T12:00:00+00:00",
    "decided_on": "2024-05-28",
    "data": {"path": "serving/data/x.json", "sha256": "cd" * 32, "publication": "2024-05-28", "at": "2024-05-28T18:00:00+00:00"},
}


def encode(**changes: Any) -> bytes:
    return json.dumps({**DOCUMENT, **changes}).encode()


def test_a_manifest_of_the_previous_release_is_read() -> None:
    manifest = parse_manifest(encode())
    assert (manifest.schema_version, manifest.version, manifest.trained_through) == (1, 2, "2024-05-28")
    assert manifest.since.isoformat() == "2024-05-28T12:00:00+00:00"
    assert manifest.data.at is not None


def test_the_schema_version_is_accepted_under_both_names() -> None:
    document = {name: value for name, value in DOCUMENT.items() if name != "schema"}
    assert parse_manifest(json.dumps({**document, "schema_version": 1}).encode()) == parse_manifest(encode())


def test_the_time_of_the_data_is_optional() -> None:
    data = {name: value for name, value in DOCUMENT["data"].items() if name != "at"}
    assert parse_manifest(encode(data=data)).data.at is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not JSON"),
        (b"[]", "has schema None, expected 1: deploy the release that reads it"),
        (encode(schema=2), "has schema 2, expected 1"),
        (encode(data=None), "names no data: run the Dagster job `forecast` once"),
        (encode(version="two"), "field version: Input should be a valid integer"),
        (encode(facts={}), "field facts: Value error, expected the key trained_through"),
        (encode(data={"path": "x"}), "field data.sha256: Field required; promote a version again"),
    ],
)
def test_a_wrong_manifest_is_rejected_with_the_field_and_the_remedy(content: bytes, message: str) -> None:
    with pytest.raises(BadArtefactError, match=message):
        parse_manifest(content)
