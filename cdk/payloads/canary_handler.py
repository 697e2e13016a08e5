"""What the canary runs: the one health check, against the address it is told.

Belongs here: nothing but the call. It stands in the canary's archive beside a copy of the check, and imports nothing else.
"""

import os
from typing import Any

from health_check import check


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Ask the endpoint how it is; what the check raises is what the canary reports."""
    return check(os.environ["MILK_ENDPOINT"])
