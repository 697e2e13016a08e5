"""The definition of the batch state machine."""

import json
import re

import pytest

from cdk.stacks.batch import MACHINE_DEFINITION
from cdk_tests.conftest import Template, properties, text

MACHINE = json.loads(MACHINE_DEFINITION.read_text())
SCORE = MACHINE["States"]["Score"]
FORECASTS_PER_SERIES, BYTES_PER_FORECAST = 21, 320
MAX_STATE_OUTPUT_BYTES = 262_144  # quota of Step Functions


def test_the_machine_plans_and_then_maps_over_the_planned_list() -> None:
    assert MACHINE["StartAt"] == "Plan"
    assert MACHINE["States"]["Plan"]["Next"] == "Score"
    assert SCORE["ItemReader"] == {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": "${Artefacts}", "Key.$": "$.items"},
    }
    assert SCORE["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}


def test_every_item_names_the_model_that_the_plan_saw() -> None:
    assert SCORE["ItemSelector"] == {"series.$": "$$.Map.Item.Value", "served.$": "$.served"}


def test_the_output_of_a_batch_stays_below_the_quota_of_a_state() -> None:
    assert SCORE["ItemBatcher"]["MaxItemsPerBatch"] * FORECASTS_PER_SERIES * BYTES_PER_FORECAST < MAX_STATE_OUTPUT_BYTES


def test_results_go_to_one_folder_and_no_failure_is_tolerated() -> None:
    assert SCORE["ResultWriter"]["Parameters"] == {"Bucket": "${Artefacts}", "Prefix.$": "$.results"}
    assert SCORE["ToleratedFailurePercentage"] == 0
    assert SCORE["MaxConcurrency"] == 4  # a batch takes milliseconds: more functions would only add cold starts


def test_every_call_has_a_timeout_and_a_bounded_retry() -> None:
    calls = [MACHINE["States"]["Plan"], SCORE["ItemProcessor"]["States"]["ScoreSeries"]]
    for call in calls:
        assert call["TimeoutSeconds"] == 60
        (retry,) = call["Retry"]
        assert "Lambda.TooManyRequestsException" in retry["ErrorEquals"]
        assert (retry["MaxAttempts"], retry["JitterStrategy"]) == (4, "FULL")


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_the_template_substitutes_every_placeholder_of_the_definition(templates: dict[str, Template], environment: str) -> None:
    template = templates[f"milk-{environment}-batch"]
    (machine,) = properties(template, "AWS::StepFunctions::StateMachine")
    placeholders = set(re.findall(r"\$\{(\w+)\}", MACHINE_DEFINITION.read_text()))
    assert set(machine["DefinitionSubstitutions"]) == placeholders == {"Plan", "Score", "Artefacts"}
    assert json.loads(text(machine["DefinitionString"])) == MACHINE
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert machine["TracingConfiguration"] == {"Enabled": True}
    commands = [function["ImageConfig"]["Command"] for function in properties(template, "AWS::Lambda::Function")]
    assert commands == [["lambda_service.batch.plan"], ["lambda_service.batch.score"]]
