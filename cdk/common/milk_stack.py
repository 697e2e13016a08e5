"""What every stack has: its name, its tags, its protection, and how permissions and findings are said.

Belongs here: nothing that makes a resource, but the one way in which a role is allowed something.
"""

from collections.abc import Mapping, Sequence

from aws_cdk import Acknowledgment, Aws, RemovalPolicy, Stack, Tags, Validations
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from cdk.common.settings import Deployment
from milk_assets.resource_names import PROJECT, resource_name


class MilkStack(Stack):
    """A stack of one concern of one environment, e.g. `milk-staging-storage`; prod's refuse deletion."""

    def __init__(self, scope: Construct, deployment: Deployment, concern: str, description: str) -> None:
        super().__init__(
            scope,
            resource_name(deployment.name, concern),
            description=description,
            termination_protection=deployment.protected,
        )
        self.deployment = deployment
        Tags.of(self).add("project", PROJECT)
        Tags.of(self).add("environment", deployment.name)

    def named(self, what: str) -> str:
        """The name of a resource of this environment."""
        return resource_name(self.deployment.name, what)

    @property
    def removal(self) -> RemovalPolicy:
        """What becomes of things that could be made anew, such as logs, when the stack goes."""
        return RemovalPolicy.RETAIN if self.deployment.protected else RemovalPolicy.DESTROY


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept findings on a construct, each by its exact id and with its reason; both stand in the template's report."""
    for finding, reason in reasons.items():
        Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))


def allow(
    role: iam.Role,
    sid: str,
    actions: Sequence[str],
    resources: Sequence[str],
    *,
    why: str | None = None,
    conditions: Mapping[str, Mapping[str, str | list[str]]] | None = None,
) -> None:
    """Allow a role some actions on some resources: one named statement.

    why: what a `*` in a resource stands for and why it is no narrower; without it a `*` is refused. It is acknowledged by its exact id.
    """
    wide = [arn for arn in resources if "*" in arn]
    if any("*" in action for action in actions) or (wide and not why):
        raise ValueError(f"{role.node.path}: statement {sid} needs each action by name, and a reason for {wide}")
    role.add_to_policy(iam.PolicyStatement(sid=sid, actions=list(actions), resources=list(resources), conditions=conditions))
    shown = {Aws.REGION: "<AWS::Region>", Aws.ACCOUNT_ID: "<AWS::AccountId>"}
    for arn in wide:
        for token, name in shown.items():
            arn = arn.replace(token, name)
        acknowledge(role, {f"AwsSolutions-IAM5[Resource::{arn}]": why or ""})


def bucket_files(bucket_name: str, *prefixes: str) -> list[str]:
    """ARNs of the files of a bucket under some prefixes."""
    return [f"arn:aws:s3:::{bucket_name}/{prefix}/*" for prefix in prefixes]
