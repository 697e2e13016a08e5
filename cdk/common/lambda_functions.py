"""Lambda functions: functions that run the endpoint's code.

Belongs here: what these functions share: image or zip package, role, log group and tracing. Not here: what each function may read
(`cdk.stacks`).
"""

import sys
from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration, Size
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_lambda as lambda_

from cdk.common.deployments import Release
from cdk.common.milk_stack import MilkStack, acknowledge
from cdk.common.permissions import allow_log_writing, allow_tracing

ZIP_RUNTIME_REASON = "Only used where images cannot run: the runtime must match the wheels in the folder"
OLD_RUNTIME = {"AwsSolutions-L1": ZIP_RUNTIME_REASON, "Serverless-LambdaLatestVersion": ZIP_RUNTIME_REASON}
NO_DEAD_LETTER_QUEUE = {"Serverless-LambdaDLQ": "Called synchronously: no event is queued that could be lost"}


def endpoint_function(
    stack: MilkStack,
    construct_id: str,
    name: str,
    *,
    handler: str,
    repository: ecr.IRepository,
    release: Release,
    environment: Mapping[str, str],
    memory: Size,
    timeout: Duration,
) -> lambda_.Function:
    """Create a function of the endpoint's code, with its own log group and a role that may only write logs and traces.

    Args:
        stack: The stack that holds the function.
        construct_id: The function's id in the stack; prefix of the ids of its log group and role.
        name: Short name; the function is called `milk-<environment>-<name>`.
        handler: `module.function`. It overrides the command of the image, so that one image serves all functions.
        repository: The repository of the endpoint's image.
        release: The image tag, or the folder that is deployed instead.
        environment: Environment variables.
        memory: Memory size.
        timeout: Longest duration of one call.
    """
    log_group_name = f"/aws/lambda/{stack.name_of(name)}"
    log_group = stack.log_group(f"{construct_id}Logs", log_group_name)
    role = stack.service_role(f"{construct_id}Role", name, "lambda.amazonaws.com")
    allow_log_writing(role, log_group_name)
    allow_tracing(role)
    emulator = {"MILK_S3_ENDPOINT": release.s3_endpoint} if release.s3_endpoint else {}
    properties = {
        "role": role,
        "function_name": stack.name_of(name),
        "environment": {**environment, **emulator},
        "memory_size": int(memory.to_mebibytes()),
        "timeout": timeout,
        "tracing": lambda_.Tracing.ACTIVE,
        "log_group": log_group,
    }
    if release.api_zip:
        function = _zip_function(stack, construct_id, release.api_zip, handler, properties)
    else:
        code = lambda_.DockerImageCode.from_ecr(repository, tag_or_digest=release.tag, cmd=[handler])
        function = lambda_.DockerImageFunction(
            stack, construct_id, code=code, architecture=lambda_.Architecture.ARM_64, **properties
        )
    acknowledge(function, NO_DEAD_LETTER_QUEUE)
    return function


def _zip_function(
    stack: MilkStack, construct_id: str, folder: str, handler: str, properties: Mapping[str, Any]
) -> lambda_.Function:
    # The folder holds wheels for the Python release that packed it, which is the one that runs the CDK.
    runtime = lambda_.Runtime(f"python3.{sys.version_info.minor}", lambda_.RuntimeFamily.PYTHON)
    function = lambda_.Function(
        stack, construct_id, code=lambda_.Code.from_asset(folder), handler=handler, runtime=runtime, **properties
    )
    acknowledge(function, OLD_RUNTIME)
    return function
