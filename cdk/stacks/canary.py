"""Canary: the health check from outside, and its alarm.

Belongs here: how often it asks, and from what code: that of `lambda_service/health_check.py`, which the platform's schedule asks too.
A stack of its own, since emulators know no canaries.
"""

import shutil
from pathlib import Path

from aws_cdk import Aws, Duration, RemovalPolicy, Size
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_synthetics as synthetics
from constructs import Construct

from cdk.common.milk_stack import MilkStack, allow
from cdk.common.settings import Deployment
from cdk.stacks.api import address
from cdk.stacks.monitoring import RUNBOOK
from lambda_service import health_check

KEEP_RUNS = Duration.days(31)
PREFIX = "canary"  # of the access-log bucket, which keeps what is kept for a quarter
NAMESPACE = "CloudWatchSynthetics"


class Canary(MilkStack):
    """A canary that asks one API's health route, and an alarm when it has no good answer twice in a row. logs: bucket of its records."""

    def __init__(self, scope: Construct, deployment: Deployment, *, api: http.HttpApi, logs: str, alarms: sns.Topic) -> None:
        super().__init__(scope, deployment, "canary", "Health check of the endpoint from outside")
        name = self.named("health")
        role = iam.Role(self, "Role", role_name=f"{name}-{Aws.REGION}", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        allow(role, "KeepRecords", ["s3:PutObject"], [f"arn:aws:s3:::{logs}/{PREFIX}/*"], why="A record is named for its run")
        allow(role, "FindTheBucket", ["s3:GetBucketLocation"], [f"arn:aws:s3:::{logs}"])
        group = f"arn:aws:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:/aws/lambda/cwsyn-{name}-*"
        allow(
            role,
            "WriteItsOwnLogs",
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            [group],
            why="Synthetics gives its function, and so its log group, a name with a number",
        )
        allow(
            role,
            "Measure",
            ["cloudwatch:PutMetricData"],
            ["*"],
            why="The action knows no resource; the condition names the one namespace",
            conditions={"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
        )
        canary = synthetics.Canary(
            self,
            "Health",
            canary_name=name,
            runtime=synthetics.Runtime.SYNTHETICS_PYTHON_SELENIUM_7_0,
            test=synthetics.Test.custom(code=synthetics.Code.from_asset(str(self._archive())), handler="canary_handler.handler"),
            schedule=synthetics.Schedule.rate(deployment.canary_every),
            role=role,
            memory=Size.mebibytes(960),
            timeout=Duration.seconds(60),
            environment_variables={"MILK_ENDPOINT": address(api)},
            artifacts_bucket_location=synthetics.ArtifactsBucketLocation(
                bucket=s3.Bucket.from_bucket_name(self, "Records", logs), prefix=PREFIX
            ),
            success_retention_period=KEEP_RUNS,
            failure_retention_period=KEEP_RUNS,
            provisioned_resource_cleanup=True,
        )
        canary.apply_removal_policy(RemovalPolicy.DESTROY)
        alarm = cloudwatch.Alarm(
            self,
            "Down",
            alarm_name=self.named("EndpointDown"),
            alarm_description=f"The endpoint's health route has not answered well twice in a row. See {RUNBOOK}.",
            metric=canary.metric_success_percent(period=deployment.canary_every),
            threshold=100,
            evaluation_periods=2,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(alarms))
        alarm.add_ok_action(actions.SnsAction(alarms))

    def _archive(self) -> Path:
        """The canary's folder, laid out as Synthetics reads it: everything under `python/`."""
        folder = Path(self.node.root.outdir) / f"{self.stack_name}.code" / "python"
        folder.mkdir(parents=True, exist_ok=True)
        for file in (Path(health_check.__file__), Path(__file__).parents[1] / "payloads" / "canary_handler.py"):
            shutil.copyfile(file, folder / file.name)
        return folder.parent
