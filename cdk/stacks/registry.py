"""Registry stack: the image repositories of the platform and of the endpoint.

Belongs here: how images are kept and scanned. Not here: what runs them (`cdk.stacks.platform`, `cdk.stacks.api`, `cdk.stacks.batch`).
"""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from cdk.common.deployments import Deployment
from cdk.common.milk_stack import MilkStack

MAX_IMAGES = 30  # one release a day for a month: how far back code can be rolled back


class RegistryStack(MilkStack):
    """Repositories with immutable tags. Images are scanned on push, and repositories are kept when the stack is deleted."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        super().__init__(scope, deployment, "registry", "Container images of the milk price platform")
        self.platform = self._repository("Platform", "platform")
        self.api = self._repository("Api", "api")

    def _repository(self, construct_id: str, image: str) -> ecr.Repository:
        return ecr.Repository(
            self,
            construct_id,
            repository_name=self.name_of(image),
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            encryption=ecr.RepositoryEncryption.AES_256,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[
                ecr.LifecycleRule(max_image_count=MAX_IMAGES, description=f"Keep the last {MAX_IMAGES} images for rollbacks")
            ],
        )
