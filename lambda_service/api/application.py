"""Application: the resolver with every route and error handler.

Belongs here: which routers the API has, and how exceptions become problems. Not here: the routes themselves (`routes`).
"""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from lambda_service.api.problems import INTERNAL_ERROR, PROBLEM_CONTENT_TYPE, Problem, UnknownSeriesProblem, validation_problem
from lambda_service.api.resolver import ApiResolver, declared_route, record_of
from lambda_service.api.routes.common import NO_STORE, EndpointServices
from lambda_service.api.routes.documentation import OPENAPI_PATH, SWAGGER_PATH, documentation_router
from lambda_service.api.routes.forecasts import FORECASTS_PATH, forecasts_router
from lambda_service.api.routes.health import HEALTH_PATH, health_router
from lambda_service.api.routes.model import model_router
from lambda_service.api.routes.predict import PREDICT_PATH, predict_router
from lambda_service.api.routes.reports import reports_router
from lambda_service.api.routes.series import series_router
from lambda_service.serving.champion import UnavailableError

PUBLIC_PATHS = frozenset({HEALTH_PATH, SWAGGER_PATH, OPENAPI_PATH})  # that need no API key
JSON_BODY_PATHS = frozenset({FORECASTS_PATH, PREDICT_PATH})  # whose POST takes a JSON body


def build_app(services: EndpointServices) -> ApiResolver:
    """The resolver with every route. services: what the routes answer from."""
    app = ApiResolver()
    for build_router in (health_router, model_router, series_router, forecasts_router, predict_router, reports_router):
        app.include_router(build_router(services))
    app.include_router(documentation_router(app))
    _add_exception_handlers(app)
    return app


def _add_exception_handlers(app: ApiResolver) -> None:
    def answer_problem(problem: Problem) -> Response[str]:
        if isinstance(problem, UnknownSeriesProblem):
            record_of(app).unknown_series += 1
        headers = {"Cache-Control": NO_STORE, **problem.headers}
        return Response(problem.status, PROBLEM_CONTENT_TYPE, problem.body(), headers=headers)

    def answer_invalid_request(error: RequestValidationError) -> Response[str]:
        record_of(app).route = declared_route(app)  # Powertools validates before it calls the middleware that records the route
        # the first part of a location is where Powertools found the value (query, path, body): the field's name is enough
        errors = [{**field_error, "loc": field_error["loc"][1:] or field_error["loc"]} for field_error in error.errors()]
        return answer_problem(validation_problem(errors))

    def answer_unavailable(_: UnavailableError) -> Response[str]:
        detail = "no model could be loaded yet: try again in a minute"
        return answer_problem(Problem(503, detail, headers={"Retry-After": "60"}))

    def answer_not_found(_: NotFoundError) -> Response[str]:
        record_of(app).route = ""  # Powertools makes a route of the path that the caller sent
        method, allowed = app.current_event.http_method, app.allowed_methods(app.current_event.path)
        if not allowed or method in allowed:
            return answer_problem(Problem(404, f"this path does not exist: see {SWAGGER_PATH} for the routes of the API"))
        allow = ", ".join(["HEAD", *allowed] if "GET" in allowed else allowed)
        return answer_problem(Problem(405, f"{method} is not allowed here: use {allow}", headers={"Allow": allow}))

    def answer_internal_error(error: Exception) -> Response[str]:
        record_of(app).error = error  # without this handler, Powertools would log the error with its text
        return answer_problem(INTERNAL_ERROR)

    app.exception_handler(Problem)(answer_problem)
    app.exception_handler(RequestValidationError)(answer_invalid_request)
    app.exception_handler(UnavailableError)(answer_unavailable)
    app.exception_handler(NotFoundError)(answer_not_found)
    app.exception_handler(Exception)(answer_internal_error)
