"""Storage stack: the buckets of the lake, of the artefacts, and of their access logs.

Belongs here: buckets and retention periods. Not here: who may read them (`cdk.common.permissions`).
"""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk.common.deployments import Deployment
from cdk.common.milk_stack import MilkStack
from milk_assets.resource_names import COMPUTE_LOGS, bucket_name

VERSION_RETENTION = Duration.days(90)  # old versions undo an accidental overwrite; 90 days leave time to notice one
ACCESS_LOG_RETENTION = Duration.days(90)
COMPUTE_LOG_RETENTION = Duration.days(90)  # as long as Dagster keeps the ticks that these logs explain
UNFINISHED_UPLOAD_RETENTION = Duration.days(7)


class StorageStack(MilkStack):
    """The buckets of an environment: private, encrypted, TLS only, and kept when the stack is deleted.

    Other stacks receive the bucket names instead of references, so that policies show in plain text what they allow.

    Args:
        scope: The app.
        deployment: Settings of the environment.
        suffix: Makes the bucket names globally unique.
    """

    def __init__(self, scope: Construct, deployment: Deployment, *, suffix: str) -> None:
        super().__init__(scope, deployment, "storage", "Lake and artefact buckets of the milk price platform")
        self.lake_name = bucket_name(deployment.name, "lake", suffix)
        self.artefacts_name = bucket_name(deployment.name, "artefacts", suffix)
        self.logs_name = bucket_name(deployment.name, "logs", suffix)
        access_logs = self._bucket("AccessLogs", self.logs_name, [s3.LifecycleRule(expiration=ACCESS_LOG_RETENTION)])
        expire_compute_logs = s3.LifecycleRule(prefix=f"{COMPUTE_LOGS}/", expiration=COMPUTE_LOG_RETENTION)
        self._bucket("Lake", self.lake_name, [expire_compute_logs], access_logs)
        self._bucket("Artefacts", self.artefacts_name, [], access_logs)

    def _bucket(
        self, construct_id: str, name: str, rules: list[s3.LifecycleRule], access_logs: s3.Bucket | None = None
    ) -> s3.Bucket:
        expire_old_versions = s3.LifecycleRule(
            noncurrent_version_expiration=VERSION_RETENTION,
            abort_incomplete_multipart_upload_after=UNFINISHED_UPLOAD_RETENTION,
        )
        return s3.Bucket(
            self,
            construct_id,
            bucket_name=name,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            versioned=True,
            removal_policy=RemovalPolicy.RETAIN,
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix=f"{name}/" if access_logs else None,
            lifecycle_rules=[expire_old_versions, *rules],
        )
