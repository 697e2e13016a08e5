"""Both images, built here and pushed to an environment's registry: `python -m deploy.images --environment staging --tag SHA`.

Belongs here: which Dockerfile makes which image, and the push. A tag never changes meaning, so one that is there already is left alone.
"""

import argparse
import base64
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from milk_assets.resource_names import resource_name

DOCKERFILES = {"platform": "Dockerfile", "api": "lambda_service/Dockerfile"}
PLATFORM = "linux/arm64"  # what the task definitions and the function ask for
Run = Callable[[Sequence[str], str | None], None]


def publish(ecr: Any, run: Run, environment: str, tag: str) -> list[str]:
    """Build and push each image that the registry does not have under the tag yet. Returns the full names of those pushed.

    ecr: a client of the registry. run: runs a command with its standard input. Raises LookupError where a repository is missing.
    """
    pushed = []
    for what, dockerfile in DOCKERFILES.items():
        name = resource_name(environment, what)
        try:
            (repository,) = ecr.describe_repositories(repositoryNames=[name])["repositories"]
        except ecr.exceptions.RepositoryNotFoundException:
            raise LookupError(f"there is no repository {name}: deploy {resource_name(environment, 'registry')} first") from None
        if _has(ecr, name, tag):
            continue
        full = f"{repository['repositoryUri']}:{tag}"
        if not pushed:
            _log_in(ecr, run, repository["repositoryUri"].split("/")[0])
        build = ["docker", "build", "--platform", PLATFORM, "--provenance=false", "--file", dockerfile, "--tag", full, "."]
        run(build, None)  # Lambda takes no image with a provenance beside it
        run(["docker", "push", full], None)
        pushed.append(full)
    return pushed


def _has(ecr: Any, name: str, tag: str) -> bool:
    try:
        return bool(ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])["imageDetails"])
    except ecr.exceptions.ImageNotFoundException:
        return False


def _log_in(ecr: Any, run: Run, registry: str) -> None:
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    run(["docker", "login", "--username", user, "--password-stdin", registry], password)


def command(words: Sequence[str], given: str | None) -> None:
    """Run a command, its input given; raises where it fails."""
    subprocess.run(words, input=given, text=True, check=True)


if __name__ == "__main__":
    import boto3

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environment", required=True, choices=["staging", "prod"])
    parser.add_argument("--tag", required=True)
    asked = parser.parse_args()
    try:
        made = publish(boto3.client("ecr"), command, asked.environment, asked.tag)
    except (LookupError, subprocess.CalledProcessError) as error:
        sys.exit(f"images: {error}")
    print(f"{len(made)} pushed as {asked.tag}")
