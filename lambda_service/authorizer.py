"""Key authorizer: the Lambda authorizer of the HTTP API that checks API keys.

Belongs here: its handler, its settings, and caching the hashes of valid keys. Not here: comparing keys (`api.api_keys`).

Its settings are separate from `settings` and use no pydantic, which keeps its cold start short.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from threading import Lock
from typing import Any, NamedTuple

from lambda_service.api.api_keys import API_KEY_HEADER, is_valid_key, parse_hashes

HASHES_VARIABLE = "MILK_API_KEY_HASHES"
SECRET_VARIABLE = "MILK_API_KEY_HASHES_SECRET"  # noqa: S105  the name of a variable, not a secret
PARAMETER_VARIABLE = "MILK_API_KEY_HASHES_PARAMETER"
AUTHORIZER_VARIABLES = {
    HASHES_VARIABLE: "sha256 hashes of the valid API keys, separated by commas.",
    SECRET_VARIABLE: "Name or ARN of the Secrets Manager secret with the hashes, for the key authorizer.",
    PARAMETER_VARIABLE: "Name of the SSM parameter with the hashes, for the key authorizer.",
}
CACHE_SECONDS = 300.0  # until the store is read again: a revoked key stays valid at most this long
CLIENT_CONFIG = {"connect_timeout": 1, "read_timeout": 2, "retries": {"total_max_attempts": 2}}  # API Gateway waits ten seconds

log = logging.getLogger(__name__)


class AuthorizerSettings(NamedTuple):
    """Where the hashes are stored. The first of these that is set is used.

    Attributes:
        hashes: the hashes themselves; None when the variable is not set.
        secret: name or ARN of a Secrets Manager secret.
        parameter: name of an SSM parameter.
    """

    hashes: str | None = None
    secret: str = ""
    parameter: str = ""

    @staticmethod
    def from_environment(environment: Mapping[str, str] = os.environ) -> AuthorizerSettings:
        """The settings in environment variables.

        Raises:
            LookupError: none of the variables is set.
        """
        settings = AuthorizerSettings(
            environment.get(HASHES_VARIABLE), environment.get(SECRET_VARIABLE, ""), environment.get(PARAMETER_VARIABLE, "")
        )
        if settings == AuthorizerSettings():
            raise LookupError(f"set one of {', '.join(AUTHORIZER_VARIABLES)}")
        return settings


class KeyHashCache:
    """The hashes of valid keys, read again after CACHE_SECONDS."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._hashes: frozenset[str] | None = None
        self._fresh_until = 0.0

    def current(self, now: float) -> frozenset[str]:
        """The hashes of valid keys. While the store fails, the last ones that were read.

        Args:
            now: seconds of a monotonic clock.

        Raises:
            RuntimeError: the store failed and nothing was read before. API Gateway answers 500 and does not cache that. The message
                never contains the stored text.
        """
        with self._lock:
            if self._hashes is None or now >= self._fresh_until:
                try:
                    self._hashes = parse_hashes(_read_hashes())
                except Exception as error:
                    reason = str(error) if isinstance(error, ValueError | LookupError) else type(error).__name__
                    if self._hashes is None:
                        raise RuntimeError(f"the hashes of API keys cannot be read: {reason}") from None
                    log.error("the hashes of API keys cannot be read again, the last ones stay valid: %s", reason)
                self._fresh_until = now + CACHE_SECONDS
            return self._hashes


key_hashes = KeyHashCache()


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, bool]:
    """Answer an authorizer request of payload format 2.0 with a simple response, {"isAuthorized": bool}.

    Raises:
        RuntimeError: the valid keys cannot be read.
    """
    headers = event.get("headers") or {}
    key = next((value for name, value in headers.items() if name.lower() == API_KEY_HEADER), "")
    is_authorized = is_valid_key(key if isinstance(key, str) else "", key_hashes.current(time.monotonic()))
    return {"isAuthorized": is_authorized}


def _read_hashes() -> str:
    """The stored text with the hashes."""
    settings = AuthorizerSettings.from_environment()
    if settings.hashes is not None:
        return settings.hashes
    if settings.secret:
        return str(_client("secretsmanager").get_secret_value(SecretId=settings.secret)["SecretString"])
    return str(_client("ssm").get_parameter(Name=settings.parameter, WithDecryption=True)["Parameter"]["Value"])


def _client(service: str) -> Any:
    # the Lambda runtime contains boto3; importing it takes half a second, which MILK_API_KEY_HASHES avoids
    import boto3  # type: ignore[import-untyped]  # boto3 has no types
    from botocore.config import Config  # type: ignore[import-untyped]  # nor has botocore

    return boto3.client(service, config=Config(**CLIENT_CONFIG))
