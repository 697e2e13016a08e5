"""Batch: scoring every series at once, and the daily report where no daemon runs.

Belongs here: the state machine (its definition is `batch.asl.json`), its two functions, and the scheduled task. When to use which is in
docs/cloud.md.
"""

import json
from pathlib import Path

from aws_cdk import Aws, Duration, Size
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_stepfunctions as states
from constructs import Construct

from cdk.api import FILES_COME_AND_GO, READS
from cdk.base import MilkStack, allow, bucket_files
from cdk.functions import endpoint_function
from cdk.platform import RUN, Platform
from cdk.settings import Deployment, Release
from lambda_service.layout import BATCH
from milk_assets.environment import TIMEZONE

DEFINITION = Path(__file__).with_name("batch.asl.json")
PLAN = "lambda_service.batch.plan"
SCORE = "lambda_service.batch.score"
REPORT = ["python", "-m", "milk_assets", "report"]
REPORT_AT = "cron(30 7 * * ? *)"  # half an hour after the daemon's own schedule


class Batch(MilkStack):
    """A distributed map over the series; and a schedule that writes the day's report, enabled where the platform has no daemon."""

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        *,
        release: Release,
        repository: ecr.IRepository,
        artefacts: str,
        platform: Platform,
    ) -> None:
        super().__init__(scope, deployment, "batch", "Scoring at scale, and the scheduled report")
        self._release, self._repository, self._artefacts = release, repository, artefacts
        plan = self._function("Plan", "batch-plan", PLAN)
        score = self._function("Score", "batch-score", SCORE)
        allow(plan.role, "WriteThePlan", ["s3:PutObject"], bucket_files(artefacts, BATCH), why="A folder an execution")
        self.machine = self._machine(plan, score)
        self._report(platform)

    def _function(self, name: str, what: str, handler: str) -> lambda_.Function:
        function = endpoint_function(
            self,
            name,
            what,
            handler=handler,
            repository=self._repository,
            release=self._release,
            environment={"MILK_ENV": self.deployment.name, "MILK_ARTEFACTS": f"s3://{self._artefacts}", "OMP_NUM_THREADS": "1"},
            memory=Size.mebibytes(1024),
            timeout=Duration.seconds(60),
        )
        allow(function.role, "ReadWhatIsServed", ["s3:GetObject"], bucket_files(self._artefacts, *READS), why=FILES_COME_AND_GO)
        return function

    def _machine(self, plan: lambda_.Function, score: lambda_.Function) -> states.StateMachine:
        name = self.named("batch")
        role = iam.Role(
            self, "MachineRole", role_name=f"{name}-{Aws.REGION}", assumed_by=iam.ServicePrincipal("states.amazonaws.com")
        )
        machine_arn = f"arn:aws:states:{Aws.REGION}:{Aws.ACCOUNT_ID}:stateMachine:{name}"
        execution_arn = f"arn:aws:states:{Aws.REGION}:{Aws.ACCOUNT_ID}:execution:{name}"
        allow(role, "CallItsFunctions", ["lambda:InvokeFunction"], [plan.function_arn, score.function_arn])
        allow(
            role,
            "ReadThePlanAndWriteResults",
            ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            bucket_files(self._artefacts, BATCH),
            why="A folder an execution",
        )
        allow(role, "StartTheMap", ["states:StartExecution"], [machine_arn])
        allow(
            role,
            "WatchTheMap",
            ["states:DescribeExecution", "states:StopExecution"],
            [f"{execution_arn}/*", f"{execution_arn}:*"],
            why="An execution is named when it starts",
        )
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
            why="The actions that set up a delivery of logs know no resource",
        )
        allow(
            role,
            "Trace",
            [
                "xray:PutTraceSegments",
                "xray:PutTelemetryRecords",
                "xray:GetSamplingRules",
                "xray:GetSamplingTargets",
            ],
            ["*"],
            why="X-Ray's actions know no resource",
        )
        group = logs.LogGroup(
            self,
            "MachineLogs",
            log_group_name=f"/aws/vendedlogs/states/{name}",
            retention=self.deployment.keep_logs,
            removal_policy=self.removal,
        )
        return states.StateMachine(
            self,
            "Machine",
            state_machine_name=name,
            definition_body=states.DefinitionBody.from_string(DEFINITION.read_text()),
            definition_substitutions={
                "Plan": plan.function_arn,
                "Score": score.function_arn,
                "Artefacts": self._artefacts,
            },
            role=role.without_policy_updates(),
            timeout=Duration.minutes(30),
            logs=states.LogOptions(destination=group, level=states.LogLevel.ALL, include_execution_data=False),
            tracing_enabled=True,
        )

    def _report(self, platform: Platform) -> None:
        """The day's report as a task of the run definition, at its own hour; a report that stands already is written anew, the same."""
        role = iam.Role(
            self,
            "ScheduleRole",
            role_name=f"{self.named('report')}-{Aws.REGION}",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
        )
        platform.allow_start(role)
        network = platform.network
        scheduler.CfnSchedule(
            self,
            "Report",
            name=self.named("report"),
            description="The daily report, where no daemon writes it",
            schedule_expression=REPORT_AT,
            schedule_expression_timezone=TIMEZONE,
            state="DISABLED" if self.deployment.daemon else "ENABLED",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=platform.cluster.cluster_arn,
                role_arn=role.role_arn,
                input=json.dumps({"containerOverrides": [{"name": RUN, "command": REPORT}]}),
                ecs_parameters=scheduler.CfnSchedule.EcsParametersProperty(
                    task_definition_arn=platform.run.task_definition_arn,
                    launch_type="FARGATE",
                    task_count=1,
                    network_configuration=scheduler.CfnSchedule.NetworkConfigurationProperty(
                        awsvpc_configuration=scheduler.CfnSchedule.AwsVpcConfigurationProperty(
                            subnets=[subnet.subnet_id for subnet in network.vpc.public_subnets],
                            security_groups=[network.code.security_group_id],
                            assign_public_ip="ENABLED",
                        )
                    ),
                ),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_retry_attempts=3, maximum_event_age_in_seconds=3600
                ),
            ),
        )
