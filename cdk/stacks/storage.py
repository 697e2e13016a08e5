"""Storage: the bucket of the lake, the bucket of artefacts, and the bucket of their access logs.

Belongs here: buckets and how long they keep what. Who may read them is said where the reader is made.
"""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk.common.milk_stack import MilkStack
from cdk.common.settings import Deployment
from milk_assets.resource_names import COMPUTE_LOGS, bucket_name

# A noncurrent version is what a mistaken overwrite is undone with; a quarter is long enough to notice one.
KEEP_VERSIONS = Duration.days(90)
KEEP_ACCESS_LOGS = Duration.days(90)
KEEP_COMPUTE_LOGS = Duration.days(90)  # as long as Dagster keeps the ticks that they explain
ABANDON_UPLOADS = Duration.days(7)


class Storage(MilkStack):
    """The buckets of an environment: private, encrypted, TLS only, kept when the stack goes. suffix: makes the names globally unique."""

    def __init__(self, scope: Construct, deployment: Deployment, *, suffix: str) -> None:
        super().__init__(scope, deployment, "storage", "Lake and artefacts of the milk price platform")
        # the names themselves are handed on, not references: policies then say in plain words what they allow
        self.lake_name = bucket_name(deployment.name, "lake", suffix)
        self.artefacts_name = bucket_name(deployment.name, "artefacts", suffix)
        self.logs_name = bucket_name(deployment.name, "logs", suffix)
        logs = self._bucket("AccessLogs", self.logs_name, [s3.LifecycleRule(expiration=KEEP_ACCESS_LOGS)])
        expiring = s3.LifecycleRule(prefix=f"{COMPUTE_LOGS}/", expiration=KEEP_COMPUTE_LOGS)
        self._bucket("Lake", self.lake_name, [expiring], logs)
        self._bucket("Artefacts", self.artefacts_name, [], logs)

    def _bucket(self, name: str, bucket_name: str, rules: list[s3.LifecycleRule], logs: s3.Bucket | None = None) -> s3.Bucket:
        return s3.Bucket(
            self,
            name,
            bucket_name=bucket_name,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=True,
            removal_policy=RemovalPolicy.RETAIN,
            server_access_logs_bucket=logs,
            server_access_logs_prefix=f"{bucket_name}/" if logs else None,
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=KEEP_VERSIONS, abort_incomplete_multipart_upload_after=ABANDON_UPLOADS
                ),
                *rules,
            ],
        )
