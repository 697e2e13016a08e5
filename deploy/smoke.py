"""Smoke test: check the health of an environment's endpoint after a deployment.

python -m deploy.smoke --environment staging
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from lambda_service.health_check import HealthError, check
from milk_assets.resource_names import resource_name

URL_OUTPUT = "TokensUrl"
ATTEMPTS, WAIT_SECONDS = 5, 10.0  # a new alias and its cold start are ready within a minute


def endpoint_url(cloudformation: Any, environment: str) -> str:
    """Return the endpoint's URL from the outputs of its stack.

    Args:
        cloudformation: A boto3 client of CloudFormation.
        environment: `staging` or `prod`.

    Raises:
        LookupError: The stack has no such output.
    """
    stack_name = resource_name(environment, "api")
    (stack,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    outputs = {output["OutputKey"]: str(output["OutputValue"]) for output in stack.get("Outputs", [])}
    if URL_OUTPUT not in outputs:
        raise LookupError(f"stack {stack_name} has no output {URL_OUTPUT}; deploy the stack first")
    return outputs[URL_OUTPUT]


def wait_until_healthy(url: str, sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """Check the endpoint up to ATTEMPTS times and return its health document.

    Raises:
        HealthError: The last attempt failed.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return check(url)
        except HealthError:
            sleep(WAIT_SECONDS)
    return check(url)


def main() -> None:
    import boto3

    parser = argparse.ArgumentParser(description="Check the health of an environment's endpoint.")
    parser.add_argument("--environment", required=True, choices=["staging", "prod"])
    environment = parser.parse_args().environment
    try:
        print(json.dumps(wait_until_healthy(endpoint_url(boto3.client("cloudformation"), environment))))
    except (LookupError, HealthError) as error:
        sys.exit(f"smoke: {error}")


if __name__ == "__main__":
    main()
