"""Fargate: task definitions and services that run one container of the platform's image.

Belongs here: how a container is described and turned into ECS resources. Not here: which containers exist
(`cdk.stacks.platform_services`) and what their roles may do (`cdk.stacks.platform`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_servicediscovery as discovery

from cdk.common.milk_stack import MilkStack, acknowledge

STOP_TIMEOUT = Duration.seconds(60)
PLAIN_ENVIRONMENT = "The variables hold names, addresses and ports; secrets come from Secrets Manager"
# environment variable → key in the secret with the alert recipients
ALERT_SECRETS = {"MILK_TELEGRAM_TOKEN": "token", "MILK_TELEGRAM_CHAT": "chat", "MILK_WEBHOOK_URL": "webhook"}


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container of the platform's image, in a task definition of its own.

    Attributes:
        name: Prefix of the construct ids, e.g. `Code`. In lower case it names the container, the task family and the log group.
        cpu: CPU units; 1024 are one vCPU.
        memory_mib: Memory in MiB.
        command: Command line; None when it is passed at each start.
        port: TCP port on which the container listens.
        health_check: Command line that exits with 0 while the container is healthy.
        environment: Environment variables besides those that all containers share.
        sends_alerts: Receives the secrets of the alert recipients.
    """

    name: str
    cpu: int
    memory_mib: int
    command: tuple[str, ...] | None = None
    port: int | None = None
    health_check: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    sends_alerts: bool = False

    @property
    def container_name(self) -> str:
        """Name of the container, the task family, the log group and the log stream prefix."""
        return self.name.lower()


@dataclass(frozen=True, kw_only=True)
class Service(Container):
    """An ECS service that keeps one task of a container running.

    Attributes:
        dns_name: Host name under which other tasks reach it; None when nothing connects to it.
        needs_internet: Runs in a public subnet with a public address.
        is_singleton: Two tasks must never run at the same time; a deployment stops the old task first.
    """

    dns_name: str | None = None
    needs_internet: bool = False
    is_singleton: bool = False


@dataclass(frozen=True)
class SharedTaskSettings:
    """What all containers of the platform have in common."""

    image: ecs.ContainerImage
    execution_role: iam.Role
    environment: Mapping[str, str]
    database_secret: secrets.Secret
    alert_secret: secrets.Secret


def log_group_name(stack: MilkStack, container_name: str) -> str:
    """Return the name of a container's log group, e.g. `/milk-staging-platform/code`."""
    return f"/{stack.name_of('platform')}/{container_name}"


def task_definition(
    stack: MilkStack, container: Container, task_role: iam.Role, shared: SharedTaskSettings
) -> ecs.FargateTaskDefinition:
    """Create the task definition of a container. Its root file system is read-only; only `/tmp` is writable."""
    definition = ecs.FargateTaskDefinition(
        stack,
        f"{container.name}Task",
        family=stack.name_of(container.container_name),
        cpu=container.cpu,
        memory_limit_mib=container.memory_mib,
        execution_role=shared.execution_role,
        task_role=task_role,
        runtime_platform=ecs.RuntimePlatform(
            cpu_architecture=ecs.CpuArchitecture.ARM64, operating_system_family=ecs.OperatingSystemFamily.LINUX
        ),
        volumes=[ecs.Volume(name="scratch")],
    )
    log_group = stack.log_group(f"{container.name}Logs", log_group_name(stack, container.container_name))
    added = definition.add_container(
        container.container_name,
        image=shared.image,
        command=list(container.command) if container.command else None,
        cpu=container.cpu,
        memory_limit_mib=container.memory_mib,
        environment={**shared.environment, **container.environment},
        secrets=_secrets(container, shared),
        port_mappings=[ecs.PortMapping(container_port=container.port)] if container.port else None,
        health_check=_health_check(container),
        logging=ecs.LogDriver.aws_logs(stream_prefix=container.container_name, log_group=log_group),
        readonly_root_filesystem=True,
        stop_timeout=STOP_TIMEOUT,
    )
    scratch = ecs.MountPoint(container_path="/tmp", source_volume="scratch", read_only=False)  # noqa: S108  # a container's own /tmp
    added.add_mount_points(scratch)
    acknowledge(definition, {"AwsSolutions-ECS2": PLAIN_ENVIRONMENT})
    return definition


def fargate_service(
    cluster: ecs.Cluster,
    service: Service,
    definition: ecs.FargateTaskDefinition,
    *,
    stack: MilkStack,
    subnets: ec2.SubnetSelection,
    security_group: ec2.SecurityGroup,
    namespace: discovery.INamespace,
) -> ecs.FargateService:
    """Create an ECS service of one task, which rolls back a deployment that does not become healthy.

    Args:
        cluster: Where it runs.
        service: Its description.
        definition: Its task definition.
        stack: The stack that holds it.
        subnets: Where its task gets an address.
        security_group: What its task can reach and accepts.
        namespace: Private DNS namespace for `service.dns_name`.
    """
    dns = ecs.CloudMapOptions(name=service.dns_name, cloud_map_namespace=namespace, dns_record_type=discovery.DnsRecordType.A)
    return ecs.FargateService(
        stack,
        service.name,
        service_name=stack.name_of(service.container_name),
        cluster=cluster,
        task_definition=definition,
        desired_count=1,
        min_healthy_percent=0 if service.is_singleton else 100,
        max_healthy_percent=100 if service.is_singleton else 200,
        circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
        assign_public_ip=service.needs_internet,
        vpc_subnets=subnets,
        security_groups=[security_group],
        enable_execute_command=True,
        propagate_tags=ecs.PropagatedTagSource.SERVICE,
        cloud_map_options=dns if service.dns_name else None,
    )


def _secrets(container: Container, shared: SharedTaskSettings) -> dict[str, ecs.Secret]:
    result = {
        "PGUSER": ecs.Secret.from_secrets_manager(shared.database_secret, "username"),
        "PGPASSWORD": ecs.Secret.from_secrets_manager(shared.database_secret, "password"),
    }
    if container.sends_alerts:
        for variable, key in ALERT_SECRETS.items():
            result[variable] = ecs.Secret.from_secrets_manager(shared.alert_secret, key)
    return result


def _health_check(container: Container) -> ecs.HealthCheck | None:
    if container.health_check is None:
        return None
    return ecs.HealthCheck(
        command=["CMD", *container.health_check],
        interval=Duration.seconds(30),
        retries=3,
        start_period=Duration.seconds(120),
    )
