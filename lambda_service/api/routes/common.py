"""Common parts of the routes: their services, JSON answers, and the responses that OpenAPI declares.

Belongs here: what more than one route module uses. Not here: any route.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from lambda_service.api import schemas
from lambda_service.api.problems import PROBLEM_CONTENT_TYPE
from lambda_service.serving.champion import Champion
from lambda_service.serving.report_files import ReportFiles
from lambda_service.serving.scored_market import ScoredMarket

JSON_CONTENT_TYPE = "application/json"
NO_STORE = "no-store"
MEXICO_CITY_BEHIND_UTC = timedelta(hours=6)  # all year, since Mexico abolished daylight saving time in 2022
MIN_CACHE_SECONDS = 60  # while a publication is overdue
PROBLEM_DESCRIPTIONS = {
    401: "the API key is missing or not valid",
    404: "the series or file does not exist",
    406: "the format is not available",
    413: "the body is too large",
    422: "a field is missing or wrong",
    503: "no model is loaded yet, or the file cannot be read at the moment",
}


@dataclass(frozen=True)
class EndpointServices:
    """What the routes answer from.

    Attributes:
        champion: the served model version.
        report_files: the price report and the track record.
        now: the clock, in seconds since 1970.
    """

    champion: Champion
    report_files: ReportFiles
    now: Callable[[], float]


def new_router() -> APIGatewayHttpRouter:
    """An empty router. Each application needs its own, because a router holds the application that includes it."""
    return APIGatewayHttpRouter()  # type: ignore[no-untyped-call]  # Powertools' constructor has no annotations


def json_response(
    document: Mapping[str, Any] | list[Any], services: EndpointServices, market: ScoredMarket, *, cacheable: bool = True
) -> Response[str]:
    """A document as JSON.

    Args:
        document: the answer.
        services: of the endpoint.
        market: that the answer was computed from.
        cacheable: whether callers may cache the answer until the next publication.
    """
    body = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    cache = cache_control(market, services.now()) if cacheable else NO_STORE
    return Response(200, JSON_CONTENT_TYPE, body, headers={"Cache-Control": cache})


def cache_control(market: ScoredMarket, now: float) -> str:
    """The Cache-Control header of forecasts: until midnight, in Mexico City, before the day of the next publication."""
    next_day = datetime.fromisoformat(str(market.snapshot.expected[0])).replace(tzinfo=UTC)
    seconds_left = int((next_day + MEXICO_CITY_BEHIND_UTC).timestamp() - now)
    return f"private, max-age={max(seconds_left, MIN_CACHE_SECONDS)}"


def declare_answer(model: Any, *problem_statuses: int) -> dict[int, Any]:
    """The OpenAPI responses of a route that answers JSON: its schema for 200, and these problems."""
    answer = {"description": "the answer", "content": {JSON_CONTENT_TYPE: {"model": model}}}
    return {200: answer, **declare_problems(*problem_statuses)}


def declare_problems(*statuses: int) -> dict[int, Any]:
    """The OpenAPI responses of these problem statuses, and of 401."""
    content = {PROBLEM_CONTENT_TYPE: {"model": schemas.ProblemDetails}}
    return {status: {"description": PROBLEM_DESCRIPTIONS[status], "content": content} for status in (401, *statuses)}
