"""Metrics server: the platform's metrics as Prometheus text, and a watch over its alert sensor.

Belongs here: what a scrape shows, the server, and the check that the alert sensor still runs. Everything is read from the lake and the
artefact store at each scrape, so a restart loses nothing.
"""

import logging
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from milk_assets.monitoring.alerts import outbox
from milk_assets.monitoring.alerts.incidents import open_incidents
from milk_assets.monitoring.alerts.observations import silence_observations
from milk_assets.monitoring.alerts.rules import RULES
from milk_assets.monitoring.detection.feed import late_publications
from milk_assets.settings import TIMEZONE
from milk_assets.stores import alert_state, champion_manifest
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import monitoring, prices
from milk_model.artefact_paths import TRACK_RECORD

WATCH_SECONDS = 60
Families = Iterator[GaugeMetricFamily]


class PlatformCollector(Collector):
    """Metrics of the lake and the artefact store at the moment of a scrape.

    A document that cannot be read leaves out its own metrics and sets `milk_read_errors`; a scrape never fails because of it.
    """

    def __init__(self, lake: Lake, artefacts: Lake, clock: Callable[[], datetime]) -> None:
        self.lake, self.artefacts, self.clock = lake, artefacts, clock

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Read all metric families."""
        errors = GaugeMetricFamily("milk_read_errors", "1 where a document could not be read", labels=["document"])
        families: list[GaugeMetricFamily] = []
        readers: tuple[tuple[str, Callable[[], Families]], ...] = (
            ("prices", self._publication),
            ("live_accuracy", self._accuracy),
            ("champion", self._champion),
            ("drift", self._drift),
            ("feed", self._feed),
            ("alerts", self._alerts),
        )
        for name, read in readers:
            try:
                families += list(read())
                errors.add_metric([name], 0)
            except Exception:  # the scrape shows the error and the other metrics
                errors.add_metric([name], 1)
        return [*families, errors]

    def _publication(self) -> Families:
        key = prices.LAYER.newest(self.lake)
        if key is None:
            return
        day, now = date.fromisoformat(key), self.clock()
        began = datetime.combine(day, time(), ZoneInfo(TIMEZONE)).timestamp()
        missing = late_publications(day, now)
        yield _gauge(
            "milk_last_publication_timestamp_seconds", "Date of the newest validated publication, midnight in Mexico City", began
        )
        yield _gauge("milk_publication_age_seconds", "Seconds since that midnight", now.timestamp() - began)
        yield _gauge("milk_publications_late", "Expected publications past their deadline", len(missing.dates) if missing else 0)

    def _accuracy(self) -> Families:
        if not self.artefacts.exists(TRACK_RECORD):
            return
        document = self.artefacts.read_json(TRACK_RECORD)
        newest = document["newest"] or {}
        by_horizon = GaugeMetricFamily(
            "milk_error_ratio", "Error of issued forecasts over that of no change, by publications ahead", labels=["horizon"]
        )
        for row in document["by_horizon"]:
            if row["ratio"] is not None:
                by_horizon.add_metric([str(row["lead"])], row["ratio"])
        yield by_horizon
        coverage = GaugeMetricFamily("milk_interval_coverage_ratio", "Share of prices inside the interval", labels=["level"])
        for level in ("80", "95"):
            if newest.get(f"cover{level}") is not None:
                coverage.add_metric([level], newest[f"cover{level}"])
        yield coverage
        for name, measure, text in (
            ("milk_skill_ratio", "skill", "S: mean over horizons of error over that of no change; below 1 is better"),
            ("milk_bias_pesos", "bias", "Mean of forecast minus published, 13 publications ahead, MXN per litre"),
            ("milk_brier_ratio", "brier_ratio", "Brier score of P(change) over that of its mean rate"),
        ):
            if newest.get(measure) is not None:
                yield _gauge(name, text, newest[measure])
        yield _gauge("milk_performance_alarms", "Rules of live accuracy that alarm", len(document["alarms"]))

    def _champion(self) -> Families:
        champion = champion_manifest.read_manifest(self.artefacts)
        if champion is None:
            return
        yield _gauge("milk_champion_version", "Version that is served", champion.version)
        yield _gauge("milk_champion_is_baseline", "1 where no change is served", float(champion.is_baseline))
        since = datetime.fromisoformat(champion.since).timestamp()
        yield _gauge("milk_champion_since_timestamp_seconds", "Since when it is served", since)

    def _drift(self) -> Families:
        document = monitoring.read_newest(self.lake, monitoring.DRIFT)
        if document is None:
            return
        family = GaugeMetricFamily(
            "milk_drift_threshold_ratio",
            "Drift statistic over its threshold; above 1 is a breach",
            labels=["signal", "milk", "channel"],
        )
        for signal in document["signals"]:
            if signal["statistic"] is not None and signal["threshold"]:
                labels = [signal["signal"], signal["milk"], signal["channel"]]
                family.add_metric(labels, signal["statistic"] / signal["threshold"])
        yield family
        yield _gauge("milk_series_priced", "Usually priced series with a price", document["coverage"]["priced"])
        yield _gauge("milk_series_usual", "Series that usually have a price", document["coverage"]["usual"])

    def _feed(self) -> Families:
        document = monitoring.read_newest(self.lake, monitoring.FEED)
        if document is None:
            return
        yield _gauge("milk_restated_prices", "Prices of the past that the newest vintage changed", document["restated"]["prices"])
        yield _gauge(
            "milk_unchanged_publications", "Newest publications in a row without any changed price", document["unchanged"]
        )

    def _alerts(self) -> Families:
        state = alert_state.read_alert_state(self.lake)
        family = GaugeMetricFamily(
            "milk_incidents_open", "Incidents that were announced and have not ended", labels=["rule", "severity"]
        )
        open_rules = [incident.rule for incident in open_incidents(state)]
        for rule in RULES.values():
            if not rule.is_event:
                family.add_metric([rule.name, rule.severity], open_rules.count(rule.name))
        yield family
        yield _gauge("milk_messages_waiting", "Messages that a channel has not received yet", outbox.count_waiting(state))
        beat = alert_state.read_heartbeat(self.lake)
        if beat is not None:
            yield _gauge("milk_alert_beat_timestamp_seconds", "When the alert sensor last looked", beat.timestamp())


def watch(lake: Lake, channels: Iterable[alert_state.Channel], now: datetime) -> str:
    """Open an incident when the alert sensor has stopped, and send waiting messages: the one check that does not need the daemon."""
    silence = silence_observations(alert_state.read_heartbeat(lake), now)
    if not silence:
        return "the alert sensor is running"
    recipients = list(channels)
    alert_state.record_observations(lake, silence, recipients)
    return alert_state.deliver_messages(lake, recipients)


def serve_metrics(
    lake: Lake, artefacts: Lake, channels: Iterable[alert_state.Channel], host: str, port: int, ended: threading.Event
) -> None:
    """Serve `/metrics` and watch the platform, until `ended` is set.

    Args:
        lake: Documents of the platform.
        artefacts: Served files and the ledger.
        channels: Recipients of alerts.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one. An OSError is raised where it is in use.
        ended: Set it to stop.
    """
    registry = CollectorRegistry()
    registry.register(PlatformCollector(lake, artefacts, alert_state.clock))
    server, thread = start_http_server(port, host, registry)
    sys.stdout.write(f"metrics on http://{host}:{server.server_port}/metrics\n")
    sys.stdout.flush()
    recipients = list(channels)
    try:
        while True:
            try:
                watch(lake, recipients, alert_state.clock())
            except Exception:  # a lake that does not answer for a minute must not end the watch
                logging.getLogger(__name__).exception("the platform could not be checked")
            if ended.wait(WATCH_SECONDS):
                return
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
