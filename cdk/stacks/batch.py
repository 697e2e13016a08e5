"""Batch: scoring every series at once.

Belongs here: the state machine (its definition is `batch.asl.json`), its two functions, and what each may do. When to use it is in
docs/cloud.md.
"""

from pathlib import Path

from aws_cdk import Aws, Duration, Size
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as states
from constructs import Construct

from cdk.common.lambda_functions import endpoint_function
from cdk.common.milk_stack import MilkStack, allow, bucket_files
from cdk.common.settings import Deployment, Release
from cdk.stacks.api import FILES_COME_AND_GO, READS
from milk_model.artefact_paths import BATCH

DEFINITION = Path(__file__).parents[1] / "payloads" / "batch.asl.json"
PLAN = "lambda_service.batch.plan"
SCORE = "lambda_service.batch.score"


class Batch(MilkStack):
    """A state machine: a plan, a distributed map over the series, results in one folder of the artefact bucket."""

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        *,
        release: Release,
        repository: ecr.IRepository,
        artefacts: str,
    ) -> None:
        super().__init__(scope, deployment, "batch", "Scoring of every series at once")
        self._release, self._repository, self._artefacts = release, repository, artefacts
        plan = self._function("Plan", "batch-plan", PLAN)
        score = self._function("Score", "batch-score", SCORE)
        allow(plan.role, "WriteThePlan", ["s3:PutObject"], bucket_files(artefacts, BATCH), why="A folder an execution")
        self.machine = self._machine(plan, score)

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
