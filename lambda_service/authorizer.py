"""The API-key authorizer of the HTTP API: may this caller pass?

Belongs here: the Lambda handler and where it finds the hashes of known keys. How a key is compared lives in `keys`.

The hashes come from one of these settings, the first that is set:
- MILK_API_KEY_HASHES: the hashes themselves
- MILK_API_KEY_HASHES_SECRET: name or ARN of a Secrets Manager secret that holds them
- MILK_API_KEY_HASHES_PARAMETER: name of an SSM parameter that holds them
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

from lambda_service.api.api_keys import is_known, read_hashes

HEADER = "x-api-key"
SETTING = "MILK_API_KEY_HASHES"
SECRET = "MILK_API_KEY_HASHES_SECRET"  # noqa: S105  the name of a setting
PARAMETER = "MILK_API_KEY_HASHES_PARAMETER"
KEPT = 300.0  # seconds until a store is asked again: how long a revoked key may live on
PATIENCE = {"connect_timeout": 1, "read_timeout": 2, "retries": {"total_max_attempts": 2}}  # API Gateway waits ten seconds in all

log = logging.getLogger(__name__)


class Hashes:
    """The hashes of known keys, kept for a while."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: frozenset[str] | None = None
        self._until = 0.0

    def current(self, now: float) -> frozenset[str]:
        """The hashes at a time, in seconds of any steady clock.

        Asks a store once in KEPT seconds. Where it fails, those of before hold; where there are none, raises RuntimeError, which
        API Gateway answers with 500 and does not remember. What the store holds is in no message.
        """
        with self._lock:
            if self._kept is None or now >= self._until:
                try:
                    self._kept = read_hashes(_stored())
                except Exception as error:
                    reason = str(error) if isinstance(error, ValueError | LookupError) else type(error).__name__
                    if self._kept is None:
                        raise RuntimeError(f"the hashes of API keys cannot be read: {reason}") from None
                    log.error("the hashes of API keys cannot be read anew, those of before hold: %s", reason)
                self._until = now + KEPT
            return self._kept


hashes = Hashes()


def handler(event: Mapping[str, Any], context: object = None) -> dict[str, bool]:
    """Answer an HTTP API's request of payload format 2.0 with a simple response, {"isAuthorized": bool}.

    Raises RuntimeError where it is not known which keys are valid.
    """
    headers = event.get("headers") or {}
    key = next((value for name, value in headers.items() if name.lower() == HEADER), "")
    return {"isAuthorized": is_known(key if isinstance(key, str) else "", hashes.current(time.monotonic()))}


def _stored() -> str:
    if SETTING in os.environ:
        return os.environ[SETTING]
    if name := os.environ.get(SECRET):
        return str(_client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
    if name := os.environ.get(PARAMETER):
        return str(_client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
    raise LookupError(f"set {SETTING}, {SECRET} or {PARAMETER}")


def _client(service: str) -> Any:
    import boto3  # type: ignore[import-untyped]  # in the Lambda runtime; half a second that a setting in the environment spares
    from botocore.config import Config  # type: ignore[import-untyped]

    return boto3.client(service, config=Config(**PATIENCE))
