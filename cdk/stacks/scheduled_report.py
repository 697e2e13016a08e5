"""Scheduled report stack: the daily report as a scheduled task, for deployments without a Dagster daemon.

Belongs here: the schedule and its role. The task is started from the platform's run definition.
"""

import json

from aws_cdk import Aws
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from cdk.common.deployments import Deployment
from cdk.common.milk_stack import MilkStack
from cdk.common.permissions import allow_run_start
from cdk.stacks.platform import PlatformStack
from cdk.stacks.platform_services import RUN_CONTAINER
from milk_assets.resource_names import TIMEZONE

REPORT_COMMAND = ["milk", "report"]
REPORT_TIME = "cron(30 7 * * ? *)"  # half an hour after the daemon's own schedule


class ScheduledReportStack(MilkStack):
    """A Fargate task every day, enabled when the deployment has no daemon. Writing an existing report again gives the same files."""

    def __init__(self, scope: Construct, deployment: Deployment, *, platform: PlatformStack) -> None:
        super().__init__(scope, deployment, "report", "The daily report as a scheduled task")
        role = self.service_role(
            "ScheduleRole",
            "report",
            "scheduler.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
        )
        allow_run_start(role, platform, *platform.run_task_roles)
        scheduler.CfnSchedule(
            self,
            "Report",
            name=self.name_of("report"),
            description="Writes the daily report; enabled only when the deployment has no Dagster daemon",
            schedule_expression=REPORT_TIME,
            schedule_expression_timezone=TIMEZONE,
            state="DISABLED" if deployment.has_daemon else "ENABLED",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=platform.cluster.cluster_arn,
                role_arn=role.role_arn,
                input=json.dumps({"containerOverrides": [{"name": RUN_CONTAINER, "command": REPORT_COMMAND}]}),
                ecs_parameters=self._fargate_parameters(platform),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_retry_attempts=3, maximum_event_age_in_seconds=3600
                ),
            ),
        )

    def _fargate_parameters(self, platform: PlatformStack) -> scheduler.CfnSchedule.EcsParametersProperty:
        network = platform.network
        vpc_configuration = scheduler.CfnSchedule.AwsVpcConfigurationProperty(
            subnets=[subnet.subnet_id for subnet in network.vpc.public_subnets],
            security_groups=[network.code.security_group_id],
            assign_public_ip="ENABLED",
        )
        return scheduler.CfnSchedule.EcsParametersProperty(
            task_definition_arn=platform.run_task.task_definition_arn,
            launch_type="FARGATE",
            task_count=1,
            network_configuration=scheduler.CfnSchedule.NetworkConfigurationProperty(awsvpc_configuration=vpc_configuration),
        )
