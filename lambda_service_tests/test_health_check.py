"""The health check, against a local server whose answers the tests set."""

import ast
import socket
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from lambda_service import health_check
from lambda_service.health_check import HealthError, check


class Endpoint:
    """A server that answers with `status` and `body`, and waits with the answer until `stalled` is set."""

    def __init__(self) -> None:
        self.status, self.body = 200, b'{"status": "ok", "version": 3}'
        self.paths: list[str] = []
        self.headers: dict[str, str] = {}
        self.stalled = Event()
        self.stalled.set()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                endpoint.paths.append(self.path)
                endpoint.stalled.wait(5)
                self.send_response(endpoint.status)
                for name, value in endpoint.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(endpoint.body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    server = Endpoint()
    Thread(target=server.server.serve_forever, daemon=True).start()
    yield server
    server.stalled.set()
    server.server.shutdown()
    server.server.server_close()


def test_a_healthy_endpoint_passes_with_its_answer(endpoint: Endpoint) -> None:
    facts = check(endpoint.url)
    assert facts["answer"] == {"status": "ok", "version": 3}
    assert facts["url"] == f"{endpoint.url}/v1/health"
    assert 0 <= facts["seconds"] < 5
    check(f"{endpoint.url}/v1/health")
    check(f"{endpoint.url}/stage/")
    assert endpoint.paths == ["/v1/health", "/v1/health", "/stage/v1/health"]


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (503, b"{}", "expected HTTP 200, got 503"),
        (500, b"Traceback", "expected HTTP 200, got 500"),
        (204, b"", "expected HTTP 200, got 204"),
        (200, b"<html>", "expected a JSON object, got b'<html>'"),
        (200, b"[]", "expected a JSON object, got list"),
        (200, b'{"status": "degraded"}', "got 'degraded'"),
    ],
)
def test_any_other_answer_is_an_error(endpoint: Endpoint, status: int, body: bytes, message: str) -> None:
    endpoint.status, endpoint.body = status, body
    with pytest.raises(HealthError) as error:
        check(endpoint.url)
    assert message in str(error.value)


def test_a_redirect_to_a_login_page_is_not_healthy(endpoint: Endpoint) -> None:
    endpoint.status, endpoint.headers = 302, {"Location": f"{endpoint.url}/login"}
    with pytest.raises(HealthError, match="got 302"):
        check(endpoint.url)
    assert endpoint.paths == ["/v1/health"]


def test_an_endpoint_that_does_not_answer_in_time_is_an_error(endpoint: Endpoint) -> None:
    endpoint.stalled.clear()
    with pytest.raises(HealthError, match="within 0.2 s, got TimeoutError"):
        check(endpoint.url, timeout=0.2)


def test_an_endpoint_without_a_listener_is_an_error() -> None:
    with socket.socket() as bound_socket:
        bound_socket.bind(("127.0.0.1", 0))
        with pytest.raises(HealthError, match="ConnectionRefusedError"):
            check(f"http://127.0.0.1:{bound_socket.getsockname()[1]}", timeout=1)


def test_credentials_and_query_of_the_address_are_not_repeated(endpoint: Endpoint) -> None:
    endpoint.status = 500
    with pytest.raises(HealthError) as error:
        check(endpoint.url.replace("http://", "http://user:secret@") + "/?key=secret")
    assert "secret" not in str(error.value)
    with pytest.raises(ValueError, match="expected an http"):
        check("file:///etc/passwd")


def test_the_check_imports_only_the_standard_library() -> None:
    tree = ast.parse(Path(health_check.__file__).read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names
