"""Series route: the catalogue of series that are forecast.

Belongs here: the route of the tag `series`. Not here: filtering and paging (`queries`).
"""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from lambda_service.api import queries, schemas
from lambda_service.api.routes.common import EndpointServices, declare_answer, json_response, new_router
from milk_model.series_names import LONGEST_NAME

NameFilter = Annotated[str | None, Query(min_length=1, max_length=LONGEST_NAME)]


def series_router(services: EndpointServices) -> APIGatewayHttpRouter:
    """GET /v1/series."""
    router = new_router()

    @router.get(
        "/v1/series",
        tags=["series"],
        responses=declare_answer(schemas.Catalogue, 422, 503),
        summary="The series that are forecast",
    )
    def series(
        state: NameFilter = None,
        city: NameFilter = None,
        milk: NameFilter = None,
        channel: NameFilter = None,
        limit: Annotated[int, Query(ge=1, le=schemas.MAX_PAGE_SIZE)] = 100,
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    ) -> Response[str]:
        market = services.champion.current()
        page = queries.catalogue_page(market, limit, offset, state=state, city=city, milk=milk, channel=channel)
        return json_response({**page, "model": queries.describe_served(market, services.now())}, services, market)

    return router
