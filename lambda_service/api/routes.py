"""The application: routes, and what each answers.

Belongs here: the HTTP of each route, and its part of the OpenAPI file. What an answer holds is `service`'s, `legacy`'s and `documents`'.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Protocol

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from pydantic import Field, SkipValidation

from lambda_service.api import openapi, predict_legacy, problems, queries, schemas
from lambda_service.api.problems import Problem, UnknownSeriesProblem
from lambda_service.serving.artefact_reader import MissingError, SourceError
from lambda_service.serving.champion import Champion, UnavailableError
from lambda_service.serving.report_files import Documents, format_for
from lambda_service.serving.scored_market import Market
from milk_model import artefact_paths
from milk_model.series_names import LONGEST_NAME

HEALTH, SWAGGER, OPENAPI = "/v1/health", "/docs", "/openapi.json"
OPEN = frozenset({HEALTH, SWAGGER, OPENAPI})  # that need no key
MEXICO_CITY = timedelta(hours=6)  # behind UTC the whole year since 2022
SHORTEST_AGE = 60  # seconds an answer may be kept while a publication is overdue
JSON = "application/json"
OURS = Problem(500, "something went wrong on our side: try again, and tell us the x-request-id")

PathName = Annotated[str, Path(min_length=1, max_length=LONGEST_NAME)]
QueryName = Annotated[str, Query(min_length=1, max_length=LONGEST_NAME)]
Filter = Annotated[str | None, Query(min_length=1, max_length=LONGEST_NAME)]
Predictions = Annotated[list[predict_legacy.PredictItem], Field(min_length=1, max_length=schemas.MOST_ITEMS)]


@dataclass(frozen=True)
class Deps:
    """What the routes answer from. now: seconds since 1970."""

    champion: Champion
    documents: Documents
    now: Callable[[], float]


class Watch(Protocol):
    """Is told what became of a request."""

    def matched(self, route: str) -> None:
        """The route of a request, as it is declared: what the caller wrote is in no log."""

    def failed(self, error: Exception) -> None:
        """An error of ours."""

    def unknown(self, count: int) -> None:
        """How many series were asked for that are none."""


def build_app(deps: Deps, watch: Watch) -> APIGatewayHttpResolver:
    """The resolver with every route."""
    app = APIGatewayHttpResolver(enable_validation=True)

    def remember(app: Any, call_next: Callable[[Any], Any]) -> Any:
        route = app.context["_route"]
        # where nothing matches, the resolver makes a route of what the caller wrote
        watch.matched(route.path if route in app._static_routes + app._dynamic_routes else "")
        return call_next(app)

    app.use([remember])
    _add_about(app, deps)
    _add_forecasts(app, deps, watch)
    _add_documents(app, deps)
    _add_problems(app, watch)
    _add_description(app)
    return app


def methods(app: APIGatewayHttpResolver, path: str) -> list[str]:
    """The methods that a path is answered by; none where there is nothing."""
    return sorted({route.method for route in app._static_routes + app._dynamic_routes if route.rule.match(path)})


def answer(document: Mapping[str, Any] | list[Any], deps: Deps, market: Market, *, keep: bool = True) -> Response[str]:
    """A document as JSON. keep: whether callers may keep it until the next publication."""
    body = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(200, JSON, body, headers={"Cache-Control": cache_control(market, deps.now()) if keep else "no-store"})


def cache_control(market: Market, now: float) -> str:
    """How long forecasts stand: to the start, in Mexico City, of the day of the next publication."""
    day = datetime.fromisoformat(str(market.snapshot.expected[0])).replace(tzinfo=UTC)
    left = int((day + MEXICO_CITY).timestamp() - now)
    return f"private, max-age={max(left, SHORTEST_AGE)}"


def _add_about(app: APIGatewayHttpResolver, deps: Deps) -> None:
    @app.get(
        HEALTH,
        tags=["about"],
        responses=_answers(schemas.Health, 503),
        summary="Whether it answers, and from what",
        security=[{}],
    )
    def health() -> Response[str]:
        market = deps.champion.current()
        refreshed = deps.champion.refreshed
        document = {
            "status": "ok",
            "degraded": refreshed.failed,
            "from_image": deps.champion.from_image,
            "refresh": refreshed.to_document(),
            "model": queries.served(market, deps.now()),
        }
        return answer(document, deps, market, keep=False)

    @app.get("/v1/model", tags=["about"], responses=_answers(schemas.ModelCard, 503), summary="The served model version")
    def model() -> Response[str]:
        market = deps.champion.current()
        document = {
            "model": queries.served(market, deps.now()),
            "bundle": market.manifest["bundle"],
            "data": market.manifest["data"]["sha256"],
            "workbook": market.snapshot.workbook,
            "series": len(market.names),
            "facts": dict(market.manifest["facts"]),
        }
        return answer(document, deps, market)

    @app.get("/v1/series", tags=["forecasts"], responses=_answers(schemas.Catalogue, 422, 503), summary="What is forecast")
    def series(
        state: Filter = None,
        city: Filter = None,
        milk: Filter = None,
        channel: Filter = None,
        limit: Annotated[int, Query(ge=1, le=schemas.LARGEST_PAGE)] = 100,
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    ) -> Response[str]:
        market = deps.champion.current()
        page = queries.catalogue(market, limit, offset, state=state, city=city, milk=milk, channel=channel)
        return answer({**page, "model": queries.served(market, deps.now())}, deps, market)


def _add_forecasts(app: APIGatewayHttpResolver, deps: Deps, watch: Watch) -> None:
    def one(key: str, market: Market) -> Response[str]:
        return answer({**queries.forecasts(market, key), "model": queries.served(market, deps.now())}, deps, market)

    answers = _answers(schemas.SeriesAnswer, 404, 422, 503)

    @app.get("/v1/forecasts", tags=["forecasts"], responses=answers, summary="Forecasts of one series, by its four names")
    def by_names(state: QueryName, city: QueryName, milk: QueryName, channel: QueryName) -> Response[str]:
        market = deps.champion.current()
        return one(queries.find(market, state, city, milk, channel), market)

    @app.get(
        "/v1/forecasts/<state>/<city>/<milk>/<channel>",
        tags=["forecasts"],
        responses=answers,
        summary="Forecasts of one series, by its key",
    )
    def by_key(state: PathName, city: PathName, milk: PathName, channel: PathName) -> Response[str]:
        market = deps.champion.current()
        return one(queries.find(market, state, city, milk, channel), market)

    def incomplete(**parts: str) -> Response[str]:
        queries.find_key(deps.champion.current(), "/".join(parts.values())[: 4 * LONGEST_NAME])
        raise AssertionError("a key of fewer than four parts is none")

    for rule in ("<state>", "<state>/<city>", "<state>/<city>/<milk>"):
        app.get(f"/v1/forecasts/{rule}", include_in_schema=False, enable_validation=False)(incomplete)

    @app.post(
        "/v1/forecasts", tags=["forecasts"], responses=_answers(schemas.BatchAnswer, 413, 422, 503), summary="Up to 500 series"
    )
    def batch(body: Annotated[schemas.Batch, Body()]) -> Response[str]:
        market = deps.champion.current()
        items = queries.batch(market, body.items)
        watch.unknown(sum(item["status"] == 404 for item in items))
        document = {
            "items": items,
            "failed": sum(item["status"] != 200 for item in items),
            "model": queries.served(market, deps.now()),
        }
        return answer(document, deps, market, keep=False)

    @app.post(
        "/predict",
        tags=["earlier service"],
        responses=_answers(schemas.Prediction | list[schemas.Prediction], 404, 413, 422, 503),
        summary="The earlier service's payload: one object, or a list of up to 500",
    )
    def predict(body: Annotated[SkipValidation[predict_legacy.PredictItem | Predictions], Body()]) -> Response[str]:
        # `body` is the schema's: the resolver cuts a list to its first item on its way here
        market = deps.champion.current()
        return answer(predict_legacy.predict(market, app.current_event.json_body), deps, market, keep=False)


def _add_documents(app: APIGatewayHttpResolver, deps: Deps) -> None:
    def document(path: str, content_type: str, what: str) -> Response[Any]:
        try:
            content = deps.documents.read(path)
        except MissingError:
            raise Problem(404, f"there is no {what} yet") from None
        except SourceError:
            raise Problem(503, f"the {what} cannot be read at the moment: try again", headers={"Retry-After": "60"}) from None
        # bytes for what is no text: API Gateway takes them in base64
        body = content if content_type.endswith("sheet") else content.decode()
        headers = {"Cache-Control": "private, no-cache"}  # kept, and asked for again with its ETag
        return Response(200, content_type, body, headers=headers)

    contents: dict[str, Any] = {
        "text/html": {},
        "application/json": {},
        "text/csv": {},
        artefact_paths.REPORT_FORMATS["xlsx"]: {},
    }
    responses = {200: {"description": "the report", "content": contents}, **_problems(404, 406, 503)}

    @app.get(
        "/v1/reports/latest",
        tags=["reports"],
        responses=responses,
        summary="The newest price report, by Accept",
        enable_validation=False,  # bytes are nothing the resolver can validate
    )
    def report() -> Response[Any]:
        suffix = format_for(app.current_event.headers.get("accept", ""))
        if suffix is None:
            raise Problem(406, f"expected one of {', '.join(artefact_paths.REPORT_FORMATS.values())}")
        found = document(f"{artefact_paths.LATEST_REPORT}/report.{suffix}", artefact_paths.REPORT_FORMATS[suffix], "report")
        found.headers["Vary"] = "Accept"
        return found

    for suffix, content_type in artefact_paths.REPORT_FORMATS.items():
        _add_report(app, suffix, content_type, document)

    record = {200: {"description": "the track record", "content": {JSON: {"schema": {"type": "object"}}}}, **_problems(404, 503)}

    @app.get(
        "/v1/track-record",
        tags=["reports"],
        responses=record,
        summary="How forecasts fared once their dates were published",
        enable_validation=False,
    )
    def track_record() -> Response[Any]:
        return document(artefact_paths.TRACK_RECORD, JSON, "track record")


def _add_report(
    app: APIGatewayHttpResolver, suffix: str, content_type: str, document: Callable[[str, str, str], Response[Any]]
) -> None:
    ok = {200: {"description": "the report", "content": {content_type.split(";")[0]: {}}}, **_problems(404, 503)}

    @app.get(
        f"/v1/reports/latest.{suffix}",
        tags=["reports"],
        responses=ok,
        summary=f"The newest price report as {suffix.upper()}",
        operation_id=f"report_{suffix}",
        enable_validation=False,
    )
    def report_as() -> Response[Any]:
        return document(f"{artefact_paths.LATEST_REPORT}/report.{suffix}", content_type, "report")


def _add_problems(app: APIGatewayHttpResolver, watch: Watch) -> None:
    def problem(error: Problem) -> Response[str]:
        watch.unknown(int(isinstance(error, UnknownSeriesProblem)))
        return Response(error.status, problems.CONTENT_TYPE, error.body(), headers={"Cache-Control": "no-store", **error.headers})

    def validation(error: RequestValidationError) -> Response[str]:
        errors = [{**one, "loc": one["loc"][1:] or one["loc"]} for one in error.errors()]
        return problem(problems.invalid(errors))

    def unavailable(_: UnavailableError) -> Response[str]:
        return problem(Problem(503, "no model could be loaded yet: try again in a minute", headers={"Retry-After": "60"}))

    def not_found(_: NotFoundError) -> Response[str]:
        path, method = app.current_event.path, app.current_event.http_method
        allowed = methods(app, path)  # the resolver answers 404 where 405 is right
        if allowed and method not in allowed:
            allow = ", ".join(["HEAD", *allowed] if "GET" in allowed else allowed)
            return problem(Problem(405, f"{method} is not answered here, {allow} is", headers={"Allow": allow}))
        return problem(Problem(404, f"there is nothing here: see {SWAGGER}"))

    def broken(error: Exception) -> Response[str]:
        watch.failed(error)  # left to itself, the resolver would log the error with its text
        return problem(OURS)

    handlers = {
        Exception: broken,
        Problem: problem,
        RequestValidationError: validation,
        UnavailableError: unavailable,
        NotFoundError: not_found,
    }
    for kind, handle in handlers.items():
        app.exception_handler(kind)(handle)


def _add_description(app: APIGatewayHttpResolver) -> None:
    @app.get(SWAGGER, include_in_schema=False, enable_validation=False)
    def swagger() -> Response[str]:
        if app.current_event.query_string_parameters.get("format") == "json":  # the page's own link to what it shows
            return schema()
        return Response(200, "text/html", openapi.swagger(app), headers={"Cache-Control": "no-cache"})

    @app.get(OPENAPI, include_in_schema=False, enable_validation=False)
    def schema() -> Response[str]:
        return Response(200, JSON, openapi.openapi(app), headers={"Cache-Control": "no-cache"})


def _answers(model: Any, *statuses: int) -> dict[int, Any]:
    return {200: {"description": "the answer", "content": {JSON: {"model": model}}}, **_problems(*statuses)}


def _problems(*statuses: int) -> dict[int, Any]:
    words = {401: "no valid key", 404: "no such series or document", 406: "no such format", 413: "the body is too large"}
    words |= {422: "a field is not as expected", 503: "nothing is loaded yet"}
    content = {problems.CONTENT_TYPE: {"model": schemas.ProblemDetails}}
    return {status: {"description": words[status], "content": content} for status in (401, *statuses)}
