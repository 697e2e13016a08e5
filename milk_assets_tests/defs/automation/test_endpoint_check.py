"""The scheduled endpoint check, against a local endpoint."""

from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Thread

import dagster as dg
import pytest

from lambda_service_tests.test_health_check import Endpoint
from milk_assets.defs.automation import endpoint_check
from milk_assets.defs.resources import telegram, webhook
from milk_assets.defs.resources.telegram import Telegram
from milk_assets.defs.resources.webhook import Webhook
from milk_assets.monitoring.alerts.incidents import open_incidents
from milk_assets.stores.alert_state import read_alert_state
from milk_assets.stores.lake import Lake


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    for variable in (telegram.TOKEN_VARIABLE, webhook.URL_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    local_endpoint = Endpoint()
    monkeypatch.setenv(endpoint_check.ENDPOINT_URL_VARIABLE, local_endpoint.url)
    Thread(target=local_endpoint.server.serve_forever, daemon=True).start()
    yield local_endpoint
    local_endpoint.server.shutdown()
    local_endpoint.server.server_close()


def run_check(lake: Lake) -> list[str]:
    """Run the job once; returns the texts of the incidents that are open afterwards."""
    resources = {"lake": lake, "telegram": Telegram(), "webhook": Webhook()}
    assert endpoint_check.check_endpoint.execute_in_process(resources=resources).success
    return [incident.text for incident in open_incidents(read_alert_state(lake))]


def test_two_unhealthy_answers_open_an_incident_and_a_healthy_one_resolves_it_and_no_run_fails(
    lake: Lake, endpoint: Endpoint
) -> None:
    assert run_check(lake) == []
    endpoint.status = 503
    assert run_check(lake) == []
    assert run_check(lake) == [f"{endpoint.url}/v1/health: expected HTTP 200, got 503"]
    endpoint.status = 200
    assert run_check(lake) == []


def test_an_invalid_address_opens_an_incident_too(lake: Lake, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(endpoint_check.ENDPOINT_URL_VARIABLE, "example.org")
    run_check(lake)
    (text,) = run_check(lake)
    assert "expected an http(s) address" in text


def test_without_an_endpoint_the_schedule_skips(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    at = datetime(2025, 3, 31, 12, 15, tzinfo=UTC)
    request = endpoint_check.endpoint_schedule(dg.build_schedule_context(scheduled_execution_time=at))
    assert isinstance(request, dg.RunRequest)
    monkeypatch.delenv(endpoint_check.ENDPOINT_URL_VARIABLE)
    assert isinstance(endpoint_check.endpoint_schedule(dg.build_schedule_context(scheduled_execution_time=at)), dg.SkipReason)
