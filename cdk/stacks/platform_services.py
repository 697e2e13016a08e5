"""Platform services: the containers of the platform.

Belongs here: the command, size, port and health check of each container. Not here: their permissions and network
(`cdk.stacks.platform`). The names of services are part of logical ids: a changed name replaces the resources.
"""

from cdk.common.deployments import Deployment
from cdk.common.fargate import Container, Service
from cdk.stacks.network import CODE_LOCATION_PORT, MLFLOW_PORT

WEBSERVER_PORT = 3000
ALL_INTERFACES = "0.0.0.0"  # noqa: S104  # the security group decides who can connect


def _http_check(port: int, path: str) -> tuple[str, ...]:
    return ("python", "-c", f"import urllib.request as u; u.urlopen('http://127.0.0.1:{port}{path}', timeout=5)")


CODE_LOCATION = Service(
    name="Code",
    command=(
        *("dagster", "api", "grpc", "--module-name", "milk_assets.definitions"),
        *("--host", ALL_INTERFACES, "--port", str(CODE_LOCATION_PORT)),
    ),
    health_check=("dagster", "api", "grpc-health-check", "--port", str(CODE_LOCATION_PORT)),
    cpu=512,
    memory_mib=2048,
    port=CODE_LOCATION_PORT,
    dns_name="code",
    needs_internet=True,  # its sensors query SNIIM's site and send alerts
    sends_alerts=True,
)
WEBSERVER = Service(
    name="Webserver",
    command=("dagster-webserver", "--host", ALL_INTERFACES, "--port", str(WEBSERVER_PORT), "--workspace", "workspace.yaml"),
    health_check=_http_check(WEBSERVER_PORT, "/server_info"),
    cpu=256,
    memory_mib=1024,
    port=WEBSERVER_PORT,
)
DAEMON = Service(
    name="Daemon",
    command=("dagster-daemon", "run", "--workspace", "workspace.yaml"),
    health_check=("dagster-daemon", "liveness-check"),
    cpu=256,
    memory_mib=1024,
    is_singleton=True,  # two daemons would start each run twice
)
RUN_CONTAINER = "run"  # the container to which EcsRunLauncher passes its command
SERVICE_NAMES = ("code", "webserver", "daemon", "mlflow")


def mlflow_service(domain: str) -> Service:
    """Return the MLflow server.

    Args:
        domain: Private DNS domain of the platform, e.g. `milk-staging-internal`.
    """
    hosts = ",".join(f"{host}:{MLFLOW_PORT}" for host in (f"mlflow.{domain}", "127.0.0.1", "localhost"))
    return Service(
        name="Mlflow",
        command=(
            *("milk", "mlflow-server"),
            *("--host", ALL_INTERFACES, "--port", str(MLFLOW_PORT)),
        ),
        health_check=_http_check(MLFLOW_PORT, "/health"),
        cpu=256,
        memory_mib=1024,
        port=MLFLOW_PORT,
        environment={"MLFLOW_SERVER_ALLOWED_HOSTS": hosts},
        dns_name="mlflow",
    )


def run_container(deployment: Deployment) -> Container:
    """Return the container of a Dagster run. The run launcher, or the schedule of the report, passes the command."""
    return Container(
        name=RUN_CONTAINER.capitalize(),
        cpu=deployment.run_cpu,
        memory_mib=int(deployment.run_memory.to_mebibytes()),
        sends_alerts=True,
    )
