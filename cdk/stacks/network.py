"""Network: where tasks run, and what they reach.

Belongs here: subnets, endpoints, security groups. Nothing accepts a connection from outside, and there is no NAT gateway: AWS's services
are reached through endpoints, and the two kinds of task that must reach the internet (the source's site, Telegram) have an address of
their own and no open port.
"""

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk.common.milk_stack import MilkStack
from cdk.common.settings import Deployment

POSTGRES = 5432
CODE = 4000  # Dagster's gRPC
MLFLOW = 5000
CIDR = "10.40.0.0/16"
# Private tasks pull images, write logs, read secrets, start runs, and are entered by Session Manager; S3 has a gateway, which is free.
ENDPOINTS = {
    "EcrApi": ec2.InterfaceVpcEndpointAwsService.ECR,
    "EcrDocker": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
    "Logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    "Secrets": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "Ecs": ec2.InterfaceVpcEndpointAwsService.ECS,
    "Sessions": ec2.InterfaceVpcEndpointAwsService.SSM_MESSAGES,
}


class Network(MilkStack):
    """A VPC of two kinds of subnets: `inside` reaches AWS's services only; `outside` reaches the internet, and is not reached from it."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        super().__init__(scope, deployment, "network", "Network of the milk price platform")
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(CIDR),
            max_azs=deployment.zones,
            nat_gateways=0,
            restrict_default_security_group=False,  # a custom resource would be a function more to look after; nothing uses the group
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="outside", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(name="inside", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24),
            ],
            gateway_endpoints={"S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)},
        )
        flow = logs.LogGroup(
            self,
            "FlowLogs",
            log_group_name=f"/{self.named('network')}/flow",
            retention=deployment.keep_logs,
            removal_policy=self.removal,
        )
        self.vpc.add_flow_log(
            "Flow",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(flow),
            traffic_type=ec2.FlowLogTrafficType.REJECT,  # what was accepted is in the logs of who accepted it
        )
        self.inside = ec2.SubnetSelection(subnets=self.vpc.isolated_subnets)
        self.outside = ec2.SubnetSelection(subnets=self.vpc.public_subnets)
        self._groups()
        self._endpoints()

    def _groups(self) -> None:
        """Who may speak to whom: each group is named for what carries it."""
        self.services = self._group("Services", "webserver and daemon")
        self.tracking = self._group("Tracking", "MLflow server")
        self.code = self._group("Code", "code location and runs")
        self.database = self._group("Database", "Postgres")
        for caller in (self.services, self.tracking, self.code):
            self.database.add_ingress_rule(caller, ec2.Port.tcp(POSTGRES), "Postgres")
        self.code.add_ingress_rule(self.services, ec2.Port.tcp(CODE), "gRPC of the code location")
        for caller in (self.services, self.code):
            self.tracking.add_ingress_rule(caller, ec2.Port.tcp(MLFLOW), "MLflow")

    def _group(self, name: str, what: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self,
            name,
            vpc=self.vpc,
            security_group_name=self.named(name.lower()),
            description=f"{what} of {self.deployment.name}",
        )

    def _endpoints(self) -> None:
        group = ec2.SecurityGroup(
            self,
            "Endpoints",
            vpc=self.vpc,
            security_group_name=self.named("endpoints"),
            description=f"Endpoints of {self.deployment.name}",
            allow_all_outbound=False,
        )
        for caller in (self.services, self.tracking, self.code):
            group.add_ingress_rule(caller, ec2.Port.tcp(443), "AWS's services")
        subnets = self.vpc.isolated_subnets[: self.deployment.endpoint_zones]
        for name, service in ENDPOINTS.items():
            self.vpc.add_interface_endpoint(
                name,
                service=service,
                subnets=ec2.SubnetSelection(subnets=subnets),
                security_groups=[group],
                open=False,
            )
