"""The CDK app: `make synth` writes the templates of staging and prod to `cdk.out/`, without an account and without network access.

Belongs here: which stacks exist and what each receives. cdk-nag's AwsSolutions and Serverless rules are checked during synthesis.
"""

import json
import os
import sys
from pathlib import Path

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from cdk.common.deployments import DEPLOYMENTS, Deployment, Release
from cdk.stacks.api import ApiStack, default_stage_url
from cdk.stacks.batch import BatchStack
from cdk.stacks.canary import CanaryStack
from cdk.stacks.database import DatabaseStack
from cdk.stacks.github_deploy import GithubDeployStack
from cdk.stacks.identity import IdentityStack
from cdk.stacks.monitoring import MonitoringStack
from cdk.stacks.network import NetworkStack
from cdk.stacks.platform import PlatformStack
from cdk.stacks.registry import RegistryStack
from cdk.stacks.scheduled_report import ScheduledReportStack
from cdk.stacks.storage import StorageStack


def build(app: cdk.App, suffix: str = "") -> cdk.App:
    """Add every stack of every deployment to an app.

    Args:
        app: An app whose context holds what `Release.from_context` reads.
        suffix: Makes bucket names globally unique; the same value as the platform's MILK_BUCKET_SUFFIX.

    Returns:
        The app. Its `synth()` raises RuntimeError on any finding of cdk-nag that is not acknowledged on its construct.
    """
    release = Release.from_context(app, suffix)
    for deployment in DEPLOYMENTS:
        add_deployment(app, deployment, release)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True), ServerlessChecks(app, verbose=True))
    return app


def add_deployment(app: cdk.App, deployment: Deployment, release: Release) -> None:
    """Add every stack of one environment."""
    storage = StorageStack(app, deployment, suffix=release.suffix)
    registry = RegistryStack(app, deployment)
    identity = IdentityStack(app, deployment, suffix=release.suffix)
    api = ApiStack(
        app,
        deployment,
        release=release,
        artefacts=storage.artefacts_name,
        repository=registry.api,
        identity=identity,
    )
    api.add_stack_dependency(storage)
    network = NetworkStack(app, deployment)
    database = DatabaseStack(app, deployment, network=network)
    platform = PlatformStack(
        app,
        deployment,
        release=release,
        network=network,
        database=database,
        repository=registry.platform,
        lake=storage.lake_name,
        artefacts=storage.artefacts_name,
        api_url=default_stage_url(api.apis["api"]),
    )
    platform.add_stack_dependency(storage)
    batch = BatchStack(app, deployment, release=release, repository=registry.api, artefacts=storage.artefacts_name)
    ScheduledReportStack(app, deployment, platform=platform)
    monitoring = MonitoringStack(
        app,
        deployment,
        release=release,
        function=api.function,
        apis=api.apis,
        database=database.instance,
        machine=batch.machine,
    )
    CanaryStack(app, deployment, api=api.apis["api"], records_bucket=storage.logs_name, alarm_topic=monitoring.topic)
    GithubDeployStack(app, deployment, release=release)


if __name__ == "__main__":
    # The `cdk` command passes context and output folder in environment variables. Without it, they come from cdk.json and argument 1.
    context = {} if "CDK_CONTEXT_JSON" in os.environ else json.loads(Path("cdk.json").read_text())["context"]
    folder = sys.argv[1] if len(sys.argv) > 1 else None
    build(cdk.App(context=context, outdir=folder), os.environ.get("MILK_BUCKET_SUFFIX", "")).synth()
