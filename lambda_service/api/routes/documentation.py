"""Documentation routes: the OpenAPI document and the Swagger page.

Belongs here: their two routes, which the document itself leaves out. Not here: making the document (`lambda_service.api.openapi`).
"""

from __future__ import annotations

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from lambda_service.api.openapi import openapi_document, swagger_page
from lambda_service.api.routes.common import JSON_CONTENT_TYPE, new_router

SWAGGER_PATH, OPENAPI_PATH = "/docs", "/openapi.json"


def documentation_router(app: APIGatewayHttpResolver) -> APIGatewayHttpRouter:
    """GET /docs and GET /openapi.json. app: whose routes are documented."""
    router = new_router()

    @router.get(SWAGGER_PATH, include_in_schema=False, enable_validation=False)
    def swagger() -> Response[str]:
        if router.current_event.query_string_parameters.get("format") == "json":  # the link to the document on the page itself
            return openapi()
        return Response(200, "text/html", swagger_page(app), headers={"Cache-Control": "no-cache"})

    @router.get(OPENAPI_PATH, include_in_schema=False, enable_validation=False)
    def openapi() -> Response[str]:
        return Response(200, JSON_CONTENT_TYPE, openapi_document(app), headers={"Cache-Control": "no-cache"})

    return router
