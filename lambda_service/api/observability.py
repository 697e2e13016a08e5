"""Observability: JSON logs and CloudWatch metrics (EMF) of the endpoint, on standard output.

Belongs here: which values are logged and measured, under which names. They never contain a body, a path as the caller wrote it, a key or
the text of an exception.
"""

from __future__ import annotations

import os
import traceback
from dataclasses import dataclass

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from milk_model.artefact_paths import METRICS

DEFAULT_SERVICE = "endpoint"
DEFAULT_NAMESPACE = METRICS
MAX_LOGGED_FRAMES = 6


@dataclass
class RequestRecord:
    """What is logged and measured about one request; routes and error handlers fill it in.

    Attributes:
        request_id: Lambda's, or API Gateway's.
        method: of HTTP, as the caller sent it.
        route: the declared path, such as /v1/forecasts/<state>; empty when no route matched.
        unknown_series: how many requested series do not exist.
        error: an unexpected exception, answered with 500.
    """

    request_id: str
    method: str
    route: str = ""
    unknown_series: int = 0
    error: Exception | None = None


class RequestMetrics:
    """Writes the logs and metrics of one process."""

    def __init__(self, service: str = DEFAULT_SERVICE, namespace: str = DEFAULT_NAMESPACE) -> None:
        """
        Args:
            service: name in every log line, and dimension of every metric.
            namespace: of the metrics in CloudWatch.
        """
        self._log = Logger(service=service, location=None)
        self._metrics = Metrics(namespace=namespace, service=service)
        self._is_cold = True

    def request_answered(
        self,
        record: RequestRecord,
        *,
        status: int,
        milliseconds: float,
        version: int | None,
        age_seconds: int | None,
        refresh_failed: bool,
    ) -> None:
        """Log and measure one answered request.

        Args:
            record: of the request.
            status: HTTP status of the response.
            milliseconds: from event to response.
            version: the served model version; None while nothing is loaded.
            age_seconds: since that version became the champion; None while nothing is loaded.
            refresh_failed: whether the last check of the store failed.
        """
        is_cold, self._is_cold = self._is_cold, False
        self._log.info(
            "answered",
            request_id=record.request_id,
            method=record.method,
            route=record.route,
            status=status,
            milliseconds=round(milliseconds, 3),
            cold_start=is_cold,
            version=version,
        )
        add = self._metrics.add_metric
        add("Latency", MetricUnit.Milliseconds, milliseconds)
        add("ColdStart", MetricUnit.Count, int(is_cold))
        add("ChampionRefreshFailed", MetricUnit.Count, int(refresh_failed))
        add("UnknownSeries", MetricUnit.Count, record.unknown_series)
        if age_seconds is not None:
            add("ChampionAgeSeconds", MetricUnit.Seconds, age_seconds)
        self._metrics.flush_metrics()

    def champion_refreshed(self, outcome: str, reason: str | None, version: int | None) -> None:
        """Log a check of the store that changed the outcome: as a warning when it failed."""
        log = self._log.warning if reason else self._log.info
        log("champion refreshed", outcome=outcome, reason=reason, version=version)

    def request_failed(self, request_id: str, error: BaseException) -> None:
        """Log an unexpected exception: its type and where it was raised. Its text is left out, because it may repeat the request."""
        frames = traceback.extract_tb(error.__traceback__)[-MAX_LOGGED_FRAMES:]
        where = [f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
        self._log.error("failed", request_id=request_id, error=type(error).__name__, where=where)
