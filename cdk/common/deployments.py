"""Deployments: one table with the sizes, rates and retention periods of staging and prod, and the release that is deployed.

Belongs here: every value that differs between environments, or could. Not here: resource names (`milk_assets.resource_names`).
"""

from dataclasses import dataclass, field

from aws_cdk import App, Duration, Size
from aws_cdk import aws_logs as logs


@dataclass(frozen=True)
class Deployment:
    """The settings of one environment in the cloud.

    Attributes:
        name: The environment, `staging` or `prod`.
        protected: True when a deployment can delete neither the stacks nor their data.
        has_api_key_api: Adds an HTTP API for callers that cannot fetch a token and send an API key.
        has_internal_api: Adds an HTTP API for callers inside the account, which sign requests with their IAM role.
        has_daemon: Runs Dagster's schedules and sensors. Without it, a scheduled task writes the daily report.
    """

    name: str
    protected: bool
    log_retention: logs.RetentionDays
    # endpoint: a request takes milliseconds of one core. Lambda gives one full core at 1,769 MB; half a core is enough.
    api_memory: Size = field(default_factory=lambda: Size.mebibytes(1024))
    requests_per_second: int = 50
    burst_limit: int = 100
    has_api_key_api: bool = True
    has_internal_api: bool = True
    # platform
    has_daemon: bool = True
    availability_zones: int = 2  # RDS requires two
    endpoint_zones: int = 1  # interface endpoints are billed per zone
    database_class: str = "t4g.micro"
    database_storage: Size = field(default_factory=lambda: Size.gibibytes(20))
    database_multi_az: bool = False
    backup_retention: Duration = field(default_factory=lambda: Duration.days(7))
    run_cpu: int = 2048  # a training run uses two cores
    run_memory: Size = field(default_factory=lambda: Size.mebibytes(4096))
    # monitoring
    canary_interval: Duration = field(default_factory=lambda: Duration.minutes(15))


@dataclass(frozen=True)
class Release:
    """What is deployed. The values come from the CDK context (`cdk.json` or `--context`).

    Attributes:
        tag: Tag of both images: the commit's SHA.
        suffix: Makes bucket names globally unique, like MILK_BUCKET_SUFFIX of the platform.
        repository: The GitHub repository, `owner/name`, whose workflows may deploy.
        alarms_to: E-mail address that receives alarms; None for no subscription.
        api_zip: A folder with the endpoint and its dependencies, deployed instead of the image where images cannot run (emulators).
        s3_endpoint: URL of an S3-compatible service, used instead of AWS S3 with emulators.
        champion_ttl: Seconds for which the endpoint caches the champion's manifest; None for the endpoint's own default.
    """

    tag: str
    suffix: str
    repository: str
    alarms_to: str | None
    api_zip: str | None
    s3_endpoint: str | None
    champion_ttl: str | None

    @classmethod
    def from_context(cls, app: App, suffix: str) -> "Release":
        """Read the release from the context of an app.

        Raises:
            ValueError: The context key `repository` does not have the form `owner/name`.
        """

        def context_value(key: str) -> str | None:
            return app.node.try_get_context(key) or None

        repository = context_value("repository") or ""
        owner, _, name = repository.partition("/")
        if not owner or not name or set("*? ") & set(repository):
            raise ValueError(
                f"cdk.json, context key `repository`: expected owner/name, got {repository!r}; "
                "set it to owner/name of the only repository that may deploy"
            )
        return cls(
            tag=context_value("tag") or "unreleased",
            suffix=suffix,
            repository=repository,
            alarms_to=context_value("alarms_to"),
            api_zip=context_value("api_zip"),
            s3_endpoint=context_value("s3_endpoint"),
            champion_ttl=context_value("champion_ttl"),
        )


DEPLOYMENTS = (
    Deployment(name="staging", protected=False, log_retention=logs.RetentionDays.ONE_MONTH),
    Deployment(
        name="prod",
        protected=True,
        log_retention=logs.RetentionDays.ONE_YEAR,
        requests_per_second=200,
        burst_limit=400,
        endpoint_zones=2,
        database_class="t4g.small",
        database_multi_az=True,
        backup_retention=Duration.days(30),
        canary_interval=Duration.minutes(5),
    ),
)
