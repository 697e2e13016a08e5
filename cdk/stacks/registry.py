"""Registry: the two image repositories, of the platform and of the endpoint.

Belongs here: how images are kept and scanned. What runs them says so where it runs.
"""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from cdk.common.milk_stack import MilkStack
from cdk.common.settings import Deployment

KEEP_IMAGES = 30  # a release a day for a month: as far as a rollback of code goes


class Registry(MilkStack):
    """Repositories whose tags never change meaning, scanned when pushed to, kept when the stack goes."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        super().__init__(scope, deployment, "registry", "Images of the milk price platform")
        self.platform = self._repository("Platform", "platform")
        self.api = self._repository("Api", "api")

    def _repository(self, name: str, what: str) -> ecr.Repository:
        return ecr.Repository(
            self,
            name,
            repository_name=self.named(what),
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            encryption=ecr.RepositoryEncryption.AES_256,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[ecr.LifecycleRule(max_image_count=KEEP_IMAGES, description="what a rollback may need")],
        )
