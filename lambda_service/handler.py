"""Lambda handler of the endpoint, for the container image and the zip package.

Belongs here: building the endpoint while the function starts, so that the first request does not wait for it. Not here: answering
requests (`lambda_service.api.middleware`).
"""

from __future__ import annotations

import gc

# objects created at start-up live for the whole process; skipping garbage collection saves about 10 % of the cold start
gc.disable()

from collections.abc import Mapping  # noqa: E402  after gc.disable()
from typing import Any  # noqa: E402

from lambda_service.endpoint import build_frontend  # noqa: E402
from lambda_service.settings import EndpointSettings  # noqa: E402

_frontend = build_frontend(EndpointSettings.from_environment())
_frontend.load_champion()
gc.freeze()
gc.enable()


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """The response to an HTTP API event of payload format 2.0."""
    return _frontend.respond(event, context)
