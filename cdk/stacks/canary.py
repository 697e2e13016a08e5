"""Canary stack: the endpoint's health check, run from outside, and its alarm.

Belongs here: how often the check runs and with what code: a copy of `lambda_service/health_check.py`, which the platform's own schedule
runs too. It is a separate stack because AWS emulators do not support canaries.
"""

import shutil
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_synthetics as synthetics
from constructs import Construct

from cdk.common.deployments import Deployment
from cdk.common.milk_stack import MilkStack
from cdk.common.permissions import LOG_GROUP_ARN, allow
from cdk.stacks.api import default_stage_url
from cdk.stacks.monitoring import RUNBOOK
from lambda_service import health_check

HANDLER_FILE = Path(__file__).parents[1] / "payloads" / "canary_handler.py"
RECORD_RETENTION = Duration.days(31)
RECORD_PREFIX = "canary"  # in the access-log bucket, whose files expire after 90 days
METRIC_NAMESPACE = "CloudWatchSynthetics"


class CanaryStack(MilkStack):
    """A canary that requests the health route of one API, and an alarm when the check fails twice in a row.

    Args:
        scope: The app.
        deployment: Settings of the environment.
        api: The API to check.
        records_bucket: Name of the bucket for the records of each run.
        alarm_topic: The topic that is notified.
    """

    def __init__(
        self, scope: Construct, deployment: Deployment, *, api: http.HttpApi, records_bucket: str, alarm_topic: sns.Topic
    ) -> None:
        super().__init__(scope, deployment, "canary", "Health check of the endpoint from outside")
        canary = synthetics.Canary(
            self,
            "Health",
            canary_name=self.name_of("health"),
            runtime=synthetics.Runtime.SYNTHETICS_PYTHON_SELENIUM_7_0,
            test=synthetics.Test.custom(
                code=synthetics.Code.from_asset(str(self._code_folder())), handler=f"{HANDLER_FILE.stem}.handler"
            ),
            schedule=synthetics.Schedule.rate(deployment.canary_interval),
            role=self._role(records_bucket),
            memory=Size.mebibytes(960),
            timeout=Duration.seconds(60),
            environment_variables={"MILK_ENDPOINT": default_stage_url(api)},
            artifacts_bucket_location=synthetics.ArtifactsBucketLocation(
                bucket=s3.Bucket.from_bucket_name(self, "Records", records_bucket), prefix=RECORD_PREFIX
            ),
            success_retention_period=RECORD_RETENTION,
            failure_retention_period=RECORD_RETENTION,
            provisioned_resource_cleanup=True,
        )
        canary.apply_removal_policy(RemovalPolicy.DESTROY)
        self._alarm(canary, alarm_topic)

    def _role(self, records_bucket: str) -> iam.Role:
        role = self.service_role("Role", "health", "lambda.amazonaws.com")
        records = [f"arn:aws:s3:::{records_bucket}/{RECORD_PREFIX}/*"]
        allow(role, "WriteRecords", ["s3:PutObject"], records, reason="Each run has a record of its own")
        allow(role, "LocateBucket", ["s3:GetBucketLocation"], [f"arn:aws:s3:::{records_bucket}"])
        allow(
            role,
            "WriteLogs",
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            [f"{LOG_GROUP_ARN}:/aws/lambda/cwsyn-{self.name_of('health')}-*"],
            reason="Synthetics adds a generated id to the name of its function and log group",
        )
        allow(
            role,
            "PublishMetrics",
            ["cloudwatch:PutMetricData"],
            ["*"],
            reason="The action does not support resource-level permissions; the condition allows one namespace",
            conditions={"StringEquals": {"cloudwatch:namespace": METRIC_NAMESPACE}},
        )
        return role

    def _alarm(self, canary: synthetics.Canary, topic: sns.Topic) -> None:
        alarm = cloudwatch.Alarm(
            self,
            "Down",
            alarm_name=self.name_of("EndpointDown"),
            alarm_description=(
                "The endpoint's health check, run from outside, has failed twice in a row: callers probably get no forecasts. "
                f"Look at the latest run of the canary {self.name_of('health')}, then at the log group "
                f"/aws/lambda/{self.name_of('api')}. If it began with a deployment, deploy the previous TAG. See {RUNBOOK}."
            ),
            metric=canary.metric_success_percent(period=self.deployment.canary_interval),
            threshold=100,
            evaluation_periods=2,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(topic))
        alarm.add_ok_action(actions.SnsAction(topic))

    def _code_folder(self) -> Path:
        """Write the canary's code to the output folder. Synthetics expects all files under `python/`."""
        folder = Path(self.node.root.outdir) / f"{self.stack_name}.code" / "python"
        folder.mkdir(parents=True, exist_ok=True)
        for file in (Path(health_check.__file__), HANDLER_FILE):
            shutil.copyfile(file, folder / file.name)
        return folder.parent
