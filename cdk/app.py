"""The CDK app: `make synth` writes the templates of staging and prod to `cdk.out/`, with no account and no network."""

import aws_cdk as cdk

from cdk.storage import Storage

app = cdk.App()
suffix = app.node.try_get_context("bucket_suffix") or ""
for environment in ("staging", "prod"):
    Storage(app, environment, suffix)
app.synth()
