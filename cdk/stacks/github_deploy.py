"""GitHub deploy stack: the role that GitHub workflows deploy with.

Belongs here: who may assume the role and what it may do. There is no stored key: on each run, GitHub issues a token (OIDC) that
identifies the workflow.
"""

from aws_cdk import Aws, CfnOutput, Duration
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk.common.deployments import Deployment, Release
from cdk.common.milk_stack import MilkStack
from cdk.common.permissions import allow, allow_registry_login

GITHUB_ISSUER = "token.actions.githubusercontent.com"
STS_AUDIENCE = "sts.amazonaws.com"
BOOTSTRAP_QUALIFIER = "hnb659fds"  # the default of `cdk bootstrap`
BOOTSTRAP_ROLES = ("deploy", "file-publishing", "image-publishing", "lookup")


class GithubDeployStack(MilkStack):
    """A role that only the workflows of one repository can assume, in this environment, for one hour.

    The GitHub environment requires the approval, so prod's role cannot be assumed without it. The account's identity provider for
    GitHub is created once, by hand (docs/cloud.md): an account can have only one, and other projects may use it too.
    """

    def __init__(self, scope: Construct, deployment: Deployment, *, release: Release) -> None:
        super().__init__(scope, deployment, "deploy", "Role of the deployment workflow")
        subject = f"repo:{release.repository}:environment:{deployment.name}"
        self.role = iam.Role(
            self,
            "Role",
            role_name=self.name_of("deploy"),
            assumed_by=iam.WebIdentityPrincipal(
                f"arn:aws:iam::{Aws.ACCOUNT_ID}:oidc-provider/{GITHUB_ISSUER}",
                conditions={"StringEquals": {f"{GITHUB_ISSUER}:aud": STS_AUDIENCE, f"{GITHUB_ISSUER}:sub": subject}},
            ),
            max_session_duration=Duration.hours(1),
        )
        self._allow_deployment()
        self._allow_image_push()
        CfnOutput(self, "RoleArn", value=self.role.role_arn)

    def _allow_deployment(self) -> None:
        bootstrap_roles = [
            f"arn:aws:iam::{Aws.ACCOUNT_ID}:role/cdk-{BOOTSTRAP_QUALIFIER}-{role}-role-{Aws.ACCOUNT_ID}-{Aws.REGION}"
            for role in BOOTSTRAP_ROLES
        ]
        allow(self.role, "DeployStacks", ["sts:AssumeRole"], bootstrap_roles)
        allow(
            self.role,
            "ReadApiUrl",
            ["cloudformation:DescribeStacks"],
            [f"arn:aws:cloudformation:{Aws.REGION}:{Aws.ACCOUNT_ID}:stack/{self.name_of('api')}/*"],
            reason="The ARN of a stack ends in an id that is assigned when the stack is created",
        )

    def _allow_image_push(self) -> None:
        allow_registry_login(self.role)
        repositories = [
            f"arn:aws:ecr:{Aws.REGION}:{Aws.ACCOUNT_ID}:repository/{self.name_of(image)}" for image in ("platform", "api")
        ]
        allow(
            self.role,
            "PushImages",
            [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:CompleteLayerUpload",
                "ecr:DescribeImages",
                "ecr:GetDownloadUrlForLayer",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ],
            repositories,
        )
