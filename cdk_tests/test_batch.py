"""The batch's state machine: what its definition says."""

import json
import re

import pytest

from cdk.stacks.batch import DEFINITION
from cdk_tests.conftest import Template, properties, text

MACHINE = json.loads(DEFINITION.read_text())
SCORE = MACHINE["States"]["Score"]


def test_a_plan_and_then_a_distributed_map_over_what_it_wrote() -> None:
    assert MACHINE["StartAt"] == "Plan"
    assert MACHINE["States"]["Plan"]["Next"] == "Score"
    assert SCORE["ItemReader"] == {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": "${Artefacts}", "Key.$": "$.items"},
    }
    assert SCORE["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}


def test_every_item_carries_what_the_plan_saw_served() -> None:
    assert SCORE["ItemSelector"] == {"series.$": "$$.Map.Item.Value", "served.$": "$.served"}


def test_batches_stay_within_what_a_state_may_hand_on() -> None:
    """A state's output is at most 262,144 bytes; a series has 21 forecasts of some 320 bytes."""
    assert SCORE["ItemBatcher"]["MaxItemsPerBatch"] * 21 * 320 < 262_144


def test_results_go_to_one_folder_and_no_failure_is_tolerated() -> None:
    assert SCORE["ResultWriter"]["Parameters"] == {"Bucket": "${Artefacts}", "Prefix.$": "$.results"}
    assert SCORE["ToleratedFailurePercentage"] == 0
    assert SCORE["MaxConcurrency"] == 4  # a batch takes milliseconds: more functions would only start more often


def test_every_call_has_a_timeout_and_a_bounded_retry() -> None:
    calls = [MACHINE["States"]["Plan"], SCORE["ItemProcessor"]["States"]["ScoreSeries"]]
    for call in calls:
        assert call["TimeoutSeconds"] == 60
        (retry,) = call["Retry"]
        assert "Lambda.TooManyRequestsException" in retry["ErrorEquals"]
        assert (retry["MaxAttempts"], retry["JitterStrategy"]) == (4, "FULL")


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_the_template_gives_the_definition_all_that_it_asks_for(templates: dict[str, Template], name: str) -> None:
    (machine,) = properties(templates[f"milk-{name}-batch"], "AWS::StepFunctions::StateMachine")
    asked = set(re.findall(r"\$\{(\w+)\}", DEFINITION.read_text()))
    assert set(machine["DefinitionSubstitutions"]) == asked == {"Plan", "Score", "Artefacts"}
    assert json.loads(text(machine["DefinitionString"])) == MACHINE
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert machine["TracingConfiguration"] == {"Enabled": True}
    handlers = [made["ImageConfig"]["Command"] for made in properties(templates[f"milk-{name}-batch"], "AWS::Lambda::Function")]
    assert handlers == [["lambda_service.batch.plan"], ["lambda_service.batch.score"]]
