"""Batch stack: the state machine that scores many series at once.

Belongs here: the state machine (defined in `cdk/payloads/batch.asl.json`) and its two functions. When to use it instead of the endpoint
is in docs/cloud.md.
"""

from pathlib import Path

from aws_cdk import Duration, Size
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as states
from constructs import Construct

from cdk.common.deployments import Deployment, Release
from cdk.common.lambda_functions import endpoint_function
from cdk.common.milk_stack import MilkStack
from cdk.common.permissions import (
    allow_batch_execution,
    allow_batch_plan_writing,
    allow_log_delivery,
    allow_serving_reads,
    allow_tracing,
)

MACHINE_DEFINITION = Path(__file__).parents[1] / "payloads" / "batch.asl.json"
PLAN_HANDLER = "lambda_service.batch.plan"
SCORE_HANDLER = "lambda_service.batch.score"


class BatchStack(MilkStack):
    """A state machine: plan the list of series, map over it, write the results to one folder of the artefact bucket."""

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        *,
        release: Release,
        repository: ecr.IRepository,
        artefacts: str,
    ) -> None:
        super().__init__(scope, deployment, "batch", "Batch scoring of all series")
        self._release, self._repository, self._artefacts = release, repository, artefacts
        plan = self._function("Plan", "batch-plan", PLAN_HANDLER)
        score = self._function("Score", "batch-score", SCORE_HANDLER)
        allow_batch_plan_writing(plan.role, artefacts)
        self.machine = self._state_machine(plan, score)

    def _function(self, construct_id: str, name: str, handler: str) -> lambda_.Function:
        function = endpoint_function(
            self,
            construct_id,
            name,
            handler=handler,
            repository=self._repository,
            release=self._release,
            environment={"MILK_ENV": self.deployment.name, "MILK_ARTEFACTS": f"s3://{self._artefacts}", "OMP_NUM_THREADS": "1"},
            memory=Size.mebibytes(1024),
            timeout=Duration.seconds(60),
        )
        allow_serving_reads(function.role, self._artefacts)
        return function

    def _state_machine(self, plan: lambda_.Function, score: lambda_.Function) -> states.StateMachine:
        name = self.name_of("batch")
        role = self.service_role("MachineRole", "batch", "states.amazonaws.com")
        allow_batch_execution(role, name, [plan.function_arn, score.function_arn], self._artefacts)
        allow_log_delivery(role)
        allow_tracing(role, "xray:GetSamplingRules", "xray:GetSamplingTargets")
        log_group = self.log_group("MachineLogs", f"/aws/vendedlogs/states/{name}")
        return states.StateMachine(
            self,
            "Machine",
            state_machine_name=name,
            definition_body=states.DefinitionBody.from_string(MACHINE_DEFINITION.read_text()),
            definition_substitutions={
                "Plan": plan.function_arn,
                "Score": score.function_arn,
                "Artefacts": self._artefacts,
            },
            role=role.without_policy_updates(),
            timeout=Duration.minutes(30),
            logs=states.LogOptions(destination=log_group, level=states.LogLevel.ALL, include_execution_data=False),
            tracing_enabled=True,
        )
