"""Deploy: the role that GitHub's workflows deploy with.

Belongs here: who may assume it and what it may do. It holds no key: GitHub proves with a token, each time, which workflow asks.
"""

from aws_cdk import Aws, CfnOutput, Duration
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk.common.milk_stack import MilkStack, allow
from cdk.common.settings import Deployment, Release

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
BOOTSTRAP = "hnb659fds"  # the qualifier that `cdk bootstrap` gives its roles unless told otherwise
BOOTSTRAP_ROLES = ("deploy", "file-publishing", "image-publishing", "lookup")


class Deploy(MilkStack):
    """A role that only one repository's workflows, in this environment, can assume for an hour.

    GitHub's environment carries the approval, so prod's role cannot be had without it. The account's identity provider for GitHub is
    made once, by hand (docs/cloud.md): an account can hold only one, and other projects may use it too.
    """

    def __init__(self, scope: Construct, deployment: Deployment, *, release: Release) -> None:
        super().__init__(scope, deployment, "deploy", "Role of the deploying workflow")
        subject = f"repo:{release.repository}:environment:{deployment.name}"
        self.role = iam.Role(
            self,
            "Role",
            role_name=self.named("deploy"),
            assumed_by=iam.WebIdentityPrincipal(
                f"arn:aws:iam::{Aws.ACCOUNT_ID}:oidc-provider/{ISSUER}",
                conditions={"StringEquals": {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": subject}},
            ),
            max_session_duration=Duration.hours(1),
        )
        allow(
            self.role,
            "DeployStacks",
            ["sts:AssumeRole"],
            [
                f"arn:aws:iam::{Aws.ACCOUNT_ID}:role/cdk-{BOOTSTRAP}-{what}-role-{Aws.ACCOUNT_ID}-{Aws.REGION}"
                for what in BOOTSTRAP_ROLES
            ],
        )
        allow(self.role, "LogIn", ["ecr:GetAuthorizationToken"], ["*"], why="A registry's token is no resource's")
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
            [f"arn:aws:ecr:{Aws.REGION}:{Aws.ACCOUNT_ID}:repository/{self.named(what)}" for what in ("platform", "api")],
        )
        allow(
            self.role,
            "FindTheEndpoint",
            ["cloudformation:DescribeStacks"],
            [f"arn:aws:cloudformation:{Aws.REGION}:{Aws.ACCOUNT_ID}:stack/{self.named('api')}/*"],
            why="A stack's ARN ends in an id that it is given when it is made",
        )
        CfnOutput(self, "RoleArn", value=self.role.role_arn)
