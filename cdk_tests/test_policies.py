"""IAM policies: every statement is scoped, and the most important ones are listed here."""

from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cdk.app import build
from cdk.common.deployments import DEPLOYMENTS
from cdk.common.milk_stack import MilkStack
from cdk.common.permissions import allow
from cdk_tests.conftest import Template, as_list, new_app, statements, text

ENVIRONMENTS = ("staging", "prod")
# The only actions that may be allowed on `*`: IAM does not support narrower resources for them.
ACTIONS_WITHOUT_RESOURCE = {
    "ecr:GetAuthorizationToken",
    "ecs:DescribeTaskDefinition",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "cloudwatch:PutMetricData",
}


def unscoped(template: Template) -> list[str]:
    """Return one line for each statement that allows more than it names. In a KMS key's own policy, `*` means the key."""
    problems = []
    for logical_id, statement in statements(template):
        if statement["Effect"] != "Allow":
            continue
        is_key_policy = template["Resources"][logical_id]["Type"] == "AWS::KMS::Key"
        actions = as_list(statement["Action"])
        wildcard_actions = [action for action in actions if "*" in action]
        if wildcard_actions and not is_key_policy:
            problems.append(f"{logical_id}: actions {wildcard_actions}")
        allows_everything = "Resource" in statement and "*" in map(text, as_list(statement["Resource"]))
        if allows_everything and not is_key_policy and not set(actions) <= ACTIONS_WITHOUT_RESOURCE:
            problems.append(f"{logical_id}: {sorted(set(actions) - ACTIONS_WITHOUT_RESOURCE)} on *")
        principal = statement.get("Principal", {})
        if principal == "*" or "*" in map(text, as_list(principal.get("AWS", []))):
            problems.append(f"{logical_id}: every principal")
        if {"NotAction", "NotResource", "NotPrincipal"} & set(statement):
            problems.append(f"{logical_id}: allows everything except a list")
    return problems


def test_every_statement_of_every_stack_is_scoped(templates: dict[str, Template]) -> None:
    assert {name: unscoped(template) for name, template in templates.items() if unscoped(template)} == {}
    assert sum(len(list(statements(template))) for template in templates.values()) > 100


def test_an_unscoped_statement_is_found() -> None:
    policy = {"Statement": [{"Effect": "Allow", "Action": ["s3:*", "s3:GetObject"], "Resource": "*"}]}
    template = {"Resources": {"Bad": {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": policy}}}}
    assert unscoped(template) == ["Bad: actions ['s3:*']", "Bad: ['s3:*', 's3:GetObject'] on *"]


names = st.text("abcdefghij", min_size=1, max_size=8)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(action=names, wildcard_action=st.booleans(), bucket=names, wildcard=st.booleans(), reason=st.none() | names)
def test_a_permission_with_a_wildcard_needs_a_reason(
    role: iam.Role, action: str, wildcard_action: bool, bucket: str, wildcard: bool, reason: str | None
) -> None:
    actions = [f"s3:{action}" + ("*" if wildcard_action else "")]
    arns = [f"arn:aws:s3:::{bucket}" + ("/*" if wildcard else "")]
    if wildcard_action:
        with pytest.raises(ValueError, match="list each action by name"):
            allow(role, "Read", actions, arns, reason=reason)
    elif wildcard and reason is None:
        with pytest.raises(ValueError, match="narrow them or pass a reason"):
            allow(role, "Read", actions, arns, reason=reason)
    else:
        allow(role, "Read", actions, arns, reason=reason)


@pytest.fixture(scope="module")
def role(tmp_path_factory: pytest.TempPathFactory) -> iam.Role:
    app = cdk.App(outdir=str(tmp_path_factory.mktemp("out")))
    stack = MilkStack(app, DEPLOYMENTS[0], "example", "a stack for a test")
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def allowed(template: Template, prefix: str) -> dict[str, tuple[list[str], list[str]]]:
    """Return Sid → (actions, resources) of the policies whose logical id begins with a prefix."""
    return {
        statement["Sid"]: (as_list(statement["Action"]), [text(resource) for resource in as_list(statement["Resource"])])
        for logical_id, statement in statements(template)
        if logical_id.startswith(prefix)
        and template["Resources"][logical_id]["Type"] == "AWS::IAM::Policy"
        and "Sid" in statement
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_endpoint_reads_its_two_prefixes_and_nothing_else(templates: dict[str, Template], environment: str) -> None:
    permissions = allowed(templates[f"milk-{environment}-api"], "FunctionRole")
    assert permissions.pop("ReadServedModel") == (
        ["s3:GetObject"],
        [f"arn:aws:s3:::milk-{environment}-artefacts/models/*", f"arn:aws:s3:::milk-{environment}-artefacts/serving/*"],
    )
    assert sorted(permissions) == ["SendTraces", "WriteLogs"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_runs_write_their_buckets_and_delete_nothing(templates: dict[str, Template], environment: str) -> None:
    permissions = allowed(templates[f"milk-{environment}-platform"], "RunRole")
    read_and_write = ["s3:GetObject", "s3:PutObject"]
    assert permissions["ReadAndWriteLake"] == (read_and_write, [f"arn:aws:s3:::milk-{environment}-lake/*"])
    assert permissions["ReadAndWriteArtefacts"] == (read_and_write, [f"arn:aws:s3:::milk-{environment}-artefacts/*"])
    assert sorted(permissions) == [
        "ListArtefacts",
        "ListLake",
        "OpenSessionChannels",
        "ReadAndWriteArtefacts",
        "ReadAndWriteLake",
    ]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_only_this_environment_of_this_repository_may_deploy(templates: dict[str, Template], environment: str) -> None:
    template = templates[f"milk-{environment}-deploy"]
    (trust,) = [statement for _, statement in statements(template) if statement["Action"] == "sts:AssumeRoleWithWebIdentity"]
    issuer = "token.actions.githubusercontent.com"
    assert trust["Condition"] == {
        "StringEquals": {
            f"{issuer}:aud": "sts.amazonaws.com",
            f"{issuer}:sub": f"repo:milk-assets/milk-assets:environment:{environment}",
        }
    }
    assert sorted(allowed(template, "Role")) == ["DeployStacks", "GetRegistryToken", "PushImages", "ReadApiUrl"]


@pytest.mark.parametrize("repository", ["", "milk-assets", "milk-assets/*", "/x"])
def test_a_repository_setting_that_could_match_several_repositories_is_rejected(tmp_path: Path, repository: str) -> None:
    with pytest.raises(ValueError, match="expected owner/name, got"):
        build(new_app(tmp_path, repository=repository))


def test_no_environment_may_access_the_other(templates: dict[str, Template]) -> None:
    for name, template in templates.items():
        other = "prod" if "-staging-" in name else "staging"
        assert f"milk-{other}-" not in str(template), name
