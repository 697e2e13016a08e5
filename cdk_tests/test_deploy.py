"""The scripts that a deployment runs besides the CDK: release notes, images, smoke test."""

import base64
from collections.abc import Sequence
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from cdk_tests.conftest import ROOT
from deploy import changelog, images, smoke
from lambda_service.health_check import HealthError

CHANGES = "# Changelog\n\n## [Unreleased]\n\n- soon\n\n## [0.2.0] - 2026-11-24\n\n- The cloud.\n\n## [0.1.0]\n\n- The graph.\n"


def test_release_notes_are_the_section_of_the_version() -> None:
    assert changelog.release_notes(CHANGES, "v0.2.0", "0.2.0") == "- The cloud.\n"
    assert changelog.release_notes(CHANGES, "v0.1.0", "0.1.0") == "- The graph.\n"


@pytest.mark.parametrize(
    ("tag", "package_version", "message"),
    [("v0.3.0", "0.3.0", r"CHANGELOG.md has no text under `## \[0.3.0\]`"), ("v0.2.0", "0.1.0", "setup.cfg has version 0.1.0")],
)
def test_a_release_without_notes_or_with_another_version_is_rejected(tag: str, package_version: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        changelog.release_notes(CHANGES, tag, package_version)


def test_the_current_version_has_release_notes() -> None:
    version = changelog.read_package_version((ROOT / "setup.cfg").read_text())
    assert changelog.release_notes((ROOT / "CHANGELOG.md").read_text(), f"v{version}", version)


class RecordedCommands(list[Sequence[str]]):
    """Records commands instead of running them; standard input is appended as `<text`."""

    def __call__(self, command: Sequence[str], stdin: str | None) -> None:
        self.append([*command, *([f"<{stdin}"] if stdin else [])])


@pytest.fixture
def ecr() -> Any:
    client = boto3.client("ecr", region_name="us-east-1", aws_access_key_id="of-a-test", aws_secret_access_key="of-a-test")
    with Stubber(client) as stub:
        client.stub = stub
        yield client


def test_an_existing_image_is_skipped_and_the_other_one_is_pushed(ecr: Any) -> None:
    for image in ("platform", "api"):
        uri = f"registry.example/milk-staging-{image}"
        ecr.stub.add_response(
            "describe_repositories", {"repositories": [{"repositoryUri": uri}]}, {"repositoryNames": [uri.split("/")[1]]}
        )
        if image == "platform":
            ecr.stub.add_response("describe_images", {"imageDetails": [{"imageTags": ["abc"]}]})
        else:
            ecr.stub.add_client_error("describe_images", "ImageNotFoundException")
    token = base64.b64encode(b"AWS:of-a-test").decode()
    ecr.stub.add_response("get_authorization_token", {"authorizationData": [{"authorizationToken": token}]})
    commands = RecordedCommands()
    assert images.publish(ecr, commands, "staging", "abc") == ["registry.example/milk-staging-api:abc"]
    login, build, push = commands
    assert login == ["docker", "login", "--username", "AWS", "--password-stdin", "registry.example", "<of-a-test"]
    assert build[-1] == "."
    assert "lambda_service/Dockerfile" in build
    assert push == ["docker", "push", "registry.example/milk-staging-api:abc"]


def test_a_missing_repository_is_reported_with_the_stack_to_deploy(ecr: Any) -> None:
    ecr.stub.add_client_error("describe_repositories", "RepositoryNotFoundException")
    with pytest.raises(
        LookupError, match="repository milk-prod-platform does not exist; deploy the stack milk-prod-registry first"
    ):
        images.publish(ecr, RecordedCommands(), "prod", "abc")


def test_an_endpoint_that_never_answers_fails_the_smoke_test() -> None:
    waits: list[float] = []
    with pytest.raises(HealthError, match="within 10 s"):
        smoke.wait_until_healthy("http://127.0.0.1:9", waits.append)
    assert len(waits) == smoke.ATTEMPTS - 1


def test_a_stack_without_an_url_is_reported() -> None:
    client = boto3.client(
        "cloudformation", region_name="us-east-1", aws_access_key_id="of-a-test", aws_secret_access_key="of-a-test"
    )
    with Stubber(client) as stub:
        stack = {"StackName": "milk-staging-api", "CreationTime": "2026-01-01", "StackStatus": "CREATE_COMPLETE"}
        stub.add_response("describe_stacks", {"Stacks": [stack]})
        with pytest.raises(LookupError, match="stack milk-staging-api has no output TokensUrl"):
            smoke.endpoint_url(client, "staging")
