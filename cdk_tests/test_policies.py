"""Who may do what: every statement is scoped, and those that matter most are as they are written here."""

from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from cdk.common.milk_stack import MilkStack, allow
from cdk.common.settings import DEPLOYMENTS
from cdk_tests.conftest import Template, listed, statements, text

# What has no resource to name: each with the only actions it is allowed for. A key's own policy says `*` and means the key.
UNSCOPED = {
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
    """Statements that allow more than they name: what is wrong with each."""
    found = []
    for logical, statement in statements(template):
        if statement["Effect"] != "Allow":
            continue
        kind = template["Resources"][logical]["Type"]
        actions = listed(statement["Action"])
        wide = [action for action in actions if "*" in action]
        if wide and kind != "AWS::KMS::Key":
            found.append(f"{logical}: actions {wide}")
        everything = "Resource" in statement and "*" in [text(resource) for resource in listed(statement["Resource"])]
        if everything and kind != "AWS::KMS::Key" and not set(actions) <= UNSCOPED:
            found.append(f"{logical}: {sorted(set(actions) - UNSCOPED)} on *")
        if (
            "*" in [text(who) for who in listed(statement.get("Principal", {}).get("AWS", []))]
            or statement.get("Principal") == "*"
        ):
            found.append(f"{logical}: anybody")
        if "NotAction" in statement or "NotResource" in statement or "NotPrincipal" in statement:
            found.append(f"{logical}: says what is not allowed instead of what is")
    return found


def test_every_statement_of_every_stack_is_scoped(templates: dict[str, Template]) -> None:
    assert {name: unscoped(template) for name, template in templates.items() if unscoped(template)} == {}
    assert sum(len(list(statements(template))) for template in templates.values()) > 100


def test_a_statement_that_is_not_scoped_is_seen() -> None:
    policy = {"Statement": [{"Effect": "Allow", "Action": ["s3:*", "s3:GetObject"], "Resource": "*"}]}
    template = {"Resources": {"Bad": {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": policy}}}}
    assert unscoped(template) == ["Bad: actions ['s3:*']", "Bad: ['s3:*', 's3:GetObject'] on *"]


names = some.text("abcdefghij", min_size=1, max_size=8)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(action=names, wild_action=some.booleans(), resource=names, wild=some.booleans(), why=some.none() | names)
def test_no_permission_with_a_star_is_given_without_a_reason(
    role: iam.Role, action: str, wild_action: bool, resource: str, wild: bool, why: str | None
) -> None:
    asked = f"s3:{action}" + ("*" if wild_action else "")
    arn = f"arn:aws:s3:::{resource}" + ("/*" if wild else "")
    if wild_action or (wild and why is None):
        with pytest.raises(ValueError, match="needs each action by name, and a reason"):
            allow(role, "Read", [asked], [arn], why=why)
    else:
        allow(role, "Read", [asked], [arn], why=why)


@pytest.fixture(scope="module")
def role(tmp_path_factory: pytest.TempPathFactory) -> iam.Role:
    app = cdk.App(outdir=str(tmp_path_factory.mktemp("out")))
    stack = MilkStack(app, DEPLOYMENTS[0], "example", "a stack for a test")
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def allowed(template: Template, start: str) -> dict[str, tuple[list[str], list[str]]]:
    """Sid → (actions, resources) of what the role whose policy's logical id starts so is allowed."""
    return {
        statement["Sid"]: (listed(statement["Action"]), [text(resource) for resource in listed(statement["Resource"])])
        for logical, statement in statements(template)
        if logical.startswith(start) and template["Resources"][logical]["Type"] == "AWS::IAM::Policy" and "Sid" in statement
    }


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_the_endpoint_reads_its_two_prefixes_and_nothing_else(templates: dict[str, Template], name: str) -> None:
    found = allowed(templates[f"milk-{name}-api"], "FunctionRole")
    assert found.pop("ReadWhatIsServed") == (
        ["s3:GetObject"],
        [f"arn:aws:s3:::milk-{name}-artefacts/models/*", f"arn:aws:s3:::milk-{name}-artefacts/serving/*"],
    )
    assert sorted(found) == ["Trace", "WriteItsOwnLogs"]


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_runs_write_their_buckets_and_delete_nothing(templates: dict[str, Template], name: str) -> None:
    found = allowed(templates[f"milk-{name}-platform"], "RunRole")
    assert found["ReadAndWriteLake"] == (["s3:GetObject", "s3:PutObject"], [f"arn:aws:s3:::milk-{name}-lake/*"])
    assert found["ReadAndWriteArtefacts"] == (["s3:GetObject", "s3:PutObject"], [f"arn:aws:s3:::milk-{name}-artefacts/*"])
    assert sorted(found) == ["ListArtefacts", "ListLake", "ReadAndWriteArtefacts", "ReadAndWriteLake", "Sessions"]


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_only_this_environment_of_this_repository_may_deploy(templates: dict[str, Template], name: str) -> None:
    template = templates[f"milk-{name}-deploy"]
    (trust,) = [statement for _, statement in statements(template) if statement["Action"] == "sts:AssumeRoleWithWebIdentity"]
    issuer = "token.actions.githubusercontent.com"
    assert trust["Condition"] == {
        "StringEquals": {
            f"{issuer}:aud": "sts.amazonaws.com",
            f"{issuer}:sub": f"repo:milk-assets/milk-assets:environment:{name}",
        }
    }
    assert sorted(allowed(template, "Role")) == ["DeployStacks", "FindTheEndpoint", "LogIn", "PushImages"]


@pytest.mark.parametrize("repository", ["", "milk-assets", "milk-assets/*", "/x"])
def test_a_repository_that_names_more_than_one_is_refused(tmp_path: Path, repository: str) -> None:
    from cdk.app import build
    from cdk_tests.conftest import new_app

    with pytest.raises(ValueError, match="set it to owner/name"):
        build(new_app(tmp_path, repository=repository))


def test_no_environment_is_allowed_anything_of_the_other(templates: dict[str, Template]) -> None:
    for name, template in templates.items():
        other = "prod" if "-staging-" in name else "staging"
        assert f"milk-{other}-" not in str(template), name
