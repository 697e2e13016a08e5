"""Database: the Postgres that Dagster's instance and MLflow keep their records in.

Belongs here: the server, its backups and its secret. The tables are their owners'.
"""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from cdk.common.milk_stack import MilkStack, acknowledge
from cdk.common.settings import Deployment
from cdk.stacks.network import POSTGRES, Network

NAME = (
    "dagster"  # the database that is made with the server; MLflow's is made by its own task, since both keep a table of one name
)
USER = "milk"


class Database(MilkStack):
    """One encrypted Postgres, reached by the platform's tasks only, over TLS."""

    def __init__(self, scope: Construct, deployment: Deployment, *, network: Network) -> None:
        super().__init__(scope, deployment, "database", "Records of the milk price platform")
        self.secret = secrets.Secret(
            self,
            "Secret",
            secret_name=self.named("database"),
            description="Password of the platform's Postgres user",
            generate_secret_string=secrets.SecretStringGenerator(
                secret_string_template=f'{{"username": "{USER}"}}',
                generate_string_key="password",
                password_length=32,
                exclude_punctuation=True,  # it is put into connection settings as it is
            ),
            removal_policy=self.removal,
        )
        self.instance = rds.DatabaseInstance(
            self,
            "Postgres",
            instance_identifier=self.named("database"),
            engine=rds.DatabaseInstanceEngine.postgres(version=rds.PostgresEngineVersion.VER_17_9),
            instance_type=ec2.InstanceType(deployment.database_class),
            allocated_storage=int(deployment.database_storage.to_gibibytes()),
            max_allocated_storage=int(deployment.database_storage.to_gibibytes()) * 5,
            storage_type=rds.StorageType.GP3,
            storage_encrypted=True,
            database_name=NAME,
            credentials=rds.Credentials.from_secret(self.secret, USER),
            port=POSTGRES,
            vpc=network.vpc,
            vpc_subnets=network.inside,
            security_groups=[network.database],
            multi_az=deployment.database_standby,
            publicly_accessible=False,
            parameters={"rds.force_ssl": "1", "log_min_duration_statement": "1000"},
            backup_retention=deployment.keep_backups,
            delete_automated_backups=not deployment.protected,
            deletion_protection=deployment.protected,
            removal_policy=RemovalPolicy.RETAIN if deployment.protected else RemovalPolicy.SNAPSHOT,
            auto_minor_version_upgrade=True,
            cloudwatch_logs_exports=["postgresql"],
        )
        acknowledge(
            self.secret,
            {"AwsSolutions-SMG4": "Tasks read it when they start: it is rotated with their restart, as docs/cloud.md says"},
        )
        acknowledge(
            self.instance,
            {
                "AwsSolutions-RDS11": "The port is no secret: nothing outside the platform's security groups reaches it",
                **(
                    {}
                    if deployment.protected
                    else {
                        "AwsSolutions-RDS3": "Staging may be down while its zone is",
                        "AwsSolutions-RDS10": "Staging is made anew from nothing; a snapshot is kept when it goes",
                    }
                ),
            },
        )
