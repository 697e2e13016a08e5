"""API keys: creating a key, and recognising valid keys by their sha256 hashes.

Belongs here: parsing hashes, comparing in constant time, creating keys. Not here: where hashes are stored (`lambda_service.settings`,
`lambda_service.authorizer`).

    python -m lambda_service.api.api_keys    # prints a new key and its hash

Keys are long and random, so a plain sha256 protects them; do not use this for passwords.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import sys
from collections.abc import Collection
from typing import Any, NamedTuple

API_KEY_HEADER = "x-api-key"
MAX_KEY_LENGTH = 256  # characters; a key created here has 43, and a caller must not make the endpoint hash megabytes
CREATE_COMMAND = "python -m lambda_service.api.api_keys"
_HASH = re.compile(r"[0-9a-f]{64}")


class ApiKey(NamedTuple):
    """A new key for a caller, and the sha256 that the endpoint stores."""

    key: str
    sha256: str


def is_valid_key(key: str, hashes: Collection[str]) -> bool:
    """Whether a key has one of these hashes.

    Compares with every hash in constant time, so that the duration reveals neither how much of a key is right nor which key matched.

    Args:
        key: as the caller sent it.
        hashes: sha256 of the valid keys, 64 lower-case hex digits each.
    """
    if not 0 < len(key) <= MAX_KEY_LENGTH:
        return False
    digest = hash_of(key)
    is_valid = False
    for candidate in hashes:
        is_valid |= hmac.compare_digest(digest, candidate)
    return is_valid


def hash_of(key: str) -> str:
    """The sha256 of a key as 64 hex digits, to store in a setting or a secret."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def parse_hashes(text: str) -> frozenset[str]:
    """The hashes in a setting or a secret.

    Args:
        text: hashes separated by commas or white space, or a JSON object {key holder: hash}.

    Raises:
        ValueError: there is no hash, or a part is not a sha256. The message never contains the text, which could be a key.
    """
    hashes = [part.lower() for part in _split(text) if part]
    for number, candidate in enumerate(hashes, start=1):
        if not _HASH.fullmatch(candidate):
            raise ValueError(
                f"API key hash {number} of {len(hashes)} has {len(candidate)} characters and is not a sha256 (64 hex digits): "
                f"create a key and its hash with `{CREATE_COMMAND}`"
            )
    if not hashes:
        raise ValueError(f"expected at least one API key hash, got none: create a key and its hash with `{CREATE_COMMAND}`")
    return frozenset(hashes)


def create_key() -> ApiKey:
    """A new random key with its hash."""
    key = secrets.token_urlsafe(32)
    return ApiKey(key, hash_of(key))


def main() -> None:
    """Print a new key and its hash. The key is shown only once."""
    created = create_key()
    sys.stdout.write(f"key, for the caller's header {API_KEY_HEADER}; shown once:  {created.key}\n")
    sys.stdout.write(f"hash, for MILK_API_KEY_HASHES or the secret store:    {created.sha256}\n")


def _split(text: str) -> list[str]:
    if not text.lstrip().startswith("{"):
        return re.split(r"[,\s]+", text)
    try:
        hashes_by_holder: dict[str, Any] = json.loads(text)
    except ValueError:
        raise ValueError(
            "the API key hashes start like a JSON object but are not valid JSON: expected {holder: sha256}"
        ) from None
    return [str(value) for value in hashes_by_holder.values()]


if __name__ == "__main__":
    main()
