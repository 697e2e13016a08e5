"""What each stack makes: the resources, named, and the settings that matter."""

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
    assert sorted(templates) == sorted(f"milk-{name}-{concern}" for name in ENVIRONMENTS for concern in CONCERNS)


def test_prod_is_protected_against_deletion_and_staging_is_not(synthesized: Path) -> None:
    stacks = json.loads((synthesized / "manifest.json").read_text())["artifacts"]
    protected = {
        name: stack["properties"].get("terminationProtection", False) for name, stack in stacks.items() if name.count("-") == 2
    }
    assert {name for name, holds in protected.items() if holds} == {f"milk-prod-{concern}" for concern in CONCERNS}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_buckets_are_private_encrypted_versioned_logged_and_kept(templates: dict[str, Template], name: str) -> None:
    template = templates[f"milk-{name}-storage"]
    buckets = {bucket["Properties"]["BucketName"]: bucket for bucket in resources(template, "AWS::S3::Bucket")}
    assert sorted(buckets) == [f"milk-{name}-artefacts", f"milk-{name}-lake", f"milk-{name}-logs"]
    for bucket in buckets.values():
        made = bucket["Properties"]
        assert set(made["PublicAccessBlockConfiguration"].values()) == {True}
        assert made["VersioningConfiguration"] == {"Status": "Enabled"}
        assert made["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert all("LoggingConfiguration" in bucket["Properties"] for key, bucket in buckets.items() if not key.endswith("logs"))
    for policy in properties(template, "AWS::S3::BucketPolicy"):
        denied = [statement for statement in policy["PolicyDocument"]["Statement"] if statement["Effect"] == "Deny"]
        assert {"Bool": {"aws:SecureTransport": "false"}} in [statement["Condition"] for statement in denied]
        assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in [statement["Condition"] for statement in denied]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_images_are_scanned_and_their_tags_never_change_meaning(templates: dict[str, Template], name: str) -> None:
    made = properties(templates[f"milk-{name}-registry"], "AWS::ECR::Repository")
    assert [repository["RepositoryName"] for repository in made] == [f"milk-{name}-platform", f"milk-{name}-api"]
    assert all(repository["ImageScanningConfiguration"] == {"ScanOnPush": True} for repository in made)
    assert all(repository["ImageTagMutability"] == "IMMUTABLE" for repository in made)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_way_in_but_health_asks_who_calls(templates: dict[str, Template], name: str) -> None:
    template = templates[f"milk-{name}-api"]
    assert [api["Name"] for api in properties(template, "AWS::ApiGatewayV2::Api")] == [
        f"milk-{name}-api",
        f"milk-{name}-keys",
        f"milk-{name}-internal",
    ]
    routes = properties(template, "AWS::ApiGatewayV2::Route")
    assert len(routes) == 9
    asked: dict[str, set[str]] = {}
    for route in routes:
        asked.setdefault(route["RouteKey"], set()).add(route["AuthorizationType"])
    assert asked == {
        "GET /{proxy+}": {"JWT", "CUSTOM", "AWS_IAM"},
        "POST /{proxy+}": {"JWT", "CUSTOM", "AWS_IAM"},
        "GET /v1/health": {"NONE"},
    }
    scoped = [route["AuthorizationScopes"] for route in routes if route["AuthorizationType"] == "JWT"]
    assert scoped == [["milk/forecasts.read"]] * 2


@pytest.mark.parametrize(("name", "rate"), [("staging", 50), ("prod", 200)])
def test_every_stage_is_throttled_and_logs_who_called_without_what(templates: dict[str, Template], name: str, rate: int) -> None:
    stages = properties(templates[f"milk-{name}-api"], "AWS::ApiGatewayV2::Stage")
    assert len(stages) == 3
    for stage in stages:
        assert stage["DefaultRouteSettings"] == {
            "DetailedMetricsEnabled": True,
            "ThrottlingRateLimit": rate,
            "ThrottlingBurstLimit": 2 * rate,
        }
        logged = json.loads(stage["AccessLogSettings"]["Format"])
        assert {"requestId", "route", "status", "latency", "caller"} <= set(logged)
        assert not [value for value in logged.values() if "header" in value.lower() or "authorizer.token" in value]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_endpoint_is_an_image_behind_an_alias_traced_and_told_what_it_reads(
    templates: dict[str, Template], name: str
) -> None:
    template = templates[f"milk-{name}-api"]
    (function,) = [made for made in properties(template, "AWS::Lambda::Function") if made["FunctionName"] == f"milk-{name}-api"]
    assert (function["PackageType"], function["Architectures"]) == ("Image", ["arm64"])
    assert function["ImageConfig"] == {"Command": ["lambda_service.handler.handler"]}
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["Environment"]["Variables"]["MILK_ARTEFACTS"] == f"s3://milk-{name}-artefacts"
    assert [alias["Name"] for alias in properties(template, "AWS::Lambda::Alias")] == ["live"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_nothing_of_the_network_accepts_a_connection_from_outside(templates: dict[str, Template], name: str) -> None:
    template = templates[f"milk-{name}-network"]
    assert resources(template, "AWS::EC2::NatGateway") == []
    opened = properties(template, "AWS::EC2::SecurityGroupIngress")
    inline = [rule for group in properties(template, "AWS::EC2::SecurityGroup") for rule in group.get("SecurityGroupIngress", [])]
    assert inline == []
    assert {rule["FromPort"] for rule in opened} == {443, 4000, 5000, 5432}
    assert all("SourceSecurityGroupId" in rule and "CidrIp" not in rule for rule in opened)
    endpoints = properties(template, "AWS::EC2::VPCEndpoint")
    services = sorted(text(endpoint["ServiceName"]).split(".", 3)[-1] for endpoint in endpoints)
    assert services == ["ecr.api", "ecr.dkr", "ecs", "logs", "s3", "secretsmanager", "ssmmessages"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_only_what_must_reach_the_internet_has_an_address(templates: dict[str, Template], name: str) -> None:
    services = properties(templates[f"milk-{name}-platform"], "AWS::ECS::Service")
    public = {
        service["ServiceName"]: service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] for service in services
    }
    assert public == {
        f"milk-{name}-code": "ENABLED",
        f"milk-{name}-webserver": "DISABLED",
        f"milk-{name}-daemon": "DISABLED",
        f"milk-{name}-mlflow": "DISABLED",
    }
    assert resources(templates[f"milk-{name}-platform"], "AWS::ElasticLoadBalancingV2::LoadBalancer") == []


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_tasks_are_of_one_image_read_only_and_hold_no_secret_in_their_settings(templates: dict[str, Template], name: str) -> None:
    tasks = properties(templates[f"milk-{name}-platform"], "AWS::ECS::TaskDefinition")
    assert sorted(task["Family"] for task in tasks) == [
        f"milk-{name}-{what}" for what in ("code", "daemon", "mlflow", "run", "webserver")
    ]
    containers = [container for task in tasks for container in task["ContainerDefinitions"]]
    assert len({text(container["Image"]) for container in containers}) == 1
    for container in containers:
        assert container["ReadonlyRootFilesystem"] is True
        assert {"PGUSER", "PGPASSWORD"} <= {secret["Name"] for secret in container["Secrets"]}
        settings = {setting["Name"] for setting in container["Environment"]}
        assert not {name for name in settings if "PASSWORD" in name or "TOKEN" in name}


@pytest.mark.parametrize(("name", "kept"), [("staging", "Snapshot"), ("prod", "Retain")])
def test_the_database_is_encrypted_inside_backed_up_and_kept(templates: dict[str, Template], name: str, kept: str) -> None:
    (database,) = resources(templates[f"milk-{name}-database"], "AWS::RDS::DBInstance")
    made = database["Properties"]
    assert (made["StorageEncrypted"], made["PubliclyAccessible"], database["DeletionPolicy"]) == (True, False, kept)
    assert (made["DeletionProtection"], made["MultiAZ"]) == (name == "prod", name == "prod")
    assert made["BackupRetentionPeriod"] == {"staging": 7, "prod": 30}[name]
    (parameters,) = properties(templates[f"milk-{name}-database"], "AWS::RDS::DBParameterGroup")
    assert parameters["Parameters"]["rds.force_ssl"] == "1"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_alarm_tells_a_person_when_it_rings_and_when_it_is_over(templates: dict[str, Template], name: str) -> None:
    template = templates[f"milk-{name}-monitoring"]
    alarms = properties(template, "AWS::CloudWatch::Alarm")
    assert sorted(alarm["AlarmName"].removeprefix(f"milk-{name}-") for alarm in alarms) == [
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
    told = (ROOT / "docs" / "cloud.md").read_text()
    for alarm in [*alarms, *properties(templates[f"milk-{name}-canary"], "AWS::CloudWatch::Alarm")]:
        assert "docs/cloud.md, Alarms" in alarm["AlarmDescription"]
        assert f"`{alarm['AlarmName'].removeprefix(f'milk-{name}-')}`" in told
    silent = {alarm["AlarmName"] for alarm in alarms if alarm["TreatMissingData"] == "breaching"}
    assert silent == {f"milk-{name}-{what}Down" for what in ("Code", "Daemon", "Mlflow", "Webserver")}
    (topic,) = properties(template, "AWS::SNS::Topic")
    assert "KmsMasterKeyId" in topic
    assert [board["DashboardName"] for board in properties(template, "AWS::CloudWatch::Dashboard")] == [f"milk-{name}-overview"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_report_is_scheduled_but_rests_while_a_daemon_writes_it(templates: dict[str, Template], name: str) -> None:
    (schedule,) = properties(templates[f"milk-{name}-report"], "AWS::Scheduler::Schedule")
    assert (schedule["State"], schedule["ScheduleExpressionTimezone"]) == ("DISABLED", "America/Mexico_City")
    told = json.loads(schedule["Target"]["Input"])["containerOverrides"]
    assert told == [{"name": "run", "command": ["python", "-m", "milk_assets", "report"]}]
