"""Runs on ECS: Dagster's EcsRunLauncher with the platform's dagster.yaml and the task definition that `cdk/` synthesizes."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pytest
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher import LaunchRunContext, WorkerStatus
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.test_utils import create_run_for_test
from moto import mock_aws

from milk_assets.commands import dagster_yaml
from milk_assets_tests.cloud.conftest import REGION, resolved, template

FAMILY = "milk-staging-run"
CLUSTER = "milk-staging-platform"


def camel(value: Any) -> Any:
    """Convert CloudFormation's property names to those of the ECS API."""
    if isinstance(value, list):
        return [camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key if key.startswith("awslogs") else key[0].lower() + key[1:]: camel(item) for key, item in value.items()}


@pytest.fixture
def network(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An emulated ECS with the synthesized cluster and run definition, and a network in which runs start."""
    with mock_aws():
        ec2 = boto3.client("ec2", region_name=REGION)
        vpc = ec2.create_vpc(CidrBlock="10.40.0.0/16")["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.40.0.0/24")["Subnet"]["SubnetId"]
        group = ec2.create_security_group(VpcId=vpc, GroupName="code", Description="runs")["GroupId"]
        ecs = boto3.client("ecs", region_name=REGION)
        ecs.create_cluster(clusterName=CLUSTER)
        (properties,) = [
            resource["Properties"]
            for resource in template("milk-staging-platform")["Resources"].values()
            if resource["Type"] == "AWS::ECS::TaskDefinition" and resource["Properties"]["Family"] == FAMILY
        ]
        definition = camel(resolved({key: value for key, value in properties.items() if key not in {"Tags", "Volumes"}}))
        ecs.register_task_definition(**definition)
        settings = {
            "MILK_DEPLOYMENT": "ecs",
            "MILK_RUN_CLUSTER": CLUSTER,
            "MILK_RUN_TASK_DEFINITION": FAMILY,
            "MILK_RUN_SUBNETS": subnet,
            "MILK_RUN_SECURITY_GROUP": group,
            "MILK_COMPUTE_LOGS_BUCKET": "milk-staging-lake",
            "MILK_COMPUTE_LOGS_PREFIX": "compute_logs",
            "AWS_REGION": REGION,
            "PGSSLMODE": "require",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        yield settings


@pytest.fixture
def ecs_instance(network: dict[str, str], tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """The ECS instance without its Postgres storage, which the tests of `milk_assets.commands.dagster_yaml` cover."""
    config = dagster_yaml.instance_settings("ecs", os.environ)
    del config["storage"]
    (tmp_path / "dagster.yaml").write_text(dagster_yaml.as_yaml(config))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def launched_run(instance: dg.DagsterInstance) -> dg.DagsterRun:
    """Launch a run of a job of the code location, as the daemon does."""
    origin = RemoteJobOrigin(
        RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin(host="code.milk-staging-internal", port=4000), "__repository__"),
        "ingest",
    )
    code = JobPythonOrigin(
        "ingest",
        RepositoryPythonOrigin(sys.executable, ModuleCodePointer("milk_assets.definitions", "defs"), entry_point=["dagster"]),
    )
    run = create_run_for_test(instance, "ingest", remote_job_origin=origin, job_code_origin=code)
    instance.run_launcher.launch_run(LaunchRunContext(run, workspace=None))
    launched = instance.get_run_by_id(run.run_id)
    assert launched is not None
    return launched


def test_a_run_becomes_a_task_of_the_synthesized_definition(ecs_instance: dg.DagsterInstance, network: dict[str, str]) -> None:
    run = launched_run(ecs_instance)
    ecs = boto3.client("ecs", region_name=REGION)
    (task,) = ecs.describe_tasks(cluster=CLUSTER, tasks=[run.tags["ecs/task_arn"]], include=["TAGS"])["tasks"]
    assert task["taskDefinitionArn"].split("/")[1].startswith(f"{FAMILY}:")
    assert task["launchType"] == "FARGATE"
    assert {"key": "dagster/run_id", "value": run.run_id} in task["tags"]
    (override,) = task["overrides"]["containerOverrides"]
    assert override["name"] == "run"
    assert override["command"][:3] == ["dagster", "api", "execute_run"]
    assert run.run_id in " ".join(override["command"])
    attached = {detail["name"]: detail["value"] for detail in task["attachments"][0]["details"]}
    assert attached["subnetId"] == network["MILK_RUN_SUBNETS"]


def test_the_launcher_sees_its_task_and_stops_it(ecs_instance: dg.DagsterInstance) -> None:
    run = launched_run(ecs_instance)
    assert ecs_instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
    assert ecs_instance.run_launcher.terminate(run.run_id)
    ecs = boto3.client("ecs", region_name=REGION)
    (task,) = ecs.describe_tasks(cluster=CLUSTER, tasks=[run.tags["ecs/task_arn"]])["tasks"]
    assert task["desiredStatus"] == "STOPPED"


def test_a_task_definition_without_the_run_container_is_rejected_at_start(
    network: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ecs = boto3.client("ecs", region_name=REGION)
    containers = [{"name": "other", "image": "image", "cpu": 256, "memory": 512}]
    ecs.register_task_definition(family="other", containerDefinitions=containers)
    monkeypatch.setenv("MILK_RUN_TASK_DEFINITION", "other")
    config = dagster_yaml.instance_settings("ecs", os.environ)
    del config["storage"]
    (tmp_path / "dagster.yaml").write_text(dagster_yaml.as_yaml(config))
    expected_error = pytest.raises(Exception, match="Cannot override container 'run'")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance, expected_error:
        instance.run_launcher  # noqa: B018  # the property creates the launcher on first access
