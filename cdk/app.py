"""The CDK app: `make synth` writes the templates of staging and prod to `cdk.out/`, with no account and no network.

Belongs here: which stacks there are and what each is given. Rules of AWS's solutions and serverless packs are checked while it runs.
"""

import json
import os
import sys
from pathlib import Path

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from cdk.common.settings import DEPLOYMENTS, Deployment, Release
from cdk.stacks.api import Api, address
from cdk.stacks.batch import Batch
from cdk.stacks.canary import Canary
from cdk.stacks.database import Database
from cdk.stacks.github_deploy import Deploy
from cdk.stacks.identity import Identity
from cdk.stacks.monitoring import Monitoring
from cdk.stacks.network import Network
from cdk.stacks.platform import SERVICES, Platform
from cdk.stacks.registry import Registry
from cdk.stacks.scheduled_report import Report
from cdk.stacks.storage import Storage


def build(app: cdk.App, suffix: str = "") -> cdk.App:
    """Add every stack of every deployment to an app. suffix: what makes bucket names unique, as the platform's MILK_BUCKET_SUFFIX.

    `app.synth()` then raises on any finding that is not acknowledged where it arises.
    """
    release = Release.of(app, suffix)
    for deployment in DEPLOYMENTS:
        add_deployment(app, deployment, release)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True), ServerlessChecks(app, verbose=True))
    return app


def add_deployment(app: cdk.App, deployment: Deployment, release: Release) -> None:
    """Every stack of one environment."""
    storage = Storage(app, deployment, suffix=release.suffix)
    registry = Registry(app, deployment)
    identity = Identity(app, deployment, suffix=release.suffix)
    api = Api(
        app,
        deployment,
        release=release,
        artefacts=storage.artefacts_name,
        repository=registry.api,
        identity=identity,
    )
    api.add_stack_dependency(storage)
    network = Network(app, deployment)
    database = Database(app, deployment, network=network)
    platform = Platform(
        app,
        deployment,
        release=release,
        network=network,
        database=database,
        repository=registry.platform,
        lake=storage.lake_name,
        artefacts=storage.artefacts_name,
        endpoint=address(api.apis["api"]),
    )
    platform.add_stack_dependency(storage)
    batch = Batch(
        app,
        deployment,
        release=release,
        repository=registry.api,
        artefacts=storage.artefacts_name,
    )
    Report(app, deployment, platform=platform)
    monitoring = Monitoring(
        app,
        deployment,
        release=release,
        function=api.function,
        apis=api.apis,
        database=database.instance,
        machine=batch.machine,
        services=SERVICES,
    )
    Canary(app, deployment, api=api.apis["api"], logs=storage.logs_name, alarms=monitoring.topic)
    Deploy(app, deployment, release=release)


if __name__ == "__main__":
    # The CDK's command gives its context and folder in the environment; alone, they are those of cdk.json and the first argument
    alone = {} if "CDK_CONTEXT_JSON" in os.environ else json.loads(Path("cdk.json").read_text())["context"]
    folder = sys.argv[1] if len(sys.argv) > 1 else None
    build(cdk.App(context=alone, outdir=folder), os.environ.get("MILK_BUCKET_SUFFIX", "")).synth()
