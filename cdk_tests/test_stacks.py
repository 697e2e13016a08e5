"""The resources of each stack, and their important settings."""

import json
from pathlib import Path

import pytest

from cdk_tests.conftest import ROOT, Template, properties, resources, text

ENVIRONMENTS = ("staging", "prod")
CONCERNS = (
    "api",
    "batch",
    "canary",
    "database",
    "deploy",
    "identity",
    "monitoring",
    "network",
    "platform",
    "registry",
    "report",
    "storage",
)


def test_both_environments_have_the_same_stacks(templates: dict[str, Template]) -> None:
    assert sorted(templates) == sorted(f"milk-{environment}-{concern}" for environment in ENVIRONMENTS for concern in CONCERNS)


def test_only_prod_is_protected_against_deletion(synthesized: Path) -> None:
    artifacts = json.loads((synthesized / "manifest.json").read_text())["artifacts"]
    stacks = {name: artifact["properties"] for name, artifact in artifacts.items() if name.count("-") == 2}
    protected = {name for name, stack in stacks.items() if stack.get("terminationProtection", False)}
    assert protected == {f"milk-prod-{concern}" for concern in CONCERNS}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_buckets_are_private_encrypted_versioned_logged_and_kept(templates: dict[str, Template], environment: str) -> None:
    template = templates[f"milk-{environment}-storage"]
    buckets = {bucket["Properties"]["BucketName"]: bucket for bucket in resources(template, "AWS::S3::Bucket")}
    assert sorted(buckets) == [f"milk-{environment}-artefacts", f"milk-{environment}-lake", f"milk-{environment}-logs"]
    for bucket in buckets.values():
        settings = bucket["Properties"]
        assert set(settings["PublicAccessBlockConfiguration"].values()) == {True}
        assert settings["VersioningConfiguration"] == {"Status": "Enabled"}
        assert settings["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert all("LoggingConfiguration" in bucket["Properties"] for key, bucket in buckets.items() if not key.endswith("logs"))
    for policy in properties(template, "AWS::S3::BucketPolicy"):
        denied = [statement for statement in policy["PolicyDocument"]["Statement"] if statement["Effect"] == "Deny"]
        assert {"Bool": {"aws:SecureTransport": "false"}} in [statement["Condition"] for statement in denied]
        assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in [statement["Condition"] for statement in denied]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_images_are_scanned_and_their_tags_are_immutable(templates: dict[str, Template], environment: str) -> None:
    repositories = properties(templates[f"milk-{environment}-registry"], "AWS::ECR::Repository")
    assert [repository["RepositoryName"] for repository in repositories] == [
        f"milk-{environment}-platform",
        f"milk-{environment}-api",
    ]
    assert all(repository["ImageScanningConfiguration"] == {"ScanOnPush": True} for repository in repositories)
    assert all(repository["ImageTagMutability"] == "IMMUTABLE" for repository in repositories)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_route_except_health_authenticates_its_caller(templates: dict[str, Template], environment: str) -> None:
    template = templates[f"milk-{environment}-api"]
    assert [api["Name"] for api in properties(template, "AWS::ApiGatewayV2::Api")] == [
        f"milk-{environment}-api",
        f"milk-{environment}-keys",
        f"milk-{environment}-internal",
    ]
    routes = properties(template, "AWS::ApiGatewayV2::Route")
    assert len(routes) == 9
    authorization: dict[str, set[str]] = {}
    for route in routes:
        authorization.setdefault(route["RouteKey"], set()).add(route["AuthorizationType"])
    assert authorization == {
        "GET /{proxy+}": {"JWT", "CUSTOM", "AWS_IAM"},
        "POST /{proxy+}": {"JWT", "CUSTOM", "AWS_IAM"},
        "GET /v1/health": {"NONE"},
    }
    scoped = [route["AuthorizationScopes"] for route in routes if route["AuthorizationType"] == "JWT"]
    assert scoped == [["milk/forecasts.read"]] * 2


@pytest.mark.parametrize(("environment", "rate"), [("staging", 50), ("prod", 200)])
def test_every_stage_is_throttled_and_logs_the_caller_but_no_secret(
    templates: dict[str, Template], environment: str, rate: int
) -> None:
    stages = properties(templates[f"milk-{environment}-api"], "AWS::ApiGatewayV2::Stage")
    assert len(stages) == 3
    for stage in stages:
        assert stage["DefaultRouteSettings"] == {
            "DetailedMetricsEnabled": True,
            "ThrottlingRateLimit": rate,
            "ThrottlingBurstLimit": 2 * rate,
        }
        log_fields = json.loads(stage["AccessLogSettings"]["Format"])
        assert {"requestId", "route", "status", "latency", "caller"} <= set(log_fields)
        assert not [value for value in log_fields.values() if "header" in value.lower() or "authorizer.token" in value]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_endpoint_is_a_traced_image_behind_an_alias(templates: dict[str, Template], environment: str) -> None:
    template = templates[f"milk-{environment}-api"]
    functions = {function["FunctionName"]: function for function in properties(template, "AWS::Lambda::Function")}
    function = functions[f"milk-{environment}-api"]
    assert (function["PackageType"], function["Architectures"]) == ("Image", ["arm64"])
    assert function["ImageConfig"] == {"Command": ["lambda_service.handler.handler"]}
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["Environment"]["Variables"]["MILK_ARTEFACTS"] == f"s3://milk-{environment}-artefacts"
    assert [alias["Name"] for alias in properties(template, "AWS::Lambda::Alias")] == ["live"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_network_accepts_no_connection_from_outside(templates: dict[str, Template], environment: str) -> None:
    template = templates[f"milk-{environment}-network"]
    assert resources(template, "AWS::EC2::NatGateway") == []
    rules = properties(template, "AWS::EC2::SecurityGroupIngress")
    inline_rules = [
        rule for group in properties(template, "AWS::EC2::SecurityGroup") for rule in group.get("SecurityGroupIngress", [])
    ]
    assert inline_rules == []
    assert {rule["FromPort"] for rule in rules} == {443, 4000, 5000, 5432}
    assert all("SourceSecurityGroupId" in rule and "CidrIp" not in rule for rule in rules)
    endpoints = properties(template, "AWS::EC2::VPCEndpoint")
    services = sorted(text(endpoint["ServiceName"]).split(".", 3)[-1] for endpoint in endpoints)
    assert services == ["ecr.api", "ecr.dkr", "ecs", "logs", "s3", "secretsmanager", "ssmmessages"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_only_the_code_location_has_a_public_address(templates: dict[str, Template], environment: str) -> None:
    services = properties(templates[f"milk-{environment}-platform"], "AWS::ECS::Service")
    public_address = {
        service["ServiceName"]: service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] for service in services
    }
    assert public_address == {
        f"milk-{environment}-code": "ENABLED",
        f"milk-{environment}-webserver": "DISABLED",
        f"milk-{environment}-daemon": "DISABLED",
        f"milk-{environment}-mlflow": "DISABLED",
    }
    assert resources(templates[f"milk-{environment}-platform"], "AWS::ElasticLoadBalancingV2::LoadBalancer") == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_tasks_share_one_image_are_read_only_and_have_no_secret_in_their_environment(
    templates: dict[str, Template], environment: str
) -> None:
    tasks = properties(templates[f"milk-{environment}-platform"], "AWS::ECS::TaskDefinition")
    assert sorted(task["Family"] for task in tasks) == [
        f"milk-{environment}-{container}" for container in ("code", "daemon", "mlflow", "run", "webserver")
    ]
    containers = [container for task in tasks for container in task["ContainerDefinitions"]]
    assert len({text(container["Image"]) for container in containers}) == 1
    for container in containers:
        assert container["ReadonlyRootFilesystem"] is True
        assert {"PGUSER", "PGPASSWORD"} <= {secret["Name"] for secret in container["Secrets"]}
        variables = {variable["Name"] for variable in container["Environment"]}
        assert not {variable for variable in variables if "PASSWORD" in variable or "TOKEN" in variable}


@pytest.mark.parametrize(("environment", "deletion_policy"), [("staging", "Snapshot"), ("prod", "Retain")])
def test_the_database_is_encrypted_private_backed_up_and_kept(
    templates: dict[str, Template], environment: str, deletion_policy: str
) -> None:
    (database,) = resources(templates[f"milk-{environment}-database"], "AWS::RDS::DBInstance")
    settings = database["Properties"]
    assert (settings["StorageEncrypted"], settings["PubliclyAccessible"]) == (True, False)
    assert database["DeletionPolicy"] == deletion_policy
    assert (settings["DeletionProtection"], settings["MultiAZ"]) == (environment == "prod", environment == "prod")
    assert settings["BackupRetentionPeriod"] == {"staging": 7, "prod": 30}[environment]
    (parameters,) = properties(templates[f"milk-{environment}-database"], "AWS::RDS::DBParameterGroup")
    assert parameters["Parameters"]["rds.force_ssl"] == "1"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_alarm_notifies_at_start_and_end_and_is_in_the_runbook(templates: dict[str, Template], environment: str) -> None:
    template = templates[f"milk-{environment}-monitoring"]
    alarms = properties(template, "AWS::CloudWatch::Alarm")
    assert sorted(alarm["AlarmName"].removeprefix(f"milk-{environment}-") for alarm in alarms) == [
        "ApiServerErrors",
        "BatchFailed",
        "ChampionOld",
        "ChampionRefreshFailed",
        "CodeDown",
        "DaemonDown",
        "DatabaseBusy",
        "DatabaseFull",
        "EndpointErrors",
        "EndpointSlow",
        "EndpointThrottled",
        "InternalServerErrors",
        "KeysServerErrors",
        "MlflowDown",
        "WebserverDown",
    ]
    assert all(alarm["AlarmActions"] == alarm["OKActions"] != [] for alarm in alarms)
    runbook = (ROOT / "docs" / "cloud.md").read_text()
    for alarm in [*alarms, *properties(templates[f"milk-{environment}-canary"], "AWS::CloudWatch::Alarm")]:
        assert "docs/cloud.md, Alarms" in alarm["AlarmDescription"]
        assert f"`{alarm['AlarmName'].removeprefix(f'milk-{environment}-')}`" in runbook
    missing_is_bad = {alarm["AlarmName"] for alarm in alarms if alarm["TreatMissingData"] == "breaching"}
    assert missing_is_bad == {f"milk-{environment}-{service}Down" for service in ("Code", "Daemon", "Mlflow", "Webserver")}
    (topic,) = properties(template, "AWS::SNS::Topic")
    assert "KmsMasterKeyId" in topic
    assert [board["DashboardName"] for board in properties(template, "AWS::CloudWatch::Dashboard")] == [
        f"milk-{environment}-overview"
    ]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_scheduled_report_is_disabled_while_a_daemon_writes_it(templates: dict[str, Template], environment: str) -> None:
    (schedule,) = properties(templates[f"milk-{environment}-report"], "AWS::Scheduler::Schedule")
    assert (schedule["State"], schedule["ScheduleExpressionTimezone"]) == ("DISABLED", "America/Mexico_City")
    overrides = json.loads(schedule["Target"]["Input"])["containerOverrides"]
    assert overrides == [{"name": "run", "command": ["milk", "report"]}]
