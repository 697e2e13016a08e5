"""The CDK app: `make synth` writes the templates of staging and prod to `cdk.out/`, with no account and no network."""

import os

import aws_cdk as cdk

from cdk.storage import Storage

app = cdk.App()
suffix = os.environ.get("MILK_BUCKET_SUFFIX", "")  # the platform reads the same variable
for environment in ("staging", "prod"):
    Storage(app, environment, suffix)
app.synth()
