"""Permissions of the platform's tasks: what stages do to files, and what a launcher does to runs.

Belongs here: the statements. Which task gets which is said in `cdk.stacks.platform`.
"""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from cdk.common.milk_stack import MilkStack, allow, bucket_files

ECS = f"arn:aws:ecs:{Aws.REGION}:{Aws.ACCOUNT_ID}"
NAMED = "A task is named when it starts; the cluster is the scope"


def read_and_write(role: iam.Role, lake: str, artefacts: str) -> None:
    """What stages and sensors do: read and write files of the two buckets, list them, delete none."""
    for name, bucket in {"Lake": lake, "Artefacts": artefacts}.items():
        files = [f"arn:aws:s3:::{bucket}/*"]
        allow(role, f"ReadAndWrite{name}", ["s3:GetObject", "s3:PutObject"], files, why="The bucket is the platform's own, whole")
        allow(role, f"List{name}", ["s3:ListBucket"], [f"arn:aws:s3:::{bucket}"])


def read_folder(role: iam.Role, name: str, bucket: str, folder: str) -> None:
    """Read and list one folder of a bucket. name: of the statements."""
    allow(role, f"Read{name}", ["s3:GetObject"], bucket_files(bucket, folder), why="Files come and go; the folder is the scope")
    under = {"StringLike": {"s3:prefix": [f"{folder}/*"]}}
    allow(role, f"List{name}", ["s3:ListBucket"], [f"arn:aws:s3:::{bucket}"], conditions=under)


def start_runs(platform: MilkStack, role: iam.Role, *handed: iam.Role) -> None:
    """Start the one run definition in the one cluster, and hand its tasks their roles."""
    definition = [f"{ECS}:task-definition/{platform.named('run')}:*"]
    allow(role, "StartRuns", ["ecs:RunTask"], definition, why="Revisions of the one definition", conditions=_in_cluster(platform))
    allow(
        role,
        "HandRoles",
        ["iam:PassRole"],
        [other.role_arn for other in handed],
        conditions={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
    )


def manage_runs(platform: MilkStack, role: iam.Role) -> None:
    """Tag, watch and stop runs, and read what they said: what EcsRunLauncher does beside starting them."""
    tasks = [f"{ECS}:task/{platform.named('platform')}/*"]
    when_started = {"StringEquals": {"ecs:CreateAction": "RunTask"}}
    allow(role, "TagRuns", ["ecs:TagResource"], tasks, why=NAMED, conditions=when_started)
    allow(role, "WatchAndStopRuns", ["ecs:DescribeTasks", "ecs:StopTask"], tasks, why=NAMED, conditions=_in_cluster(platform))
    allow(role, "ReadDefinition", ["ecs:DescribeTaskDefinition"], ["*"], why="The action knows no resource")
    group = f"arn:aws:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:/{platform.named('platform')}/run:*"
    allow(role, "ReadRunLogs", ["logs:GetLogEvents"], [group], why="A stream is named when its task starts")


def _in_cluster(platform: MilkStack) -> dict[str, dict[str, str | list[str]]]:
    return {"ArnEquals": {"ecs:cluster": f"{ECS}:cluster/{platform.named('platform')}"}}
