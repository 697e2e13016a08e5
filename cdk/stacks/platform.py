"""Platform stack: Dagster and MLflow on ECS, all from one image.

Belongs here: the cluster, its services, the task definition of runs, and what each may do. Not here: commands and sizes of containers
(`cdk.stacks.platform_services`) and settings of the Dagster instance (`milk_assets/commands/dagster_yaml.py`).
"""

import json

from aws_cdk import Aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_servicediscovery as discovery
from constructs import Construct

from cdk.common.deployments import Deployment, Release
from cdk.common.fargate import (
    ALERT_SECRETS,
    Service,
    SharedTaskSettings,
    fargate_service,
    log_group_name,
    task_definition,
)
from cdk.common.milk_stack import MilkStack, acknowledge
from cdk.common.permissions import (
    allow,
    allow_data_access,
    allow_folder_reading,
    allow_log_writing,
    allow_registry_login,
    allow_run_management,
    allow_run_start,
    allow_shell_sessions,
)
from cdk.stacks.database import DAGSTER_DATABASE, DatabaseStack
from cdk.stacks.network import CODE_LOCATION_PORT, MLFLOW_PORT, POSTGRES_PORT, NetworkStack
from cdk.stacks.platform_services import (
    CODE_LOCATION,
    DAEMON,
    RUN_CONTAINER,
    SERVICE_NAMES,
    WEBSERVER,
    mlflow_service,
    run_container,
)
from milk_assets.resource_names import COMPUTE_LOGS

ECS_TASKS = "ecs-tasks.amazonaws.com"


class PlatformStack(MilkStack):
    """Webserver, daemon, code location and MLflow as services of one container each; every Dagster run is a task of its own.

    There is no load balancer and no listener outside the VPC: users connect through Session Manager's port forwarding.
    """

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        *,
        release: Release,
        network: NetworkStack,
        database: DatabaseStack,
        repository: ecr.IRepository,
        lake: str,
        artefacts: str,
        api_url: str,
    ) -> None:
        super().__init__(scope, deployment, "platform", "Dagster and MLflow")
        self.network, self._database = network, database
        self._lake, self._artefacts = lake, artefacts
        self.cluster = ecs.Cluster(
            self,
            "Cluster",
            cluster_name=self.name_of("platform"),
            vpc=network.vpc,
            container_insights_v2=ecs.ContainerInsights.ENABLED,
        )
        self._namespace = discovery.PrivateDnsNamespace(self, "Names", name=self.name_of("internal"), vpc=network.vpc)
        alert_secret = self._alert_secret()
        self._shared = SharedTaskSettings(
            image=ecs.ContainerImage.from_ecr_repository(repository, release.tag),
            execution_role=self._execution_role(alert_secret),
            environment=self._shared_environment(release, api_url),
            database_secret=database.secret,
            alert_secret=alert_secret,
        )
        run_role = self._task_role("Run")
        allow_data_access(run_role, lake, artefacts)
        self.run_task = task_definition(self, run_container(deployment), run_role, self._shared)
        self.run_task_roles = (self._shared.execution_role, run_role)
        self._services()

    def _alert_secret(self) -> secrets.Secret:
        secret = secrets.Secret(
            self,
            "Alerts",
            secret_name=self.name_of("alerts"),
            description="Alert recipients: token and chat of the Telegram bot, and URL of the webhook; empty values send nothing",
            generate_secret_string=secrets.SecretStringGenerator(
                # ECS does not start a task when its secret lacks a key
                secret_string_template=json.dumps(dict.fromkeys(ALERT_SECRETS.values(), "")),
                generate_string_key="unused",
            ),
            removal_policy=self.removal_policy,
        )
        external = "Telegram and the webhook's owner issue the values: they are changed there first, then here"
        acknowledge(secret, {"AwsSolutions-SMG4": external})
        return secret

    def _shared_environment(self, release: Release, api_url: str) -> dict[str, str]:
        """Return the environment variables of every container."""
        domain = self.name_of("internal")
        return {
            "MILK_ENV": self.deployment.name,
            "MILK_BUCKET_SUFFIX": release.suffix,
            "MILK_TRACKING_URI": f"http://mlflow.{domain}:{MLFLOW_PORT}",
            "MILK_API_URL": api_url,
            "MILK_DEPLOYMENT": "ecs",
            "MILK_CODE_HOST": f"code.{domain}",
            "MILK_CODE_PORT": str(CODE_LOCATION_PORT),
            "MILK_COMPUTE_LOGS_BUCKET": self._lake,
            "MILK_COMPUTE_LOGS_PREFIX": COMPUTE_LOGS,
            "MILK_RUN_CLUSTER": self.name_of("platform"),
            "MILK_RUN_TASK_DEFINITION": self.name_of(RUN_CONTAINER),
            "MILK_RUN_SUBNETS": ",".join(subnet.subnet_id for subnet in self.network.vpc.public_subnets),
            "MILK_RUN_SECURITY_GROUP": self.network.code.security_group_id,
            "PGHOST": self._database.instance.db_instance_endpoint_address,
            "PGPORT": str(POSTGRES_PORT),
            "PGDATABASE": DAGSTER_DATABASE,
            "PGSSLMODE": "require",
            "AWS_REGION": Aws.REGION,
            "DO_NOT_TRACK": "true",
        }

    def _execution_role(self, alert_secret: secrets.Secret) -> iam.Role:
        """Create the role with which ECS starts containers: it pulls the image, writes logs, and reads the two secrets."""
        role = self.service_role("ExecutionRole", "execution", ECS_TASKS)
        allow_registry_login(role)
        allow(
            role,
            "PullImage",
            ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"],
            [f"arn:aws:ecr:{Aws.REGION}:{Aws.ACCOUNT_ID}:repository/{self.name_of('platform')}"],
        )
        allow_log_writing(role, *(log_group_name(self, container) for container in (RUN_CONTAINER, *SERVICE_NAMES)))
        secret_arns = [self._database.secret.secret_arn, alert_secret.secret_arn]
        allow(role, "ReadSecrets", ["secretsmanager:GetSecretValue"], secret_arns)
        return role

    def _task_role(self, container: str) -> iam.Role:
        """Create the role of a container's own code."""
        role = self.service_role(f"{container}Role", container.lower(), ECS_TASKS)
        allow_shell_sessions(role)
        return role

    def _services(self) -> None:
        """Create the four services. Webserver and daemon start and stop runs; the code location runs sensors and schedules."""
        code_role = self._service(CODE_LOCATION, self.network.code)
        allow_data_access(code_role, self._lake, self._artefacts)

        webserver_role = self._service(WEBSERVER, self.network.services)
        allow_run_start(webserver_role, self, *self.run_task_roles)
        allow_run_management(webserver_role, self)
        allow_folder_reading(webserver_role, "ComputeLogs", self._lake, COMPUTE_LOGS)

        daemon_role = self._service(DAEMON, self.network.services)
        allow_run_start(daemon_role, self, *self.run_task_roles)
        allow_run_management(daemon_role, self)

        mlflow_role = self._service(mlflow_service(self.name_of("internal")), self.network.tracking)
        allow_folder_reading(mlflow_role, "Artefacts", self._artefacts, "mlflow")

    def _service(self, service: Service, security_group: ec2.SecurityGroup) -> iam.Role:
        """Create a service and return the role of its container."""
        role = self._task_role(service.name)
        definition = task_definition(self, service, role, self._shared)
        fargate_service(
            self.cluster,
            service,
            definition,
            stack=self,
            subnets=self.network.public_subnets if service.needs_internet else self.network.isolated_subnets,
            security_group=security_group,
            namespace=self._namespace,
        )
        return role
