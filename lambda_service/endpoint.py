"""Endpoint: builds the parts of the HTTP endpoint from its settings.

Belongs here: which part gets which setting. Not here: the settings themselves (`settings`).
"""

from __future__ import annotations

import time

from lambda_service.api.middleware import HttpFrontend
from lambda_service.api.observability import RequestMetrics
from lambda_service.api.routes.common import EndpointServices
from lambda_service.serving.artefact_reader import ArtefactReader
from lambda_service.serving.champion import Champion
from lambda_service.serving.report_files import ReportFiles
from lambda_service.settings import EndpointSettings


def build_frontend(settings: EndpointSettings) -> HttpFrontend:
    """The endpoint with these settings, on the system clock. Nothing is loaded yet."""
    reader = ArtefactReader(settings.artefact_root, settings.store_timeout, settings.region, settings.s3_endpoint)
    fallback = ArtefactReader(str(settings.packaged_model)) if settings.packaged_model.is_dir() else None
    champion = Champion(reader, time.time, fallback=fallback, ttl=settings.champion_ttl)
    services = EndpointServices(champion, ReportFiles(reader, time.time, settings.champion_ttl), time.time)
    return HttpFrontend(services, RequestMetrics(settings.service_name, settings.metrics_namespace), settings.key_hashes)
