"""Health route: whether the endpoint answers, and with which model version.

Belongs here: the route of the tag `health`. Not here: the client that calls it (`lambda_service.health_check`).
"""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from lambda_service.api import queries, schemas
from lambda_service.api.routes.common import EndpointServices, declare_answer, json_response, new_router

HEALTH_PATH = "/v1/health"


def health_router(services: EndpointServices) -> APIGatewayHttpRouter:
    """GET /v1/health."""
    router = new_router()

    @router.get(
        HEALTH_PATH,
        tags=["health"],
        responses=declare_answer(schemas.Health, 503),
        summary="Health of the endpoint, and the model version that it serves",
        security=[{}],
    )
    def health() -> Response[str]:
        market = services.champion.current()
        last_refresh = services.champion.last_refresh
        document = {
            "status": "ok",
            "degraded": last_refresh.has_failed,
            "from_image": services.champion.is_fallback,
            "refresh": last_refresh.to_document(),
            "model": queries.describe_served(market, services.now()),
        }
        return json_response(document, services, market, cacheable=False)

    return router
