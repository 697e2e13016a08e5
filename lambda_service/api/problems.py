"""Problems: how the endpoint says what is wrong, after RFC 9457.

Belongs here: one shape for every error, and reading it from a failed validation. Which error is meant is the caller's to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

CONTENT_TYPE = "application/problem+json"
MOST_ERRORS = 20  # of one request that are listed


class Problem(Exception):  # noqa: N818  the standard's own word
    """What is wrong with a request, or with us. status: of HTTP; detail: what was expected, and what to do; more: further members."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.more, self.headers = status, detail, more, dict(headers or {})

    def to_document(self) -> dict[str, Any]:
        """The members of RFC 9457, and ours."""
        return {"type": "about:blank", "title": HTTPStatus(self.status).phrase, "status": self.status, "detail": self.detail} | {
            name: value for name, value in self.more.items() if value
        }

    def body(self) -> str:
        """The document as JSON."""
        return json.dumps(self.to_document(), ensure_ascii=False, separators=(",", ":"))


class UnknownSeriesProblem(Problem):
    """There is no such series."""


def invalid(errors: Iterable[Mapping[str, Any]], prefix: tuple[str | int, ...] = ()) -> Problem:
    """The problem of a failed validation: each field, and what is expected of it. errors: pydantic's; no value is repeated."""
    listed = [{"field": field_name((*prefix, *error["loc"])), "message": _message(error)} for error in errors]
    first = listed[0]
    more = f" ({len(listed) - 1} more)" if len(listed) > 1 else ""
    return Problem(422, f"{first['field']}: {first['message']}{more}", errors=listed[:MOST_ERRORS])


def invalid_field(field: str, message: str, **more: Any) -> Problem:
    """The problem of one field."""
    return Problem(422, f"{field}: {message}", errors=[{"field": field, "message": message}], **more)


def field_name(loc: Iterable[str | int]) -> str:
    """A field as one would write it: items[3].prices[0].date."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _message(error: Mapping[str, Any]) -> str:
    text = str(error.get("msg") or error.get("type") or "invalid")
    return text.removeprefix("Value error, ").removeprefix("Assertion failed, ")
