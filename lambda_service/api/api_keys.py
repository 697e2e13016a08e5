"""API keys: which are known, by their hashes.

Belongs here: reading hashes, comparing in constant time, making a key. Where hashes are kept, and who asks, is elsewhere. Keys are
random and long, so a plain sha256 hides them; it is no way to keep passwords.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Collection
from typing import Any

LONGEST_KEY = 256  # characters; a key made here has 43, and nobody should have us hash a megabyte
_HASH = re.compile(r"[0-9a-f]{64}")


def is_known(key: str, hashes: Collection[str]) -> bool:
    """Whether the key is one of those with these sha256 hashes (64 lower-case hex digits each).

    Every hash is compared, in constant time, so that the answer's time tells neither how much of a key is right nor which one it is.
    """
    if not 0 < len(key) <= LONGEST_KEY:
        return False
    digest = hash_of(key)
    known = False
    for candidate in hashes:
        known |= hmac.compare_digest(digest, candidate)
    return known


def hash_of(key: str) -> str:
    """The sha256 of a key, 64 hex digits: what a setting or a secret store holds in its place."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def read_hashes(text: str) -> frozenset[str]:
    """The hashes in a setting or secret: set apart by commas or white space, or a JSON object {whose key: hash}.

    Raises ValueError on one that is no sha256, or where there is none. The text is not repeated: someone may have put a key there.
    """
    parts = [str(part) for part in _owned(text).values()] if text.lstrip().startswith("{") else re.split(r"[,\s]+", text)
    found = [part.lower() for part in parts if part]
    for place, part in enumerate(found, start=1):
        if not _HASH.fullmatch(part):
            raise ValueError(
                f"API key hash {place} of {len(found)} has {len(part)} characters and is no sha256 (64 hex digits): "
                "make one with `python -m lambda_service.api.api_keys`"
            )
    if not found:
        raise ValueError("there is no API key hash: make one with `python -m lambda_service.api.api_keys`")
    return frozenset(found)


def _owned(text: str) -> dict[str, Any]:
    try:
        owned: dict[str, Any] = json.loads(text)
    except ValueError:
        raise ValueError("the API key hashes begin as a JSON object and are none: expected {whose key: its sha256, …}") from None
    return owned


if __name__ == "__main__":
    made = secrets.token_urlsafe(32)
    print(f"key, for the caller's header x-api-key; shown once:  {made}")  # noqa: T201  the command's whole purpose
    print(f"hash, for MILK_API_KEY_HASHES or the secret store:    {hash_of(made)}")  # noqa: T201
