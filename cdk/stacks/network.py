"""Network stack: where tasks run and what they can reach.

Belongs here: subnets, VPC endpoints and security groups. Nothing accepts connections from outside, and there is no NAT gateway: tasks
reach AWS services through VPC endpoints. The two kinds of task that need the internet (for SNIIM's site and Telegram) have a public
address and no open port.
"""

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from cdk.common.deployments import Deployment
from cdk.common.milk_stack import MilkStack

POSTGRES_PORT = 5432
CODE_LOCATION_PORT = 4000  # Dagster's gRPC
MLFLOW_PORT = 5000
VPC_CIDR = "10.40.0.0/16"
# What tasks without internet access use: they pull images, write logs, read secrets, start runs, and accept Session Manager.
# S3 has a gateway endpoint, which is free.
INTERFACE_ENDPOINTS = {
    "EcrApi": ec2.InterfaceVpcEndpointAwsService.ECR,
    "EcrDocker": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
    "Logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    "Secrets": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "Ecs": ec2.InterfaceVpcEndpointAwsService.ECS,
    "Sessions": ec2.InterfaceVpcEndpointAwsService.SSM_MESSAGES,
}


class NetworkStack(MilkStack):
    """A VPC with two kinds of subnets: `inside` reaches AWS services only; `outside` reaches the internet but is not reachable from it.

    The subnet names and the descriptions of security groups must not change: CloudFormation would replace the resources.
    """

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        super().__init__(scope, deployment, "network", "Network of the milk price platform")
        self.vpc = self._vpc()
        self.vpc.add_flow_log(
            "Flow",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(
                self.log_group("FlowLogs", f"/{self.name_of('network')}/flow")
            ),
            traffic_type=ec2.FlowLogTrafficType.REJECT,  # accepted traffic appears in the logs of the receiving service
        )
        self.isolated_subnets = ec2.SubnetSelection(subnets=self.vpc.isolated_subnets)
        self.public_subnets = ec2.SubnetSelection(subnets=self.vpc.public_subnets)
        self._security_groups()
        self._interface_endpoints()

    def _vpc(self) -> ec2.Vpc:
        return ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(VPC_CIDR),
            max_azs=self.deployment.availability_zones,
            nat_gateways=0,
            restrict_default_security_group=False,  # this needs a custom resource with a function; nothing uses the default group
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="outside", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(name="inside", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24),
            ],
            gateway_endpoints={"S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)},
        )

    def _security_groups(self) -> None:
        """Create one security group per kind of task, and the rules between them."""
        self.services = self._security_group("Services", "webserver and daemon")
        self.tracking = self._security_group("Tracking", "MLflow server")
        self.code = self._security_group("Code", "code location and runs")
        self.database = self._security_group("Database", "Postgres")
        for client in (self.services, self.tracking, self.code):
            self.database.add_ingress_rule(client, ec2.Port.tcp(POSTGRES_PORT), "Postgres")
        self.code.add_ingress_rule(self.services, ec2.Port.tcp(CODE_LOCATION_PORT), "gRPC of the code location")
        for client in (self.services, self.code):
            self.tracking.add_ingress_rule(client, ec2.Port.tcp(MLFLOW_PORT), "MLflow")

    def _security_group(self, construct_id: str, members: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self,
            construct_id,
            vpc=self.vpc,
            security_group_name=self.name_of(construct_id.lower()),
            description=f"{members} of {self.deployment.name}",
        )

    def _interface_endpoints(self) -> None:
        security_group = ec2.SecurityGroup(
            self,
            "Endpoints",
            vpc=self.vpc,
            security_group_name=self.name_of("endpoints"),
            description=f"Endpoints of {self.deployment.name}",
            allow_all_outbound=False,
        )
        for client in (self.services, self.tracking, self.code):
            security_group.add_ingress_rule(client, ec2.Port.tcp(443), "HTTPS to AWS services")
        subnets = self.vpc.isolated_subnets[: self.deployment.endpoint_zones]
        for construct_id, service in INTERFACE_ENDPOINTS.items():
            self.vpc.add_interface_endpoint(
                construct_id,
                service=service,
                subnets=ec2.SubnetSelection(subnets=subnets),
                security_groups=[security_group],
                open=False,
            )
