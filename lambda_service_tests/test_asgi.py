"""The endpoint on this machine: a real HTTP server, and no network address without API keys."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambda_service.__main__ import OPENAPI_FILE, serve, write_openapi
from lambda_service.api.asgi import require_keys_outside_loopback
from lambda_service.api.middleware import MAX_BODY_BYTES
from lambda_service.serving.artefact_reader import ArtefactReader
from lambda_service_tests.conftest import Clock, Store, build_test_frontend
from lambda_service_tests.local_server import serve_on_loopback

KEY = "aguascalientes/aguascalientes/uht/store"


@pytest.fixture
def server(store: Store, clock: Clock) -> Iterator[http.client.HTTPConnection]:
    with serve_on_loopback(build_test_frontend(ArtefactReader(str(store.root)), clock)) as (host, port):
        connection = http.client.HTTPConnection(host, port, timeout=10)
        yield connection
        connection.close()


def send(
    server: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    server.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = server.getresponse()
    return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}


def test_forecasts_are_served_over_http_with_an_etag(server: http.client.HTTPConnection) -> None:
    status, content, headers = send(server, "GET", f"/v1/forecasts/{KEY}")
    assert (status, json.loads(content)["series"]) == (200, KEY)
    assert send(server, "GET", f"/v1/forecasts/{KEY}", If_None_Match=headers["etag"])[:2] == (304, b"")
    query = "/v1/forecasts?state=Aguascalientes&city=Aguascalie%CC%81ntes&milk=UHT&channel=Tienda"
    assert send(server, "GET", query)[1] == content


def test_bodies_are_read_as_bytes_whatever_their_content_type(server: http.client.HTTPConnection) -> None:
    item = json.dumps({"items": [{"series": KEY}]}).encode()
    assert send(server, "POST", "/v1/forecasts", item, Content_Type="text/plain")[0] == 200
    assert send(server, "POST", "/predict", b'{"Estado": "Le\xf3n"}')[0] == 422
    assert send(server, "POST", "/predict", b" " * (MAX_BODY_BYTES + 1))[0] == 413
    assert send(server, "GET", "/v1/health")[0] == 200


def test_head_and_wrong_methods_keep_the_connection_usable(server: http.client.HTTPConnection) -> None:
    status, content, _ = send(server, "HEAD", f"/v1/forecasts/{KEY}")
    assert (status, content) == (200, b"")
    assert send(server, "DELETE", "/v1/health")[0] == 405
    status, content, headers = send(server, "GET", "/v1/health")
    assert (status, "server" in headers) == (200, False)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_loopback_needs_no_key(host: str) -> None:
    require_keys_outside_loopback(host, has_keys=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "milk.example"])  # noqa: S104  addresses that must be rejected
def test_another_address_needs_a_key(host: str) -> None:
    with pytest.raises(ValueError, match="open to the network: set MILK_API_KEY_HASHES"):
        require_keys_outside_loopback(host, has_keys=False)
    require_keys_outside_loopback(host, has_keys=True)


def test_the_command_refuses_a_network_address_without_keys(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lambda_service", "--host", "0.0.0.0", "--port", "0"]  # noqa: S104  an address that must be rejected
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={"MILK_ARTEFACTS": str(tmp_path), "PYTHONPATH": "."}
    )
    assert run.returncode == 1
    assert "open to the network" in run.stderr
    assert "Traceback" not in run.stderr


def test_serving_a_network_address_without_keys_is_an_error_before_anything_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILK_API_KEY_HASHES", "")
    with pytest.raises(ValueError, match="open to the network"):
        serve("192.0.2.1", 0)
    monkeypatch.setenv("MILK_CHAMPION_TTL", "soon")
    with pytest.raises(ValueError, match="MILK_CHAMPION_TTL='soon'"):
        serve()


def test_the_openapi_document_is_written_to_a_file(tmp_path: Path) -> None:
    write_openapi(tmp_path / "openapi.json")
    assert (tmp_path / "openapi.json").read_text() == OPENAPI_FILE.read_text()
