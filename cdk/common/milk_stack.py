"""Base stack: what all stacks of the project have in common.

Belongs here: stack names, tags, deletion protection, log groups, service roles and acknowledged findings. Not here: IAM statements
(`cdk.common.permissions`).
"""

from collections.abc import Mapping

from aws_cdk import Acknowledgment, Aws, RemovalPolicy, Stack, Tags, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct

from cdk.common.deployments import Deployment
from milk_assets.resource_names import PROJECT, resource_name


class MilkStack(Stack):
    """The stack of one concern of one environment, e.g. `milk-staging-storage`. Stacks of prod are protected against deletion."""

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

    def name_of(self, resource: str) -> str:
        """Return the name of a resource in this environment, e.g. `milk-staging-api`."""
        return resource_name(self.deployment.name, resource)

    @property
    def removal_policy(self) -> RemovalPolicy:
        """What happens to replaceable resources, such as logs, when the stack is deleted."""
        return RemovalPolicy.RETAIN if self.deployment.protected else RemovalPolicy.DESTROY

    def log_group(self, construct_id: str, name: str) -> logs.LogGroup:
        """Create a log group with the retention period of the environment."""
        return logs.LogGroup(
            self,
            construct_id,
            log_group_name=name,
            retention=self.deployment.log_retention,
            removal_policy=self.removal_policy,
        )

    def service_role(
        self, construct_id: str, name: str, service: str, *, conditions: Mapping[str, Mapping[str, str]] | None = None
    ) -> iam.Role:
        """Create a role that an AWS service assumes.

        Args:
            construct_id: The role's id in the stack.
            name: Short name of the resource that uses the role, e.g. `api`; the region is added because roles are global.
            service: The service's principal, e.g. `lambda.amazonaws.com`.
            conditions: Conditions of the trust policy.
        """
        return iam.Role(
            self,
            construct_id,
            role_name=f"{self.name_of(name)}-{Aws.REGION}",
            assumed_by=iam.ServicePrincipal(service, conditions=conditions),
        )


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept findings of cdk-nag on a construct.

    Args:
        construct: The construct with the findings.
        reasons: Exact id of each finding → why it is acceptable. Both appear in the validation report.
    """
    for finding, reason in reasons.items():
        Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))
