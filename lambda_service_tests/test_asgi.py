"""The endpoint on this machine: a real server, and no open door without keys."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambda_service.api.asgi import refuse_open_door
from lambda_service.api.middleware import LARGEST_BODY
from lambda_service.serving.artefact_reader import Source
from lambda_service.settings import Settings
from lambda_service_tests.conftest import Clock, Store, edge_of
from lambda_service_tests.local_server import listening

KEY = "aguascalientes/aguascalientes/uht/store"


@pytest.fixture
def server(store: Store, clock: Clock) -> Iterator[http.client.HTTPConnection]:
    with listening(edge_of(Source(str(store.root)), clock)) as (host, port):
        connection = http.client.HTTPConnection(host, port, timeout=10)
        yield connection
        connection.close()


def ask(
    server: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    server.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = server.getresponse()
    return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}


def test_forecasts_come_over_http_with_their_etag(server: http.client.HTTPConnection) -> None:
    status, content, headers = ask(server, "GET", f"/v1/forecasts/{KEY}")
    assert (status, json.loads(content)["series"]) == (200, KEY)
    assert ask(server, "GET", f"/v1/forecasts/{KEY}", If_None_Match=headers["etag"])[:2] == (304, b"")
    query = "/v1/forecasts?state=Aguascalientes&city=Aguascalie%CC%81ntes&milk=UHT&channel=Tienda"
    assert ask(server, "GET", query)[1] == content


def test_bodies_are_read_as_bytes(server: http.client.HTTPConnection) -> None:
    item = json.dumps({"items": [{"series": KEY}]}).encode()
    assert ask(server, "POST", "/v1/forecasts", item, Content_Type="text/plain")[0] == 200
    assert ask(server, "POST", "/predict", b'{"Estado": "Le\xf3n"}')[0] == 422
    assert ask(server, "POST", "/predict", b" " * (LARGEST_BODY + 1))[0] == 413
    assert ask(server, "GET", "/v1/health")[0] == 200


def test_head_and_wrong_methods_leave_the_connection_whole(server: http.client.HTTPConnection) -> None:
    status, content, _ = ask(server, "HEAD", f"/v1/forecasts/{KEY}")
    assert (status, content) == (200, b"")
    assert ask(server, "DELETE", "/v1/health")[0] == 405
    status, content, headers = ask(server, "GET", "/v1/health")
    assert (status, "server" in headers) == (200, False)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_loopback_needs_no_key(host: str) -> None:
    refuse_open_door(host, keys=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "milk.example"])  # noqa: S104  what must be refused
def test_another_address_needs_a_key(host: str) -> None:
    with pytest.raises(ValueError, match="open to the network: set MILK_API_KEY_HASHES"):
        refuse_open_door(host, keys=False)
    refuse_open_door(host, keys=True)


def test_the_command_refuses_an_open_door(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lambda_service", "--host", "0.0.0.0", "--port", "0"]  # noqa: S104
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={"MILK_ARTEFACTS": str(tmp_path), "PYTHONPATH": "."}
    )
    assert run.returncode == 1
    assert "open to the network" in run.stderr
    assert "Traceback" not in run.stderr


def test_settings_are_read_from_the_environment() -> None:
    found = Settings.read({"MILK_ARTEFACTS": "s3://b", "MILK_CHAMPION_TTL": "5", "MILK_API_KEY_HASHES": f"{'a' * 64},{'b' * 64}"})
    assert (found.artefacts, found.ttl, found.hashes) == ("s3://b", 5.0, frozenset({"a" * 64, "b" * 64}))
    assert Settings.read({"MILK_HOME": "/m"}).artefacts == "/m/artefacts"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"MILK_CHAMPION_TTL": "soon"}, "MILK_CHAMPION_TTL: expected seconds"),
        ({"MILK_STORE_TIMEOUT": "0"}, "MILK_STORE_TIMEOUT: expected seconds"),
        ({"MILK_API_KEY_HASHES": "my-key"}, "no sha256"),
    ],
)
def test_a_setting_that_is_not_as_expected_is_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Settings.read(environment)
