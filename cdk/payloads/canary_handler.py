"""Canary handler: runs the endpoint's health check.

Belongs here: only the call. The canary's archive holds this file next to a copy of `lambda_service/health_check.py`, so it must not
import anything else.
"""

import os
from typing import Any

from health_check import check


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Check the endpoint at MILK_ENDPOINT. An exception of the check makes the canary's run fail."""
    return check(os.environ["MILK_ENDPOINT"])
