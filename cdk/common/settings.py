"""Settings of the deployments: one table for staging and prod.

Belongs here: every size, rate, retention and switch that differs, or might. Names are derived in `milk_assets.settings`.
"""

from dataclasses import dataclass, field

from aws_cdk import App, Duration, Size
from aws_cdk import aws_logs as logs


@dataclass(frozen=True)
class Deployment:
    """What an environment is given. protected: neither its stacks nor its data can be deleted by a deployment."""

    name: str
    protected: bool
    keep_logs: logs.RetentionDays
    # the endpoint: a request takes milliseconds of one core; 1,769 MB is where Lambda gives a whole one, half of it is enough
    api_memory: Size = field(default_factory=lambda: Size.mebibytes(1024))
    requests_a_second: int = 50
    burst: int = 100
    api_keys: bool = True  # an API of its own for callers that cannot fetch a token
    internal: bool = True  # and one for callers inside the account, who sign with their role
    # the platform
    daemon: bool = True  # Dagster's schedules and sensors run; without it the daily report is a scheduled task
    zones: int = 2  # RDS asks for two; a second zone of endpoints costs as much as the first
    endpoint_zones: int = 1
    database_class: str = "t4g.micro"
    database_storage: Size = field(default_factory=lambda: Size.gibibytes(20))
    database_standby: bool = False
    keep_backups: Duration = field(default_factory=lambda: Duration.days(7))
    run_cpu: int = 2048  # a training uses two cores
    run_memory: Size = field(default_factory=lambda: Size.mebibytes(4096))
    # watching
    canary_every: Duration = field(default_factory=lambda: Duration.minutes(15))


@dataclass(frozen=True)
class Release:
    """What is deployed, as the context of the synthesis gives it.

    tag: of both images, the commit's sha. suffix: what makes bucket names globally unique. repository: who may deploy, `owner/name` on
    GitHub. alarms_to: an e-mail address, or none. api_zip: a folder with the endpoint and its dependencies, instead of the image, for
    where no image can run. s3_endpoint: another S3 than AWS's own, with the same purpose. champion_ttl: seconds until the endpoint asks
    again what is served, where its own default is not wanted.
    """

    tag: str
    suffix: str
    repository: str
    alarms_to: str | None
    api_zip: str | None
    s3_endpoint: str | None
    champion_ttl: str | None

    @classmethod
    def of(cls, app: App, suffix: str) -> "Release":
        """The release that an app's context describes. Raises ValueError on a repository that is no `owner/name`."""

        def given(name: str) -> str | None:
            return app.node.try_get_context(name) or None

        repository = given("repository") or ""
        owner, _, name = repository.partition("/")
        if not owner or not name or set("*? ") & set(repository):
            raise ValueError(f"context `repository` is {repository!r}; set it to owner/name, the only one that may deploy")
        return cls(
            tag=given("tag") or "unreleased",
            suffix=suffix,
            repository=repository,
            alarms_to=given("alarms_to"),
            api_zip=given("api_zip"),
            s3_endpoint=given("s3_endpoint"),
            champion_ttl=given("champion_ttl"),
        )


DEPLOYMENTS = (
    Deployment(name="staging", protected=False, keep_logs=logs.RetentionDays.ONE_MONTH),
    Deployment(
        name="prod",
        protected=True,
        keep_logs=logs.RetentionDays.ONE_YEAR,
        requests_a_second=200,
        burst=400,
        endpoint_zones=2,
        database_class="t4g.small",
        database_standby=True,
        keep_backups=Duration.days(30),
        canary_every=Duration.minutes(5),
    ),
)
