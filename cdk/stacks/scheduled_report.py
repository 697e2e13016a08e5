"""Report: the daily report as a scheduled task, where no daemon writes it.

Belongs here: the schedule and its role. The task is a run of the platform's one definition.
"""

import json

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from cdk.common.milk_stack import MilkStack
from cdk.common.settings import Deployment
from cdk.stacks.platform import RUN, Platform
from milk_assets.resource_names import TIMEZONE

COMMAND = ["python", "-m", "milk_assets", "report"]
AT = "cron(30 7 * * ? *)"  # half an hour after the daemon's own schedule


class Report(MilkStack):
    """A Fargate task every day, enabled where the deployment has no daemon. A report that stands already is written anew, the same."""

    def __init__(self, scope: Construct, deployment: Deployment, *, platform: Platform) -> None:
        super().__init__(scope, deployment, "report", "The daily report as a scheduled task")
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
            schedule_expression=AT,
            schedule_expression_timezone=TIMEZONE,
            state="DISABLED" if deployment.daemon else "ENABLED",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=platform.cluster.cluster_arn,
                role_arn=role.role_arn,
                input=json.dumps({"containerOverrides": [{"name": RUN, "command": COMMAND}]}),
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
