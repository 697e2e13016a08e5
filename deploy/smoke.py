"""After a deployment: the one health check, against the address that the stack says. `python -m deploy.smoke --environment staging`."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from lambda_service.health_check import HealthError, check
from milk_assets.resource_names import resource_name

OUTPUT = "TokensUrl"
ATTEMPTS, WAIT = 5, 10.0  # a new alias and a cold start settle within a minute


def address(cloudformation: Any, environment: str) -> str:
    """The endpoint's address, from its stack's outputs. Raises LookupError where the stack states none."""
    name = resource_name(environment, "api")
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    found = {output["OutputKey"]: str(output["OutputValue"]) for output in stack.get("Outputs", [])}
    if OUTPUT not in found:
        raise LookupError(f"stack {name} has no output {OUTPUT}: deploy it first")
    return found[OUTPUT]


def healthy(url: str, sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """What a healthy endpoint answers, asked up to ATTEMPTS times. Raises HealthError with the last answer's fault."""
    for _ in range(ATTEMPTS - 1):
        try:
            return check(url)
        except HealthError:
            sleep(WAIT)
    return check(url)


if __name__ == "__main__":
    import boto3

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environment", required=True, choices=["staging", "prod"])
    try:
        print(json.dumps(healthy(address(boto3.client("cloudformation"), parser.parse_args().environment))))
    except (LookupError, HealthError) as error:
        sys.exit(f"smoke: {error}")
