"""What a deployment runs beside the CDK."""

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


def test_a_release_has_its_section_as_notes() -> None:
    assert changelog.notes(CHANGES, "v0.2.0", "0.2.0") == "- The cloud.\n"
    assert changelog.notes(CHANGES, "v0.1.0", "0.1.0") == "- The graph.\n"


@pytest.mark.parametrize(
    ("version", "stated", "message"),
    [("v0.3.0", "0.3.0", r"says nothing under `## \[0.3.0\]`"), ("v0.2.0", "0.1.0", "setup.cfg says 0.1.0")],
)
def test_a_release_without_notes_or_of_another_version_is_refused(version: str, stated: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        changelog.notes(CHANGES, version, stated)


def test_the_version_as_it_stands_has_notes() -> None:
    stated = changelog.stated_version((ROOT / "setup.cfg").read_text())
    assert changelog.notes((ROOT / "CHANGELOG.md").read_text(), f"v{stated}", stated)


class Commands(list[Sequence[str]]):
    """Commands that would have run, and what they were given on standard input."""

    def __call__(self, words: Sequence[str], given: str | None) -> None:
        self.append([*words, *([f"<{given}"] if given else [])])


@pytest.fixture
def ecr() -> Any:
    client = boto3.client("ecr", region_name="us-east-1", aws_access_key_id="of-a-test", aws_secret_access_key="of-a-test")
    with Stubber(client) as stub:
        client.stub = stub
        yield client


def test_an_image_that_is_there_is_left_alone_and_the_other_pushed(ecr: Any) -> None:
    for what in ("platform", "api"):
        uri = f"registry.example/milk-staging-{what}"
        ecr.stub.add_response(
            "describe_repositories", {"repositories": [{"repositoryUri": uri}]}, {"repositoryNames": [uri.split("/")[1]]}
        )
        if what == "platform":
            ecr.stub.add_response("describe_images", {"imageDetails": [{"imageTags": ["abc"]}]})
        else:
            ecr.stub.add_client_error("describe_images", "ImageNotFoundException")
    token = base64.b64encode(b"AWS:of-a-test").decode()
    ecr.stub.add_response("get_authorization_token", {"authorizationData": [{"authorizationToken": token}]})
    ran = Commands()
    assert images.publish(ecr, ran, "staging", "abc") == ["registry.example/milk-staging-api:abc"]
    login, build, push = ran
    assert login == ["docker", "login", "--username", "AWS", "--password-stdin", "registry.example", "<of-a-test"]
    assert build[-1] == "."
    assert "lambda_service/Dockerfile" in build
    assert push == ["docker", "push", "registry.example/milk-staging-api:abc"]


def test_a_registry_that_is_not_deployed_is_named(ecr: Any) -> None:
    ecr.stub.add_client_error("describe_repositories", "RepositoryNotFoundException")
    with pytest.raises(LookupError, match="no repository milk-prod-platform: deploy milk-prod-registry first"):
        images.publish(ecr, Commands(), "prod", "abc")


def test_an_endpoint_that_never_answers_fails_the_deployment() -> None:
    waited: list[float] = []
    with pytest.raises(HealthError, match="within 10 s"):
        smoke.healthy("http://127.0.0.1:9", waited.append)
    assert len(waited) == smoke.ATTEMPTS - 1


def test_a_stack_without_an_address_is_named() -> None:
    client = boto3.client(
        "cloudformation", region_name="us-east-1", aws_access_key_id="of-a-test", aws_secret_access_key="of-a-test"
    )
    with Stubber(client) as stub:
        stack = {"StackName": "milk-staging-api", "CreationTime": "2026-01-01", "StackStatus": "CREATE_COMPLETE"}
        stub.add_response("describe_stacks", {"Stacks": [stack]})
        with pytest.raises(LookupError, match="stack milk-staging-api has no output TokensUrl"):
            smoke.address(client, "staging")
