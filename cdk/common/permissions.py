"""Permissions: the IAM statements of tasks, functions and state machines.

Belongs here: `allow`, the single function that adds a statement to a role, and the statements that belong together. Which role gets
them is decided in `cdk.stacks`. Statements are written out instead of using `bucket.grant_read_write(role)`, so that each one has a
name, lists its actions, and gives a reason for every `*`.
"""

from collections.abc import Mapping, Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from cdk.common.milk_stack import MilkStack, acknowledge
from milk_model.artefact_paths import BATCH, MODELS, SERVING

ECS_ARN = f"arn:aws:ecs:{Aws.REGION}:{Aws.ACCOUNT_ID}"
LOG_GROUP_ARN = f"arn:aws:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group"
STATES_ARN = f"arn:aws:states:{Aws.REGION}:{Aws.ACCOUNT_ID}"
# Without s3:ListBucket, S3 answers 403 instead of 404 for a missing file, and does not reveal what else the bucket holds.
ENDPOINT_PREFIXES = (SERVING, MODELS)
TASK_NAMES_REASON = "The id of a task is assigned when it starts; the cluster is the scope"
Conditions = Mapping[str, Mapping[str, str | list[str]]]


def allow(
    role: iam.Role,
    sid: str,
    actions: Sequence[str],
    resources: Sequence[str],
    *,
    reason: str | None = None,
    conditions: Conditions | None = None,
) -> None:
    """Add one named statement to a role.

    Args:
        role: The role that receives the permission.
        sid: Name of the statement.
        actions: Full names of the actions, without `*`.
        resources: ARNs.
        reason: Why a resource with `*` cannot be narrower. It is acknowledged for cdk-nag under the exact id of the finding.
        conditions: Conditions of the statement.

    Raises:
        ValueError: An action contains `*`, or a resource contains `*` and there is no reason.
    """
    wildcard_actions = [action for action in actions if "*" in action]
    wildcard_arns = [arn for arn in resources if "*" in arn]
    if wildcard_actions:
        raise ValueError(f"{role.node.path}, statement {sid}: actions {wildcard_actions} contain `*`; list each action by name")
    if wildcard_arns and not reason:
        raise ValueError(
            f"{role.node.path}, statement {sid}: resources {wildcard_arns} contain `*`; narrow them or pass a reason"
        )
    role.add_to_policy(iam.PolicyStatement(sid=sid, actions=list(actions), resources=list(resources), conditions=conditions))
    for arn in wildcard_arns:
        finding = arn.replace(Aws.REGION, "<AWS::Region>").replace(Aws.ACCOUNT_ID, "<AWS::AccountId>")
        acknowledge(role, {f"AwsSolutions-IAM5[Resource::{finding}]": reason or ""})


def bucket_files(bucket: str, *prefixes: str) -> list[str]:
    """Return the ARNs of all files of a bucket under some prefixes."""
    return [f"arn:aws:s3:::{bucket}/{prefix}/*" for prefix in prefixes]


def allow_data_access(role: iam.Role, lake: str, artefacts: str) -> None:
    """Let assets and sensors read, write and list the files of the lake and the artefact bucket; they cannot delete any."""
    for name, bucket in {"Lake": lake, "Artefacts": artefacts}.items():
        reason = "The whole bucket belongs to the platform"
        allow(role, f"ReadAndWrite{name}", ["s3:GetObject", "s3:PutObject"], [f"arn:aws:s3:::{bucket}/*"], reason=reason)
        allow(role, f"List{name}", ["s3:ListBucket"], [f"arn:aws:s3:::{bucket}"])


def allow_folder_reading(role: iam.Role, name: str, bucket: str, folder: str) -> None:
    """Let a role read and list one folder of a bucket.

    Args:
        role: The role that receives the permission.
        name: Suffix of the names of both statements.
        bucket: Name of the bucket.
        folder: The folder's path, without a trailing slash.
    """
    reason = "File names change; the folder is the scope"
    allow(role, f"Read{name}", ["s3:GetObject"], bucket_files(bucket, folder), reason=reason)
    in_folder = {"StringLike": {"s3:prefix": [f"{folder}/*"]}}
    allow(role, f"List{name}", ["s3:ListBucket"], [f"arn:aws:s3:::{bucket}"], conditions=in_folder)


def allow_serving_reads(role: iam.Role, artefacts: str) -> None:
    """Let a function of the endpoint read the served model and its data."""
    reason = "File names change; the prefixes are the scope"
    allow(role, "ReadServedModel", ["s3:GetObject"], bucket_files(artefacts, *ENDPOINT_PREFIXES), reason=reason)


def allow_log_writing(role: iam.Role, *log_groups: str) -> None:
    """Let a role write to existing log groups, given by name."""
    allow(
        role,
        "WriteLogs",
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        [f"{LOG_GROUP_ARN}:{log_group}:*" for log_group in log_groups],
        reason="The name of a log stream is assigned when its process starts",
    )


def allow_tracing(role: iam.Role, *more_actions: str) -> None:
    """Let a role send traces to X-Ray."""
    actions = ["xray:PutTraceSegments", "xray:PutTelemetryRecords", *more_actions]
    allow(role, "SendTraces", actions, ["*"], reason="These X-Ray actions do not support resource-level permissions")


def allow_registry_login(role: iam.Role) -> None:
    """Let a role fetch the token that Docker logs in to the image registry with."""
    reason = "This ECR action does not support resource-level permissions"
    allow(role, "GetRegistryToken", ["ecr:GetAuthorizationToken"], ["*"], reason=reason)


def allow_shell_sessions(role: iam.Role) -> None:
    """Let operators open a shell or forward a port of a task through Session Manager (ECS Exec)."""
    allow(
        role,
        "OpenSessionChannels",
        [
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        ],
        ["*"],
        reason="These actions do not support resource-level permissions; the caller's own policy decides who may open a session",
    )


def allow_run_start(role: iam.Role, platform: MilkStack, *task_roles: iam.Role) -> None:
    """Let a role start tasks of the run definition in the platform's cluster, and pass the tasks their roles."""
    definition = [f"{ECS_ARN}:task-definition/{platform.name_of('run')}:*"]
    reason = "All revisions of one task definition"
    allow(role, "StartRuns", ["ecs:RunTask"], definition, reason=reason, conditions=_in_cluster(platform))
    allow(
        role,
        "PassTaskRoles",
        ["iam:PassRole"],
        [task_role.role_arn for task_role in task_roles],
        conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
    )


def allow_run_management(role: iam.Role, platform: MilkStack) -> None:
    """Let a role tag, watch and stop runs and read their logs, as EcsRunLauncher does after it starts them."""
    tasks = [f"{ECS_ARN}:task/{platform.name_of('platform')}/*"]
    at_start = {"StringEquals": {"ecs:CreateAction": "RunTask"}}
    watching = ["ecs:DescribeTasks", "ecs:StopTask"]
    allow(role, "TagRuns", ["ecs:TagResource"], tasks, reason=TASK_NAMES_REASON, conditions=at_start)
    allow(role, "WatchAndStopRuns", watching, tasks, reason=TASK_NAMES_REASON, conditions=_in_cluster(platform))
    no_resource = "This ECS action does not support resource-level permissions"
    allow(role, "ReadTaskDefinition", ["ecs:DescribeTaskDefinition"], ["*"], reason=no_resource)
    run_logs = [f"{LOG_GROUP_ARN}:/{platform.name_of('platform')}/run:*"]
    allow(role, "ReadRunLogs", ["logs:GetLogEvents"], run_logs, reason="A log stream is named when its task starts")


def allow_batch_plan_writing(role: iam.Role, artefacts: str) -> None:
    """Let the plan function write the list of series of an execution."""
    reason = "Each execution has a folder of its own"
    allow(role, "WritePlan", ["s3:PutObject"], bucket_files(artefacts, BATCH), reason=reason)


def allow_batch_execution(role: iam.Role, machine: str, functions: Sequence[str], artefacts: str) -> None:
    """Let the batch state machine call its functions, run its distributed map, and read and write its files.

    Args:
        role: The state machine's role.
        machine: The state machine's name.
        functions: ARNs of the functions that it calls.
        artefacts: Name of the artefact bucket.
    """
    execution_arn = f"{STATES_ARN}:execution:{machine}"
    allow(role, "InvokeFunctions", ["lambda:InvokeFunction"], functions)
    allow(
        role,
        "ReadPlanAndWriteResults",
        ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
        bucket_files(artefacts, BATCH),
        reason="Each execution has a folder of its own",
    )
    allow(role, "StartMapRun", ["states:StartExecution"], [f"{STATES_ARN}:stateMachine:{machine}"])
    allow(
        role,
        "WatchMapRun",
        ["states:DescribeExecution", "states:StopExecution"],
        [f"{execution_arn}/*", f"{execution_arn}:*"],
        reason="The id of an execution is assigned when it starts",
    )


def allow_log_delivery(role: iam.Role) -> None:
    """Let a state machine deliver its logs to CloudWatch."""
    allow(
        role,
        "DeliverLogs",
        [
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
        ],
        ["*"],
        reason="The actions that set up log delivery do not support resource-level permissions",
    )


def _in_cluster(platform: MilkStack) -> Conditions:
    return {"ArnEquals": {"ecs:cluster": f"{ECS_ARN}:cluster/{platform.name_of('platform')}"}}
