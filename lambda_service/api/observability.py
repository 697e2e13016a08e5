"""What the endpoint tells of itself: JSON logs and EMF metrics on standard output.

Belongs here: which figures, under which names. No payload, no path of a caller's, no key, no text of an exception.
"""

from __future__ import annotations

import os
import traceback
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from milk_model.artefact_paths import METRICS

SERVICE = os.environ.get("POWERTOOLS_SERVICE_NAME") or "endpoint"


class Observer:
    """Logs and metrics of one process."""

    def __init__(self) -> None:
        self._log = Logger(service=SERVICE, location=None)
        self._metrics = Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or METRICS, service=SERVICE)
        self._cold = True

    def answered(self, *, request_id: str, method: str, route: str, status: int, milliseconds: float, **facts: Any) -> None:
        """One request. facts: version, age in seconds, whether the last refresh failed, how many series were unknown."""
        cold, self._cold = self._cold, False
        self._log.info(
            "answered",
            request_id=request_id,
            method=method,
            route=route,
            status=status,
            milliseconds=round(milliseconds, 3),
            cold_start=cold,
            version=facts.get("version"),
        )
        add = self._metrics.add_metric
        add("Latency", MetricUnit.Milliseconds, milliseconds)
        add("ColdStart", MetricUnit.Count, int(cold))
        add("ChampionRefreshFailed", MetricUnit.Count, int(facts.get("failed", True)))
        add("UnknownSeries", MetricUnit.Count, facts.get("unknown", 0))
        if facts.get("age") is not None:
            add("ChampionAgeSeconds", MetricUnit.Seconds, facts["age"])
        self._metrics.flush_metrics()

    def refreshed(self, outcome: str, reason: str | None, version: int | None) -> None:
        """A refresh that changed something, or failed."""
        say = self._log.warning if reason else self._log.info
        say("champion refreshed", outcome=outcome, reason=reason, version=version)

    def failed(self, request_id: str, error: BaseException) -> None:
        """An error of ours: its kind and where it arose, without its text, which may repeat what a caller sent."""
        frames = traceback.extract_tb(error.__traceback__)
        where = [f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames[-6:]]
        self._log.error("failed", request_id=request_id, error=type(error).__name__, where=where)
