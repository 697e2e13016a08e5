"""Retry-After: how long a server asks clients to wait.

Belongs here: reading the header. Not here: how long a client really waits, which `sniim_site` and the outbox of alerts decide.
"""

import re

_SECONDS = re.compile(r"\d+(\.\d+)?")  # the standard has whole seconds; some chat servers send decimals


def retry_after_seconds(header: str | None) -> float | None:
    """The seconds in a Retry-After header, which has a number or an HTTP date; None when it is missing or unreadable."""
    if header is None:
        return None
    if _SECONDS.fullmatch(header.strip()):
        return float(header)
    from urllib3 import Retry
    from urllib3.exceptions import InvalidHeader

    try:
        return Retry().parse_retry_after(header)
    except InvalidHeader:
        return None
