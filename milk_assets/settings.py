"""Environments: local, staging and prod, and every name and URI that follows from them.

Belongs here: names of buckets, folders, databases, models and settings, each derived once and checked once.
Does not: anything that opens them (resources/), and anything heavy: `cdk/` imports this module too.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from milk_assets.resource_names import COMPUTE_LOGS as COMPUTE_LOGS
from milk_assets.resource_names import ENVIRONMENT_NAMES as NAMES
from milk_assets.resource_names import EXPERIMENT as EXPERIMENT
from milk_assets.resource_names import MODEL as MODEL
from milk_assets.resource_names import PROJECT as PROJECT
from milk_assets.resource_names import TIMEZONE as TIMEZONE
from milk_assets.resource_names import EnvironmentName as Name
from milk_assets.resource_names import bucket_name, resource_name
from milk_assets.sniim.names import SOURCE_FOLDER

bucket, resource = bucket_name, resource_name  # previous names

OWNER = "team:milk"

OFFICIAL_SOURCE = f"https://www.economia-sniim.gob.mx/{SOURCE_FOLDER}"
SAMPLE_PORT = 8765  # where the sample publisher listens unless told otherwise
SAMPLE_SOURCE = f"http://127.0.0.1:{SAMPLE_PORT}/{SOURCE_FOLDER}"


class SettingError(ValueError):
    """A setting cannot be used: says which, what came, and what to do."""


@dataclass(frozen=True)
class Environment:
    """Where everything is, for one of the three environments.

    home: folder of what stays on this machine (Dagster's and MLflow's databases locally, scratch elsewhere).
    lake, artefacts: a folder's absolute path, or `s3://bucket`. Raises SettingError on a value that cannot be right.
    """

    name: Name
    home: Path
    lake: str
    artefacts: str
    tracking_uri: str
    source_url: str
    region: str
    s3_endpoint: str | None

    @classmethod
    def from_env(cls, settings: Mapping[str, str] | None = None) -> "Environment":
        """The environment that the MILK_* settings describe; without any, `local`, all of it under `.milk/`."""
        settings = os.environ if settings is None else settings
        name = settings.get("MILK_ENV") or "local"
        if name not in NAMES:
            raise SettingError(f"MILK_ENV is {name!r}; set it to one of {', '.join(NAMES)}, or leave it unset for local")
        home = Path(settings.get("MILK_HOME") or ".milk").absolute()
        suffix = settings.get("MILK_BUCKET_SUFFIX", "")
        local = name == "local"
        environment = cls(
            name=name,  # type: ignore[arg-type]  # checked above
            home=home,
            lake=str(home / "lake") if local else f"s3://{bucket(name, 'lake', suffix)}",
            artefacts=str(home / "artefacts") if local else f"s3://{bucket(name, 'artefacts', suffix)}",
            tracking_uri=settings.get("MILK_TRACKING_URI") or f"sqlite:///{home / 'mlflow.db'}",
            source_url=(settings.get("MILK_SOURCE_URL") or (SAMPLE_SOURCE if local else OFFICIAL_SOURCE)).rstrip("/"),
            region=settings.get("AWS_REGION") or "us-east-1",
            s3_endpoint=settings.get("MILK_S3_ENDPOINT") or None,
        )
        environment.check()
        return environment

    @property
    def mlflow_artefacts(self) -> str:
        """The URI under which MLflow keeps the artefacts of its runs."""
        if self.name == "local":
            return (Path(self.artefacts) / "mlflow").as_uri()
        return f"{self.artefacts}/mlflow"

    @property
    def source_shown(self) -> str:
        """The source's address for messages: without credentials and query."""
        parts = urlsplit(self.source_url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"

    @property
    def look_every_seconds(self) -> int:
        """Seconds between looks at the source: hourly is polite to a public site, a publisher on this machine needs no politeness."""
        return 15 if self.source_is_here else 3600

    @property
    def look_ahead_days(self) -> int:
        """Days after today that are looked at too: a publisher on this machine may be advanced past the calendar, a site never is."""
        return 14 if self.source_is_here else 0

    @property
    def source_is_here(self) -> bool:
        """Whether the source is a publisher on this machine."""
        return urlsplit(self.source_url).hostname in {"127.0.0.1", "localhost", "::1"}

    @property
    def dagster_home(self) -> Path:
        """The folder that DAGSTER_HOME names on this machine."""
        return self.home / "dagster"

    def check(self) -> None:
        """Raise SettingError where a URI has no known scheme or holds the name of another environment."""
        for setting, uri in {"MILK_SOURCE_URL": self.source_url, "MILK_S3_ENDPOINT": self.s3_endpoint}.items():
            if uri is not None and urlsplit(uri).scheme not in {"http", "https"}:
                raise SettingError(f"{setting} must be an http(s) address; it has the scheme {urlsplit(uri).scheme!r}")
        others = [other for other in NAMES if other not in {self.name, "local"}]
        for what, uri in {"lake": self.lake, "artefacts": self.artefacts, "tracking": self.tracking_uri}.items():
            # folders may be called anything; names of buckets and servers are ours
            place = "" if uri.startswith(("/", "sqlite:")) else f"{urlsplit(uri).hostname or ''}{urlsplit(uri).path}"
            for other in others:
                if other in place.replace(".", "-").replace("/", "-").split("-"):
                    raise SettingError(f"{self.name} may not use {other}'s {what} ({place}): correct MILK_ENV or the setting")
