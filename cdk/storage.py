"""Storage: the bucket of the lake and the bucket of artefacts.

Belongs here: buckets and how long they keep what. Who may read them is said where the reader is made.
"""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_s3 as s3
from constructs import Construct

from milk_assets.environment import bucket

# A noncurrent version is what a mistaken overwrite is undone with; a quarter is long enough to notice one.
KEEP_VERSIONS = Duration.days(90)
ABANDON_UPLOADS = Duration.days(7)


class Storage(Stack):
    """The two buckets of an environment: private, encrypted, versioned, TLS only, kept when the stack goes.

    environment: `staging` or `prod`. suffix: what makes the names globally unique, such as the account's number.
    """

    def __init__(self, scope: Construct, environment: str, suffix: str) -> None:
        super().__init__(scope, f"milk-{environment}-storage", termination_protection=environment == "prod")
        self.lake = self._bucket("Lake", bucket(environment, "lake", suffix))
        self.artefacts = self._bucket("Artefacts", bucket(environment, "artefacts", suffix))

    def _bucket(self, name: str, bucket_name: str) -> s3.Bucket:
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
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=KEEP_VERSIONS, abort_incomplete_multipart_upload_after=ABANDON_UPLOADS
                )
            ],
        )
