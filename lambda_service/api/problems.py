"""Problems: error responses in the format of RFC 9457.

Belongs here: the shape of every error, and converting validation errors to it. Not here: deciding which error to raise, which the caller
does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

PROBLEM_CONTENT_TYPE = "application/problem+json"
MAX_LISTED_ERRORS = 20  # of one request


class Problem(Exception):  # noqa: N818  RFC 9457 calls it a problem
    """An error response.

    Attributes:
        status: the HTTP status.
        detail: what was expected, and what to do.
        extensions: further members of the document, such as `errors`.
        headers: of the response.
    """

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **extensions: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.extensions, self.headers = status, detail, extensions, dict(headers or {})

    def to_document(self) -> dict[str, Any]:
        """The members of RFC 9457 and the extensions that are not empty."""
        standard = {"type": "about:blank", "title": HTTPStatus(self.status).phrase, "status": self.status, "detail": self.detail}
        return standard | {name: value for name, value in self.extensions.items() if value}

    def body(self) -> str:
        """The document as JSON."""
        return json.dumps(self.to_document(), ensure_ascii=False, separators=(",", ":"))


class UnknownSeriesProblem(Problem):
    """The requested series does not exist or is not forecast."""


INTERNAL_ERROR = Problem(500, "internal error: try again, and report the x-request-id if it happens again")


def validation_problem(errors: Iterable[Mapping[str, Any]], prefix: tuple[str | int, ...] = ()) -> Problem:
    """The problem of a failed validation: each field, and what is expected of it.

    Args:
        errors: as pydantic lists them. Their input values are not repeated.
        prefix: location of the validated value in the request.
    """
    listed = [{"field": field_name((*prefix, *error["loc"])), "message": _message(error)} for error in errors]
    first = listed[0]
    more = f" ({len(listed) - 1} more)" if len(listed) > 1 else ""
    return Problem(422, f"{first['field']}: {first['message']}{more}", errors=listed[:MAX_LISTED_ERRORS])


def field_problem(field: str, message: str) -> Problem:
    """The problem of one field."""
    return Problem(422, f"{field}: {message}", errors=[{"field": field, "message": message}])


def field_name(location: Iterable[str | int]) -> str:
    """A pydantic location as text: items[3].prices[0].date."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def _message(error: Mapping[str, Any]) -> str:
    text = str(error.get("msg") or error.get("type") or "invalid")
    return text.removeprefix("Value error, ").removeprefix("Assertion failed, ")
