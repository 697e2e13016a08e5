"""The Lambda handler, in the container image and in the zip alike.

Belongs here: making the endpoint while the function starts, so that the first caller does not wait for it. The rest is `edge`'s.
"""

from __future__ import annotations

import gc

gc.disable()  # what a start makes is kept for the life of the function: looking through it for garbage is a tenth of the start

from collections.abc import Mapping  # noqa: E402
from typing import Any  # noqa: E402

from lambda_service.settings import Settings  # noqa: E402

_edge = Settings.read().edge()
_edge.warm()
gc.freeze()
gc.enable()


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """The response to an HTTP API's event of payload format 2.0."""
    return _edge.answer(event, context)
