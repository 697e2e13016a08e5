"""The Lambda handler, in the container image and in the zip alike.

Belongs here: making the endpoint while the function starts, so that the first caller does not wait for it. The rest is `edge`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambda_service.settings import Settings

_edge = Settings.read().edge()
_edge.warm()


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """The response to an HTTP API's event of payload format 2.0."""
    return _edge.answer(event, context)
