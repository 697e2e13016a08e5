"""Report routes: the newest price report in each format, and the track record.

Belongs here: the routes of the tag `reports`. Not here: reading and caching the files (`lambda_service.serving.report_files`).
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from lambda_service.api.problems import Problem
from lambda_service.api.routes.common import JSON_CONTENT_TYPE, EndpointServices, declare_problems, new_router
from lambda_service.serving.artefact_reader import ArtefactError, ArtefactNotFoundError
from lambda_service.serving.report_files import ReportFiles, format_for
from milk_model.artefact_paths import LATEST_REPORT, REPORT_FORMATS, TRACK_RECORD

REPORT_PATH = "/v1/reports/latest"
BINARY_FORMATS = frozenset({"xlsx"})


def reports_router(services: EndpointServices) -> APIGatewayHttpRouter:
    """GET /v1/reports/latest, GET /v1/reports/latest.<format> and GET /v1/track-record."""
    router = new_router()
    _add_negotiated_report(router, services.report_files)
    for suffix in REPORT_FORMATS:
        _add_report(router, services.report_files, suffix)
    _add_track_record(router, services.report_files)
    return router


def _add_negotiated_report(router: APIGatewayHttpRouter, files: ReportFiles) -> None:
    media_types: dict[str, Any] = {content_type.split(";")[0]: {} for content_type in REPORT_FORMATS.values()}

    @router.get(
        REPORT_PATH,
        tags=["reports"],
        responses={200: {"description": "the report", "content": media_types}, **declare_problems(404, 406, 503)},
        summary="The newest price report, in the format that the Accept header prefers",
        enable_validation=False,  # Powertools cannot validate a response of bytes
    )
    def report() -> Response[Any]:
        suffix = format_for(router.current_event.headers.get("accept", ""))
        if suffix is None:
            raise Problem(406, f"expected one of {', '.join(REPORT_FORMATS.values())}")
        response = _report_response(files, suffix)
        response.headers["Vary"] = "Accept"
        return response


def _add_report(router: APIGatewayHttpRouter, files: ReportFiles, suffix: str) -> None:
    media_types: dict[str, Any] = {REPORT_FORMATS[suffix].split(";")[0]: {}}

    @router.get(
        f"{REPORT_PATH}.{suffix}",
        tags=["reports"],
        responses={200: {"description": "the report", "content": media_types}, **declare_problems(404, 503)},
        summary=f"The newest price report as {suffix.upper()}",
        operation_id=f"report_{suffix}",
        enable_validation=False,
    )
    def report_as() -> Response[Any]:
        return _report_response(files, suffix)


def _add_track_record(router: APIGatewayHttpRouter, files: ReportFiles) -> None:
    media_types: dict[str, Any] = {JSON_CONTENT_TYPE: {"schema": {"type": "object"}}}

    @router.get(
        "/v1/track-record",
        tags=["reports"],
        responses={200: {"description": "the track record", "content": media_types}, **declare_problems(404, 503)},
        summary="Past forecasts compared with the prices published since",
        enable_validation=False,
    )
    def track_record() -> Response[Any]:
        content = _read(files, TRACK_RECORD, "track record")
        return _file_response(content.decode(), JSON_CONTENT_TYPE)


def _report_response(files: ReportFiles, suffix: str) -> Response[Any]:
    content = _read(files, f"{LATEST_REPORT}/report.{suffix}", "report")
    # Powertools encodes bytes in base64, as API Gateway requires for content that is not text
    return _file_response(content if suffix in BINARY_FORMATS else content.decode(), REPORT_FORMATS[suffix])


def _read(files: ReportFiles, path: str, description: str) -> bytes:
    try:
        return files.read(path)
    except ArtefactNotFoundError:
        raise Problem(404, f"there is no {description} yet") from None
    except ArtefactError:
        detail = f"the {description} cannot be read at the moment: try again in a minute"
        raise Problem(503, detail, headers={"Retry-After": "60"}) from None


def _file_response(body: str | bytes, content_type: str) -> Response[Any]:
    # callers may cache the file, but check its ETag before each use
    return Response(200, content_type, body, headers={"Cache-Control": "private, no-cache"})
