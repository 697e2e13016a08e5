"""Functions: how a Lambda function of the endpoint's image is made, and the role it gets.

Belongs here: what all of them share. What one may read is said where it is made.
"""

import sys
from collections.abc import Mapping

from aws_cdk import Aws, Duration, Size
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from cdk.common.milk_stack import MilkStack, acknowledge, allow
from cdk.common.settings import Release

WHEELS = "Only where no image can run: the runtime is that of the wheels in the folder"
OLDER_RUNTIME = {"AwsSolutions-L1": WHEELS, "Serverless-LambdaLatestVersion": WHEELS}
NO_QUEUE = {"Serverless-LambdaDLQ": "Called and answered in one exchange: nothing is queued that could be lost"}


def endpoint_function(
    stack: MilkStack,
    name: str,
    what: str,
    *,
    handler: str,
    repository: ecr.IRepository,
    release: Release,
    environment: Mapping[str, str],
    memory: Size,
    timeout: Duration,
) -> lambda_.Function:
    """A function `milk-<environment>-<what>` of the endpoint's code, with a log group and a role of its own that may write only there.

    handler: `module.function`. The image's own command is overridden by it, so that one image serves every function.
    """
    log_group = logs.LogGroup(
        stack,
        f"{name}Logs",
        log_group_name=f"/aws/lambda/{stack.named(what)}",
        retention=stack.deployment.keep_logs,
        removal_policy=stack.removal,
    )
    role = iam.Role(
        stack,
        f"{name}Role",
        role_name=f"{stack.named(what)}-{Aws.REGION}",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
    )
    streams = f"arn:aws:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:/aws/lambda/{stack.named(what)}:*"
    allow(
        role, "WriteItsOwnLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [streams], why="A stream is named when it is made"
    )
    allow(
        role, "Trace", ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"], why="X-Ray's write actions know no resource"
    )
    settings = {
        "role": role,
        "function_name": stack.named(what),
        "environment": {
            **environment,
            **({"MILK_S3_ENDPOINT": release.s3_endpoint} if release.s3_endpoint else {}),
        },
        "memory_size": int(memory.to_mebibytes()),
        "timeout": timeout,
        "tracing": lambda_.Tracing.ACTIVE,
        "log_group": log_group,
    }
    function: lambda_.Function
    if release.api_zip:
        function = lambda_.Function(
            stack,
            name,
            code=lambda_.Code.from_asset(release.api_zip),
            handler=handler,
            # the folder holds wheels of the interpreter that packed it, which is the one that synthesizes
            runtime=lambda_.Runtime(f"python3.{sys.version_info.minor}", lambda_.RuntimeFamily.PYTHON),
            **settings,
        )
        acknowledge(function, OLDER_RUNTIME)
    else:
        function = lambda_.DockerImageFunction(
            stack,
            name,
            code=lambda_.DockerImageCode.from_ecr(repository, tag_or_digest=release.tag, cmd=[handler]),
            architecture=lambda_.Architecture.ARM_64,
            **settings,
        )
    acknowledge(function, NO_QUEUE)
    return function
