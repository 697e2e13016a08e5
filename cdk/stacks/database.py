"""Database stack: the Postgres server of Dagster and MLflow.

Belongs here: the server, its backups and its secret. Not here: tables, which Dagster and MLflow create themselves.
"""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from cdk.common.deployments import Deployment
from cdk.common.milk_stack import MilkStack, acknowledge
from cdk.stacks.network import POSTGRES_PORT, NetworkStack

# Created with the server. The MLflow service creates MLflow's own database, since both have a table of the same name.
DAGSTER_DATABASE = "dagster"
DATABASE_USER = "milk"
STORAGE_GROWTH = 5  # RDS enlarges the storage up to this many times its first size


class DatabaseStack(MilkStack):
    """One encrypted Postgres server that only the platform's tasks can reach, over TLS."""

    def __init__(self, scope: Construct, deployment: Deployment, *, network: NetworkStack) -> None:
        super().__init__(scope, deployment, "database", "Postgres of Dagster and MLflow")
        self.secret = self._secret()
        self.instance = self._instance(network)
        self._acknowledge_findings()

    def _secret(self) -> secrets.Secret:
        return secrets.Secret(
            self,
            "Secret",
            secret_name=self.name_of("database"),
            description="User and password of the platform's Postgres",
            generate_secret_string=secrets.SecretStringGenerator(
                secret_string_template=f'{{"username": "{DATABASE_USER}"}}',
                generate_string_key="password",
                password_length=32,
                exclude_punctuation=True,  # it is inserted into connection URLs without escaping
            ),
            removal_policy=self.removal_policy,
        )

    def _instance(self, network: NetworkStack) -> rds.DatabaseInstance:
        deployment = self.deployment
        storage_gib = int(deployment.database_storage.to_gibibytes())
        return rds.DatabaseInstance(
            self,
            "Postgres",
            instance_identifier=self.name_of("database"),
            engine=rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_17_9),
            instance_type=ec2.InstanceType(deployment.database_class),
            allocated_storage=storage_gib,
            max_allocated_storage=storage_gib * STORAGE_GROWTH,
            storage_type=rds.StorageType.GP3,
            storage_encrypted=True,
            database_name=DAGSTER_DATABASE,
            credentials=rds.Credentials.from_secret(self.secret, DATABASE_USER),
            port=POSTGRES_PORT,
            vpc=network.vpc,
            vpc_subnets=network.isolated_subnets,
            security_groups=[network.database],
            multi_az=deployment.database_multi_az,
            publicly_accessible=False,
            parameters={"rds.force_ssl": "1", "log_min_duration_statement": "1000"},
            backup_retention=deployment.backup_retention,
            delete_automated_backups=not deployment.protected,
            deletion_protection=deployment.protected,
            removal_policy=RemovalPolicy.RETAIN if deployment.protected else RemovalPolicy.SNAPSHOT,
            auto_minor_version_upgrade=True,
            cloudwatch_logs_exports=["postgresql"],
        )

    def _acknowledge_findings(self) -> None:
        rotation = "Tasks read the password only when they start: it is changed by hand with a restart, see docs/cloud.md"
        acknowledge(self.secret, {"AwsSolutions-SMG4": rotation})
        default_port = "The default port is no risk: only the platform's security groups reach the server"
        acknowledge(self.instance, {"AwsSolutions-RDS11": default_port})
        if not self.deployment.protected:
            staging_findings = {
                "AwsSolutions-RDS3": "Staging may be unavailable while its availability zone is",
                "AwsSolutions-RDS10": "Staging can be recreated; a snapshot is kept when it is deleted",
            }
            acknowledge(self.instance, staging_findings)
