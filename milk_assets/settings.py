"""Settings: every environment variable of the platform, typed and checked once, and the addresses that follow from them.

Belongs here: variables, defaults and derived addresses. Not here: clients that open them (`stores`, `defs.resources`), names of cloud
resources (`milk_assets.resource_names`), settings of the HTTP endpoint (`lambda_service.settings`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from milk_assets.resource_names import ENVIRONMENT_NAMES, EnvironmentName, bucket_name
from milk_assets.resource_names import EXPERIMENT as EXPERIMENT
from milk_assets.resource_names import MODEL as MODEL
from milk_assets.resource_names import SAMPLE_PORT as SAMPLE_PORT
from milk_assets.resource_names import TIMEZONE as TIMEZONE
from milk_assets.sniim.names import SOURCE_FOLDER

OWNER = "team:milk"
OFFICIAL_SOURCE = f"https://www.economia-sniim.gob.mx/{SOURCE_FOLDER}"
SAMPLE_SOURCE = f"http://127.0.0.1:{SAMPLE_PORT}/{SOURCE_FOLDER}"
MASK = "••••••"
LOOPBACK_HOSTS = {"127.0.0.1", "localhost", "::1"}

Deployment = Literal["local", "compose", "ecs"]
DEPLOYMENTS: tuple[str, ...] = get_args(Deployment)
Port = Annotated[int, Field(ge=1, le=65535)]


class SettingError(ValueError):
    """A setting cannot be used: the message names the setting and its value, and says what to do."""


class SettingRow(NamedTuple):
    """One setting as `milk settings` prints it."""

    variable: str
    value: str
    source: str


class Settings(BaseSettings):
    """The environment variables of the platform. An empty variable counts as unset.

    The addresses of the endpoint and of the alert channels are checked where they are used: a wrong one opens an incident or fails a
    message, and must not stop the platform.
    """

    model_config = SettingsConfigDict(
        env_ignore_empty=True, case_sensitive=True, extra="ignore", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    environment: EnvironmentName = Field(default="local", validation_alias="MILK_ENV", description="`local`, `staging` or `prod`")
    home: Path = Field(
        default=Path(".milk"), validation_alias="MILK_HOME", description="folder of everything that stays on this machine"
    )
    bucket_suffix: str = Field(
        default="",
        validation_alias="MILK_BUCKET_SUFFIX",
        description="makes bucket names globally unique, such as an account number",
    )
    tracking_uri: str | None = Field(
        default=None,
        validation_alias="MILK_TRACKING_URI",
        description="MLflow's tracking server; by default a SQLite database in the home folder",
    )
    source_url: str | None = Field(
        default=None,
        validation_alias="MILK_SOURCE_URL",
        description="folder of the workbooks; by default the sample publisher (local) or SNIIM's own site",
    )
    aws_region: str = Field(default="us-east-1", validation_alias="AWS_REGION", description="AWS region of the buckets")
    s3_endpoint: str | None = Field(
        default=None, validation_alias="MILK_S3_ENDPOINT", description="another S3 server than AWS, such as an emulator"
    )
    telegram_token: SecretStr | None = Field(
        default=None, validation_alias="MILK_TELEGRAM_TOKEN", description="token of the bot that sends alerts"
    )
    telegram_chat: str | None = Field(
        default=None, validation_alias="MILK_TELEGRAM_CHAT", description="chat that receives alerts"
    )
    telegram_url: str | None = Field(
        default=None, validation_alias="MILK_TELEGRAM_URL", description="another Bot API server than Telegram's own"
    )
    webhook_url: SecretStr | None = Field(
        default=None,
        validation_alias="MILK_WEBHOOK_URL",
        description="address that receives alerts as Slack JSON; it is a secret",
    )
    api_url: str | None = Field(
        default=None, validation_alias="MILK_API_URL", description="base address of the endpoint whose health is checked"
    )
    deployment: Deployment = Field(
        default="local",
        validation_alias="MILK_DEPLOYMENT",
        description="`local`, `compose` or `ecs`: which dagster.yaml a container writes",
    )
    dagster_home: Path | None = Field(
        default=None,
        validation_alias="DAGSTER_HOME",
        description="folder of Dagster's instance; a container writes its dagster.yaml there",
    )
    code_host: str | None = Field(
        default=None, validation_alias="MILK_CODE_HOST", description="compose, ecs: host of the code location server"
    )
    code_port: Port | None = Field(
        default=None, validation_alias="MILK_CODE_PORT", description="compose, ecs: port of the code location server"
    )
    run_task_definition: str | None = Field(
        default=None, validation_alias="MILK_RUN_TASK_DEFINITION", description="ECS: task definition of runs"
    )
    run_cluster: str | None = Field(default=None, validation_alias="MILK_RUN_CLUSTER", description="ECS: cluster of runs")
    run_subnets: str | None = Field(
        default=None, validation_alias="MILK_RUN_SUBNETS", description="ECS: subnets of runs, comma-separated"
    )
    run_security_group: str | None = Field(
        default=None, validation_alias="MILK_RUN_SECURITY_GROUP", description="ECS: security group of runs"
    )
    compute_logs_bucket: str | None = Field(
        default=None, validation_alias="MILK_COMPUTE_LOGS_BUCKET", description="ECS: bucket of the runs' output"
    )
    compute_logs_prefix: str | None = Field(
        default=None, validation_alias="MILK_COMPUTE_LOGS_PREFIX", description="ECS: folder of the runs' output"
    )
    pg_host: str | None = Field(
        default=None, validation_alias="PGHOST", description="Postgres of Dagster and MLflow (compose, ecs): host"
    )
    pg_port: Port | None = Field(default=None, validation_alias="PGPORT", description="Postgres: port")
    pg_user: str | None = Field(default=None, validation_alias="PGUSER", description="Postgres: user")
    pg_password: SecretStr | None = Field(default=None, validation_alias="PGPASSWORD", description="Postgres: password")
    pg_database: str | None = Field(default=None, validation_alias="PGDATABASE", description="Postgres: Dagster's database")
    pg_sslmode: str | None = Field(
        default=None, validation_alias="PGSSLMODE", description="Postgres: `disable`, `require`, `verify-full`, …"
    )

    @classmethod
    def read(cls, variables: Mapping[str, str] | None = None) -> "Settings":
        """The settings in some variables, by default those of this process. Raises SettingError on the first wrong one."""
        try:
            if variables is None:
                return cls()
            given: dict[str, Any] = {name: value for name, value in variables.items() if value and name in _variables()}
            return _GivenSettings(**given)
        except ValidationError as error:
            problem = error.errors(include_input=False)[0]
            variable = str(problem["loc"][0])
            raise SettingError(f"{variable} {_value_of(variable, variables)}: {_remedy(variable, problem['msg'])}") from None

    def describe(self) -> list[SettingRow]:
        """Every setting with its value (secrets masked) and where it comes from."""
        rows = []
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            shown = "" if value is None else MASK if isinstance(value, SecretStr) else _without_secrets(name, str(value))
            rows.append(
                SettingRow(str(field.validation_alias), shown, "environment" if name in self.model_fields_set else "default")
            )
        return rows


class _GivenSettings(Settings):
    """Settings from given variables only, not from those of the process."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def _variables() -> dict[str, str]:
    return {str(field.validation_alias): name for name, field in Settings.model_fields.items()}


def _value_of(variable: str, variables: Mapping[str, str] | None) -> str:
    import os

    name = _variables()[variable]
    if Settings.model_fields[name].annotation == SecretStr | None:
        return "is not usable"
    value = (os.environ if variables is None else variables).get(variable, "")
    return f"is {_without_secrets(name, value)!r}"


def _without_secrets(name: str, value: str) -> str:
    """The value of a setting as messages show it: addresses may contain a password or a token."""
    return without_credentials(value) if name.endswith(("_url", "_uri", "_endpoint")) else value


def _remedy(variable: str, message: str) -> str:
    if variable == "MILK_ENV":
        return f"set it to one of {', '.join(ENVIRONMENT_NAMES)}, or leave it unset for local"
    if variable == "MILK_DEPLOYMENT":
        return f"set it to one of {', '.join(DEPLOYMENTS)}, or leave it unset for local"
    return f"{message[0].lower()}{message[1:]}; it is the {Settings.model_fields[_variables()[variable]].description}"


def setting_reference() -> list[tuple[str, str, str]]:
    """Variable, default and meaning of every setting, for the documentation."""
    return [
        (str(field.validation_alias), "" if field.default is None else str(field.default), str(field.description))
        for field in Settings.model_fields.values()
    ]


def without_credentials(url: str) -> str:
    """An address without user, password and query, for messages."""
    parts = urlsplit(url)
    if not parts.netloc:  # a file of SQLite, or not an address
        return url
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@dataclass(frozen=True)
class Environment:
    """Where everything is, for one of the three environments.

    Attributes:
        name: local, staging or prod.
        home: Absolute folder of what stays on this machine (locally the databases of Dagster and MLflow, elsewhere scratch space).
        lake: Absolute folder, or `s3://bucket`.
        artefacts: Absolute folder, or `s3://bucket`.
        tracking_uri: MLflow's tracking server or database.
        source_url: Folder of the workbooks at the source.
        region: AWS region.
        s3_endpoint: Another S3 server than AWS.
    """

    name: EnvironmentName
    home: Path
    lake: str
    artefacts: str
    tracking_uri: str
    source_url: str
    region: str
    s3_endpoint: str | None

    @classmethod
    def from_env(cls, variables: Mapping[str, str] | None = None) -> Self:
        """The environment that some variables describe, by default those of this process.

        Without any variable it is `local`, with everything under `.milk/`. Raises SettingError on a value that cannot be used.
        """
        return cls.from_settings(Settings.read(variables))

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The environment that the settings describe. Raises SettingError on a value that cannot be used."""
        name, home = settings.environment, settings.home.absolute()
        is_local = name == "local"
        environment = cls(
            name=name,
            home=home,
            lake=str(home / "lake") if is_local else f"s3://{bucket_name(name, 'lake', settings.bucket_suffix)}",
            artefacts=str(home / "artefacts") if is_local else f"s3://{bucket_name(name, 'artefacts', settings.bucket_suffix)}",
            tracking_uri=settings.tracking_uri or f"sqlite:///{home / 'mlflow.db'}",
            source_url=(settings.source_url or (SAMPLE_SOURCE if is_local else OFFICIAL_SOURCE)).rstrip("/"),
            region=settings.aws_region,
            s3_endpoint=settings.s3_endpoint,
        )
        environment.check()
        return environment

    @property
    def mlflow_artefacts(self) -> str:
        """URI under which MLflow keeps the artefacts of its runs."""
        if self.name == "local":
            return (Path(self.artefacts) / "mlflow").as_uri()
        return f"{self.artefacts}/mlflow"

    @property
    def source_shown(self) -> str:
        """The source's address for messages, without credentials and query."""
        return without_credentials(self.source_url)

    @property
    def look_every_seconds(self) -> int:
        """Seconds between looks at the source: a public site is asked hourly, a local publisher can be polled often."""
        return 15 if self.source_is_local else 3600

    @property
    def look_ahead_days(self) -> int:
        """Days after today that are looked at too: a local publisher may be ahead of the calendar, a public site never is."""
        return 14 if self.source_is_local else 0

    @property
    def source_is_local(self) -> bool:
        """Whether the source is a publisher on this machine."""
        return urlsplit(self.source_url).hostname in LOOPBACK_HOSTS

    @property
    def dagster_home(self) -> Path:
        """Folder that DAGSTER_HOME names on this machine."""
        return self.home / "dagster"

    def check(self) -> None:
        """Raise SettingError where an address has an unknown scheme or contains the name of another environment."""
        for variable, url in {"MILK_SOURCE_URL": self.source_url, "MILK_S3_ENDPOINT": self.s3_endpoint}.items():
            if url is not None and urlsplit(url).scheme not in {"http", "https"}:
                raise SettingError(f"{variable} must be an http(s) address; it has the scheme {urlsplit(url).scheme!r}")
        others = [other for other in ENVIRONMENT_NAMES if other not in {self.name, "local"}]
        for purpose, uri in {"lake": self.lake, "artefacts": self.artefacts, "tracking": self.tracking_uri}.items():
            if uri.startswith(("/", "sqlite:")):
                continue  # folders may have any name; buckets and servers have ours
            address = f"{urlsplit(uri).hostname or ''}{urlsplit(uri).path}"
            words = address.replace(".", "-").replace("/", "-").split("-")
            for other in others:
                if other in words:
                    raise SettingError(
                        f"{self.name} may not use {other}'s {purpose} ({address}): correct MILK_ENV or the setting"
                    )
