"""Resource names: the names that the platform, `cdk/`, `deploy/` and `grafana/` must agree on.

Belongs here: environments, project, model and time zone, and how cloud resources are named. Not here: settings read from the environment
(`milk_assets.settings`). Standard library only, because the CDK runs in an environment of its own without the platform's dependencies.
"""

from typing import Literal, get_args

EnvironmentName = Literal["local", "staging", "prod"]
ENVIRONMENT_NAMES: tuple[str, ...] = get_args(EnvironmentName)

PROJECT = "milk"
MODEL = "milk-price"  # the single registered model in MLflow; one version is a bundle with every horizon
EXPERIMENT = "milk-price"  # the MLflow experiment of all training runs
TIMEZONE = "America/Mexico_City"
SAMPLE_PORT = 8765  # where the sample publisher listens by default
COMPUTE_LOGS = "compute_logs"  # folder of the lake for the output of runs whose machine has no permanent disk


def bucket_name(environment: str, purpose: Literal["lake", "artefacts", "logs"], suffix: str = "") -> str:
    """Return the name of a bucket of an environment, e.g. `milk-staging-lake`.

    Args:
        environment: One of ENVIRONMENT_NAMES.
        purpose: What the bucket stores.
        suffix: Makes the name globally unique; S3 bucket names are shared by all accounts.
    """
    return "-".join(part for part in (PROJECT, environment, purpose, suffix) if part)


def resource_name(environment: str, name: str) -> str:
    """Return the name of any other cloud resource of an environment, e.g. `milk-staging-api`."""
    return f"{PROJECT}-{environment}-{name}"
