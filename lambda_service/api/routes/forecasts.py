"""Forecast routes: one series by names or key, or up to 500 series in one request.

Belongs here: the routes of the tag `forecasts`. Not here: finding series and forecasts (`queries`).
"""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from lambda_service.api import queries, schemas
from lambda_service.api.resolver import record_of
from lambda_service.api.routes.common import EndpointServices, declare_answer, json_response, new_router
from lambda_service.serving.scored_market import ScoredMarket
from milk_model.series_names import LONGEST_NAME

FORECASTS_PATH = "/v1/forecasts"

PathName = Annotated[str, Path(min_length=1, max_length=LONGEST_NAME)]
QueryName = Annotated[str, Query(min_length=1, max_length=LONGEST_NAME)]


def forecasts_router(services: EndpointServices) -> APIGatewayHttpRouter:
    """GET and POST /v1/forecasts, and GET /v1/forecasts/<state>/<city>/<milk>/<channel>."""
    router = new_router()
    _add_single_series_routes(router, services)
    _add_batch_route(router, services)
    return router


def _add_single_series_routes(router: APIGatewayHttpRouter, services: EndpointServices) -> None:
    responses = declare_answer(schemas.SeriesAnswer, 404, 422, 503)

    def answer_series(key: str, market: ScoredMarket) -> Response[str]:
        document = {**queries.forecasts_of(market, key), "model": queries.describe_served(market, services.now())}
        return json_response(document, services, market)

    @router.get(FORECASTS_PATH, tags=["forecasts"], responses=responses, summary="Forecasts of one series, by its four names")
    def by_names(state: QueryName, city: QueryName, milk: QueryName, channel: QueryName) -> Response[str]:
        market = services.champion.current()
        return answer_series(queries.find_series(market, state, city, milk, channel), market)

    @router.get(
        f"{FORECASTS_PATH}/<state>/<city>/<milk>/<channel>",
        tags=["forecasts"],
        responses=responses,
        summary="Forecasts of one series, by its key",
    )
    def by_key(state: PathName, city: PathName, milk: PathName, channel: PathName) -> Response[str]:
        market = services.champion.current()
        return answer_series(queries.find_series(market, state, city, milk, channel), market)

    def incomplete_key(**parts: str) -> Response[str]:
        """Answer 404 with the nearest complete keys."""
        queries.find_key(services.champion.current(), "/".join(parts.values())[: 4 * LONGEST_NAME])
        raise AssertionError("a key with fewer than four parts was found")

    for parts in ("<state>", "<state>/<city>", "<state>/<city>/<milk>"):
        router.get(f"{FORECASTS_PATH}/{parts}", include_in_schema=False, enable_validation=False)(incomplete_key)


def _add_batch_route(router: APIGatewayHttpRouter, services: EndpointServices) -> None:
    @router.post(
        FORECASTS_PATH,
        tags=["forecasts"],
        responses=declare_answer(schemas.BatchAnswer, 413, 422, 503),
        summary="Forecasts of up to 500 series",
    )
    def batch(body: Annotated[schemas.Batch, Body()]) -> Response[str]:
        market = services.champion.current()
        results = queries.batch_results(market, body.items)
        record_of(router).unknown_series += sum(result["status"] == 404 for result in results)
        document = {
            "items": results,
            "failed": sum(result["status"] != 200 for result in results),
            "model": queries.describe_served(market, services.now()),
        }
        return json_response(document, services, market, cacheable=False)
