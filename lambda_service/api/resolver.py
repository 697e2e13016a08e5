"""Resolver: the Powertools HTTP resolver, with the methods of each path and a record of each request.

Belongs here: what the endpoint adds to the resolver. Not here: routes (`routes`) and what happens before and after them (`middleware`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from lambda_service.api.observability import RequestRecord

_RECORD_KEY = "request_record"


class ApiResolver(APIGatewayHttpResolver):
    """A resolver that can list the methods of a path.

    Powertools answers 404 where the path exists but the method does not, and has no public list of its routes, so the routes are
    collected while they are added.
    """

    def __init__(self) -> None:
        self._methods_by_rule: dict[str, set[str]] = {}
        super().__init__(enable_validation=True)
        self.use([_record_route])

    def route(self, rule: str, method: str | list[str] | tuple[str], *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """Add a route, as the Powertools method does, and remember its methods."""
        methods = [method] if isinstance(method, str) else method
        self._methods_by_rule.setdefault(rule, set()).update(name.upper() for name in methods)
        return super().route(rule, method, *args, **kwargs)

    def allowed_methods(self, path: str) -> list[str]:
        """The HTTP methods of the routes that match a path, sorted; empty when no route does."""
        methods: set[str] = set()
        for rule, rule_methods in self._methods_by_rule.items():
            if _matches(rule, path):
                methods |= rule_methods
        return sorted(methods)

    def start_record(self, record: RequestRecord) -> None:
        """Let the next request fill in this record."""
        self.context[_RECORD_KEY] = record


def record_of(resolver: ApiResolver | APIGatewayHttpRouter) -> RequestRecord:
    """The record of the current request."""
    record: RequestRecord = resolver.context[_RECORD_KEY]
    return record


def declared_route(app: APIGatewayHttpResolver) -> str:
    """The path of the matched route as it is declared, /v1/forecasts/<state>: the values that the caller sent are not logged."""
    return app.request.route.replace("{", "<").replace("}", ">")


def _record_route(app: ApiResolver, next_middleware: Callable[[Any], Response[Any]]) -> Response[Any]:
    record_of(app).route = declared_route(app)
    return next_middleware(app)


def _matches(rule: str, path: str) -> bool:
    """Whether a rule such as /v1/forecasts/<state> matches a path. A <name> matches any text without a slash."""
    rule_parts, path_parts = rule.split("/"), path.split("/")
    if len(rule_parts) != len(path_parts):
        return False
    for rule_part, path_part in zip(rule_parts, path_parts, strict=True):
        is_parameter = rule_part.startswith("<")
        if not (path_part if is_parameter else rule_part == path_part):
            return False
    return True
