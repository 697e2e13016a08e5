"""Model route: facts about the served model version.

Belongs here: the route of the tag `model`. Not here: the facts, which come with the model's bundle.
"""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from lambda_service.api import queries, schemas
from lambda_service.api.routes.common import EndpointServices, declare_answer, json_response, new_router


def model_router(services: EndpointServices) -> APIGatewayHttpRouter:
    """GET /v1/model."""
    router = new_router()

    @router.get("/v1/model", tags=["model"], responses=declare_answer(schemas.ModelCard, 503), summary="The served model version")
    def model() -> Response[str]:
        market = services.champion.current()
        document = {
            "model": queries.describe_served(market, services.now()),
            "bundle": market.manifest.bundle,
            "data": market.manifest.data.sha256,
            "workbook": market.snapshot.workbook,
            "series": len(market.names),
            "facts": market.manifest.facts,
        }
        return json_response(document, services, market)

    return router
