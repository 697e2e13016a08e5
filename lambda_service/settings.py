"""Settings of the endpoint: environment variables with types, defaults and descriptions.

Belongs here: every variable that the endpoint reads, and its validation. Not here: building the endpoint from them (`endpoint`), and
the key authorizer's own variables (`authorizer`, which must start without pydantic).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from lambda_service.api.api_keys import parse_hashes
from lambda_service.api.observability import DEFAULT_NAMESPACE, DEFAULT_SERVICE
from lambda_service.serving.artefact_reader import TIMEOUT_SECONDS
from lambda_service.serving.champion import TTL_SECONDS

PACKAGED_MODEL = Path(__file__).parent / "baked"  # `deploy.lambda_package --model` fills this folder
NEVER_SHOWN = frozenset({"MILK_API_KEY_HASHES"})  # in messages: someone may have set a key instead of its hash

Seconds = Annotated[float, Field(gt=0, le=86_400)]
KeyHashes = Annotated[frozenset[str], BeforeValidator(lambda value: parse_hashes(value) if isinstance(value, str) else value)]


class SettingError(ValueError):
    """An environment variable has a wrong value; the message names the variable, the value, and what to do."""


class EndpointSettings(BaseModel):
    """The settings of one process. Empty variables count as not set."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    home: str = Field(".milk", alias="MILK_HOME", description="Folder of all local files.")
    artefacts: str = Field(
        "", alias="MILK_ARTEFACTS", description="Artefact store: a folder, or `s3://bucket`. By default `artefacts` in MILK_HOME."
    )
    packaged_model: Path = Field(
        PACKAGED_MODEL,
        alias="MILK_BAKED",
        description="Folder with the layout of the artefact store, to serve from until the store answers; ignored if it does not exist.",
    )
    champion_ttl: Seconds = Field(
        TTL_SECONDS,
        alias="MILK_CHAMPION_TTL",
        description="Seconds between checks for a new champion, above 0 and at most 86400.",
    )
    store_timeout: Seconds = Field(
        TIMEOUT_SECONDS,
        alias="MILK_STORE_TIMEOUT",
        description="Seconds to wait for a file of the store, above 0 and at most 86400.",
    )
    region: str = Field("us-east-1", alias="AWS_REGION", description="AWS region of the bucket.")
    s3_endpoint: str | None = Field(
        None, alias="MILK_S3_ENDPOINT", description="URL of another S3 server than AWS, such as http://127.0.0.1:9000."
    )
    key_hashes: KeyHashes = Field(
        frozenset(),
        alias="MILK_API_KEY_HASHES",
        description="sha256 hashes of the valid API keys, separated by commas; without them no key is required.",
    )
    service_name: str = Field(
        DEFAULT_SERVICE, alias="POWERTOOLS_SERVICE_NAME", description="Service name in logs and dimension of metrics."
    )
    metrics_namespace: str = Field(
        DEFAULT_NAMESPACE, alias="POWERTOOLS_METRICS_NAMESPACE", description="Namespace of the metrics in CloudWatch."
    )

    @staticmethod
    def from_environment(environment: Mapping[str, str] = os.environ) -> EndpointSettings:
        """The settings in environment variables.

        Raises:
            SettingError: a variable has a wrong value.
        """
        variables = [str(field.alias) for field in EndpointSettings.model_fields.values()]
        values = {variable: environment[variable] for variable in variables if environment.get(variable, "").strip()}
        try:
            return EndpointSettings.model_validate(values)
        except ValidationError as error:
            raise SettingError(_explain(error, values)) from None

    @property
    def artefact_root(self) -> str:
        """The root of the artefact store: a folder, or `s3://bucket`."""
        return self.artefacts or f"{self.home}/artefacts"

    @field_validator("artefacts")
    @classmethod
    def _check_root(cls, root: str) -> str:
        parts = urlsplit(root)
        if "://" not in root:
            return root
        if parts.scheme != "s3" or not parts.netloc or parts.path.strip("/"):
            raise ValueError("expected a folder, or s3:// and the name of a bucket without a path")
        return root

    @field_validator("s3_endpoint")
    @classmethod
    def _check_url(cls, url: str | None) -> str | None:
        if url is not None and not (urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname):
            raise ValueError("expected a URL with http:// or https://")
        return url


def describe_settings() -> list[tuple[str, str, str]]:
    """Every variable of the endpoint and its key authorizer, for documentation: (variable, default, description)."""
    from lambda_service.authorizer import AUTHORIZER_VARIABLES

    described = []
    for field in EndpointSettings.model_fields.values():
        default = field.default
        if default == PACKAGED_MODEL:
            default = "lambda_service/baked"
        described.append(
            (str(field.alias), f"{default:g}" if isinstance(default, float) else str(default or ""), str(field.description))
        )
    described += [(variable, "", text) for variable, text in AUTHORIZER_VARIABLES.items() if variable not in NEVER_SHOWN]
    return described


def _explain(error: ValidationError, values: Mapping[str, str]) -> str:
    first: Any = error.errors(include_url=False)[0]
    variable = str(first["loc"][0])
    field = next(field for field in EndpointSettings.model_fields.values() if field.alias == variable)
    value = "" if variable in NEVER_SHOWN else f"={values[variable]!r}"
    message = first["msg"].removeprefix("Value error, ")
    return f"{variable}{value}: {message}. {field.description} Correct the variable, or unset it to use the default."
