"""The schedule that asks the endpoint how it is, against an endpoint on this machine."""

from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Thread

import dagster as dg
import pytest

from lambda_service_tests.test_health_check import Endpoint
from milk_assets.defs.automation import alert_sensors, endpoint_check
from milk_assets.defs.resources import telegram, webhook
from milk_assets.defs.resources.telegram import Telegram
from milk_assets.defs.resources.webhook import Webhook
from milk_assets.monitoring.alerts.incidents import open_incidents
from milk_assets.stores.lake import Lake


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    for variable in (telegram.TOKEN_VARIABLE, webhook.URL_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    found = Endpoint()
    monkeypatch.setenv(endpoint_check.URL, found.url)
    Thread(target=found.server.serve_forever, daemon=True).start()
    yield found
    found.server.shutdown()
    found.server.server_close()


def ask(lake: Lake) -> list[str]:
    """Run the job once; the rules of the incidents that are open then."""
    resources = {"lake": lake, "telegram": Telegram(), "webhook": Webhook()}
    assert endpoint_check.check_endpoint.execute_in_process(resources=resources).success
    return [one["text"] for one in open_incidents(alert_sensors.read_state(lake))]


def test_two_bad_answers_open_an_incident_one_good_one_ends_it_and_no_run_fails(lake: Lake, endpoint: Endpoint) -> None:
    assert ask(lake) == []
    endpoint.status = 503
    assert ask(lake) == []
    assert ask(lake) == [f"{endpoint.url}/v1/health: expected HTTP 200, got 503"]
    endpoint.status = 200
    assert ask(lake) == []


def test_an_address_that_is_none_is_a_fault_too(lake: Lake, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(endpoint_check.URL, "example.org")
    ask(lake)
    (told,) = ask(lake)
    assert "expected an http(s) address" in told


def test_without_an_endpoint_nothing_is_asked(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    at = datetime(2025, 3, 31, 12, 15, tzinfo=UTC)
    asked = endpoint_check.endpoint_schedule(dg.build_schedule_context(scheduled_execution_time=at))
    assert isinstance(asked, dg.RunRequest)
    monkeypatch.delenv(endpoint_check.URL)
    assert isinstance(endpoint_check.endpoint_schedule(dg.build_schedule_context(scheduled_execution_time=at)), dg.SkipReason)
