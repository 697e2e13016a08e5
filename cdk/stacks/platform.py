"""Platform: Dagster and MLflow on ECS, all from one image.

Belongs here: services, the definition that runs are started from, and what each may do. Settings of the instance are in
`milk_assets/commands/dagster_yaml.py`; what runs do is the graph's.
"""

import json
from collections.abc import Mapping, Sequence

from aws_cdk import Aws, Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_servicediscovery as discovery
from constructs import Construct

from cdk.common.milk_stack import MilkStack, acknowledge, allow
from cdk.common.permissions import manage_runs, read_and_write, read_folder, start_runs
from cdk.common.settings import Deployment, Release
from cdk.stacks.database import NAME, Database
from cdk.stacks.network import CODE, MLFLOW, POSTGRES, Network
from milk_assets.resource_names import COMPUTE_LOGS

# variable → key in the secret of those who are told
ALERTS = {"MILK_TELEGRAM_TOKEN": "token", "MILK_TELEGRAM_CHAT": "chat", "MILK_WEBHOOK_URL": "webhook"}
RUN = "run"  # the container that EcsRunLauncher gives its command to
SERVICES = ("code", "webserver", "daemon", "mlflow")
WEBSERVER = 3000
STOP_WITHIN = Duration.seconds(60)
SETTINGS = "A setting that is no secret: names, addresses and ports; secrets come from Secrets Manager"
SESSIONS = [
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
]


class Platform(MilkStack):
    """Webserver, daemon, code location and MLflow as services of one container each; every Dagster run is a task of its own.

    Reached through Session Manager's port forwarding only: there is no load balancer, and no listener outside the VPC.
    """

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        *,
        release: Release,
        network: Network,
        database: Database,
        repository: ecr.IRepository,
        lake: str,
        artefacts: str,
        endpoint: str,
    ) -> None:
        super().__init__(scope, deployment, "platform", "Dagster and MLflow")
        self.network, self._database = network, database
        self._lake, self._artefacts = lake, artefacts
        self._image = ecs.ContainerImage.from_ecr_repository(repository, release.tag)
        self._repository = repository
        self.cluster = ecs.Cluster(
            self,
            "Cluster",
            cluster_name=self.named("platform"),
            vpc=network.vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
        )
        self._namespace = discovery.PrivateDnsNamespace(self, "Names", name=self.named("internal"), vpc=network.vpc)
        self.alerts = secrets.Secret(
            self,
            "Alerts",
            secret_name=self.named("alerts"),
            description="token and chat of the Telegram bot, and address of the webhook, that tell a person; silent while empty",
            generate_secret_string=secrets.SecretStringGenerator(
                # a task whose secret lacks a key does not start
                secret_string_template=json.dumps(dict.fromkeys(ALERTS.values(), "")),
                generate_string_key="unused",
            ),
            removal_policy=self.removal,
        )
        acknowledge(
            self.alerts,
            {"AwsSolutions-SMG4": "Telegram and the webhook's owner issue them; they are changed there and then here"},
        )
        self._execution = self._execution_role()
        self._shared = self._settings(release, endpoint)
        self.run = self._run()
        self._services()

    def _settings(self, release: Release, endpoint: str) -> dict[str, str]:
        """What every container is told."""
        network = self.network
        return {
            "MILK_ENV": self.deployment.name,
            "MILK_BUCKET_SUFFIX": release.suffix,
            "MILK_TRACKING_URI": f"http://mlflow.{self.named('internal')}:{MLFLOW}",
            "MILK_API_URL": endpoint,
            "MILK_DEPLOYMENT": "ecs",
            "MILK_CODE_HOST": f"code.{self.named('internal')}",
            "MILK_CODE_PORT": str(CODE),
            "MILK_COMPUTE_LOGS_BUCKET": self._lake,
            "MILK_COMPUTE_LOGS_PREFIX": COMPUTE_LOGS,
            "MILK_RUN_CLUSTER": self.named("platform"),
            "MILK_RUN_TASK_DEFINITION": self.named("run"),
            "MILK_RUN_SUBNETS": ",".join(subnet.subnet_id for subnet in network.vpc.public_subnets),
            "MILK_RUN_SECURITY_GROUP": network.code.security_group_id,
            "PGHOST": self._database.instance.db_instance_endpoint_address,
            "PGPORT": str(POSTGRES),
            "PGDATABASE": NAME,
            "PGSSLMODE": "require",
            "AWS_REGION": Aws.REGION,
            "DO_NOT_TRACK": "true",
        }

    def _execution_role(self) -> iam.Role:
        """The role that starts containers: it pulls the one image, writes logs, and reads the two secrets."""
        role = iam.Role(
            self,
            "ExecutionRole",
            role_name=f"{self.named('execution')}-{Aws.REGION}",
            assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
        )
        allow(role, "LogIn", ["ecr:GetAuthorizationToken"], ["*"], why="A registry's token is no resource's")
        allow(
            role,
            "Pull",
            ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"],
            [f"arn:aws:ecr:{Aws.REGION}:{Aws.ACCOUNT_ID}:repository/{self.named('platform')}"],
        )
        allow(
            role,
            "WriteLogs",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [
                f"arn:aws:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:/{self.named('platform')}/{what}:*"
                for what in (RUN, *SERVICES)
            ],
            why="A stream is named when its task starts",
        )
        allow(
            role,
            "ReadSecrets",
            ["secretsmanager:GetSecretValue"],
            [self._database.secret.secret_arn, self.alerts.secret_arn],
        )
        return role

    def _role(self, name: str) -> iam.Role:
        """A task's role, which Session Manager may enter through."""
        role = iam.Role(
            self,
            f"{name}Role",
            role_name=f"{self.named(name.lower())}-{Aws.REGION}",
            assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
        )
        allow(
            role,
            "Sessions",
            SESSIONS,
            ["*"],
            why="Session Manager's channels know no resource; who may open one is the caller's policy",
        )
        return role

    def _task(
        self,
        name: str,
        role: iam.Role,
        command: Sequence[str] | None,
        *,
        cpu: int,
        memory: int,
        port: int | None = None,
        environment: Mapping[str, str] | None = None,
        alerts: bool = False,
        health: Sequence[str] | None = None,
    ) -> ecs.FargateTaskDefinition:
        """A definition of one container of the platform's image, its root file system read-only but for scratch space."""
        group = logs.LogGroup(
            self,
            f"{name}Logs",
            log_group_name=f"/{self.named('platform')}/{name.lower()}",
            retention=self.deployment.keep_logs,
            removal_policy=self.removal,
        )
        task = ecs.FargateTaskDefinition(
            self,
            f"{name}Task",
            family=self.named(name.lower()),
            cpu=cpu,
            memory_limit_mib=memory,
            execution_role=self._execution,
            task_role=role,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.ARM64, operating_system_family=ecs.OperatingSystemFamily.LINUX
            ),
            volumes=[ecs.Volume(name="scratch")],
        )
        database = self._database.secret
        container = task.add_container(
            name.lower(),
            image=self._image,
            command=list(command) if command else None,
            cpu=cpu,
            memory_limit_mib=memory,
            environment={**self._shared, **(environment or {})},
            secrets={
                "PGUSER": ecs.Secret.from_secrets_manager(database, "username"),
                "PGPASSWORD": ecs.Secret.from_secrets_manager(database, "password"),
                **({name: ecs.Secret.from_secrets_manager(self.alerts, key) for name, key in ALERTS.items()} if alerts else {}),
            },
            port_mappings=[ecs.PortMapping(container_port=port)] if port else None,
            health_check=ecs.HealthCheck(
                command=["CMD", *health], interval=Duration.seconds(30), retries=3, start_period=Duration.seconds(120)
            )
            if health
            else None,
            logging=ecs.LogDriver.aws_logs(stream_prefix=name.lower(), log_group=group),
            readonly_root_filesystem=True,
            stop_timeout=STOP_WITHIN,
        )
        container.add_mount_points(ecs.MountPoint(container_path="/tmp", source_volume="scratch", read_only=False))  # noqa: S108
        acknowledge(task, {"AwsSolutions-ECS2": SETTINGS})
        return task

    def _run(self) -> ecs.FargateTaskDefinition:
        """What each Dagster run is started from; the launcher gives it its command."""
        self.run_role = self._role("Run")
        read_and_write(self.run_role, self._lake, self._artefacts)
        return self._task(
            "Run",
            self.run_role,
            None,
            cpu=self.deployment.run_cpu,
            memory=int(self.deployment.run_memory.to_mebibytes()),
            alerts=True,
        )

    def _services(self) -> None:
        """The four services. The webserver and the daemon start and stop runs; the code location holds sensors and schedules."""
        code = self._role("Code")
        read_and_write(code, self._lake, self._artefacts)
        module = ["--module-name", "milk_assets.definitions"]
        serve = ["dagster", "api", "grpc", *module, "--host", "0.0.0.0", "--port", str(CODE)]  # noqa: S104  # in its security group
        healthy = ["dagster", "api", "grpc-health-check", "--port", str(CODE)]
        task = self._task("Code", code, serve, cpu=512, memory=2048, port=CODE, alerts=True, health=healthy)
        self._service("Code", task, self.network.code, outside=True, named="code")

        webserver = self._role("Webserver")
        self.allow_start(webserver)
        manage_runs(self, webserver)
        read_folder(webserver, "ComputeLogs", self._lake, COMPUTE_LOGS)
        show = ["dagster-webserver", "--host", "0.0.0.0", "--port", str(WEBSERVER), "--workspace", "workspace.yaml"]  # noqa: S104
        alive = ["python", "-c", f"import urllib.request as u; u.urlopen('http://127.0.0.1:{WEBSERVER}/server_info', timeout=5)"]
        task = self._task("Webserver", webserver, show, cpu=256, memory=1024, port=WEBSERVER, health=alive)
        self._service("Webserver", task, self.network.services)

        daemon = self._role("Daemon")
        self.allow_start(daemon)
        manage_runs(self, daemon)
        alive = ["dagster-daemon", "liveness-check"]
        watch = ["dagster-daemon", "run", "--workspace", "workspace.yaml"]
        task = self._task("Daemon", daemon, watch, cpu=256, memory=1024, health=alive)
        self._service("Daemon", task, self.network.services, one=True)

        tracking = self._role("Mlflow")
        read_folder(tracking, "Artefacts", self._artefacts, "mlflow")
        keep = ["python", "-m", "milk_assets.commands.mlflow_server", "--host", "0.0.0.0", "--port", str(MLFLOW)]  # noqa: S104
        alive = ["python", "-c", f"import urllib.request as u; u.urlopen('http://127.0.0.1:{MLFLOW}/health', timeout=5)"]
        task = self._task(
            "Mlflow",
            tracking,
            keep,
            cpu=256,
            memory=1024,
            port=MLFLOW,
            health=alive,
            environment={
                "MLFLOW_SERVER_ALLOWED_HOSTS": f"mlflow.{self.named('internal')}:{MLFLOW},127.0.0.1:{MLFLOW},localhost:{MLFLOW}"
            },
        )
        self._service("Mlflow", task, self.network.tracking, named="mlflow")

    def _service(
        self,
        name: str,
        task: ecs.FargateTaskDefinition,
        group: ec2.SecurityGroup,
        *,
        outside: bool = False,
        named: str | None = None,
        one: bool = False,
    ) -> ecs.FargateService:
        """A service of one task. outside: it reaches the internet. one: never two at a time, as the daemon must be."""
        return ecs.FargateService(
            self,
            name,
            service_name=self.named(name.lower()),
            cluster=self.cluster,
            task_definition=task,
            desired_count=1,
            min_healthy_percent=0 if one else 100,
            max_healthy_percent=100 if one else 200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            assign_public_ip=outside,
            vpc_subnets=self.network.outside if outside else self.network.inside,
            security_groups=[group],
            enable_execute_command=True,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
            cloud_map_options=ecs.CloudMapOptions(
                name=named, cloud_map_namespace=self._namespace, dns_record_type=discovery.DnsRecordType.A
            )
            if named
            else None,
        )

    def allow_start(self, role: iam.Role) -> None:
        """Let a role start runs: tasks of the one definition."""
        start_runs(self, role, self._execution, self.run_role)
