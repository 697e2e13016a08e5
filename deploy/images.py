"""Images: build both container images and push them to an environment's registry.

    python -m deploy.images --environment staging --tag SHA

Belongs here: which Dockerfile builds which image, and the push. Tags are immutable, so an existing tag is skipped.
"""

import argparse
import base64
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from milk_assets.resource_names import resource_name

DOCKERFILES = {"platform": "Dockerfile", "api": "lambda_service/Dockerfile"}
TARGET_PLATFORM = "linux/arm64"  # what the task definitions and the function require
RunCommand = Callable[[Sequence[str], str | None], None]


def publish(ecr: Any, run: RunCommand, environment: str, tag: str) -> list[str]:
    """Build and push each image that the registry does not have under a tag yet.

    Args:
        ecr: A boto3 client of ECR.
        run: Runs a command with some standard input; raises if the command fails.
        environment: `staging` or `prod`.
        tag: Tag of both images.

    Returns:
        The full names of the pushed images.

    Raises:
        LookupError: A repository does not exist.
    """
    pushed: list[str] = []
    for image, dockerfile in DOCKERFILES.items():
        repository_name = resource_name(environment, image)
        try:
            (repository,) = ecr.describe_repositories(repositoryNames=[repository_name])["repositories"]
        except ecr.exceptions.RepositoryNotFoundException:
            stack = resource_name(environment, "registry")
            raise LookupError(f"repository {repository_name} does not exist; deploy the stack {stack} first") from None
        if _has_tag(ecr, repository_name, tag):
            continue
        full_name = f"{repository['repositoryUri']}:{tag}"
        if not pushed:
            _log_in(ecr, run, repository["repositoryUri"].split("/")[0])
        # --provenance=false: Lambda rejects images with an attestation manifest
        options = ["--platform", TARGET_PLATFORM, "--provenance=false", "--file", dockerfile, "--tag", full_name]
        run(["docker", "build", *options, "."], None)
        run(["docker", "push", full_name], None)
        pushed.append(full_name)
    return pushed


def _has_tag(ecr: Any, repository_name: str, tag: str) -> bool:
    try:
        return bool(ecr.describe_images(repositoryName=repository_name, imageIds=[{"imageTag": tag}])["imageDetails"])
    except ecr.exceptions.ImageNotFoundException:
        return False


def _log_in(ecr: Any, run: RunCommand, registry: str) -> None:
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    run(["docker", "login", "--username", user, "--password-stdin", registry], password)


def run_command(command: Sequence[str], stdin: str | None) -> None:
    """Run a command with some standard input. Raises CalledProcessError if it fails."""
    subprocess.run(command, input=stdin, text=True, check=True)


def main() -> None:
    import boto3

    parser = argparse.ArgumentParser(description="Build both container images and push them to an environment's registry.")
    parser.add_argument("--environment", required=True, choices=["staging", "prod"])
    parser.add_argument("--tag", required=True, help="tag of both images, by convention the commit's SHA")
    arguments = parser.parse_args()
    try:
        pushed = publish(boto3.client("ecr"), run_command, arguments.environment, arguments.tag)
    except (LookupError, subprocess.CalledProcessError) as error:
        sys.exit(f"images: {error}")
    print(f"{len(pushed)} images pushed with tag {arguments.tag}")


if __name__ == "__main__":
    main()
