"""A local server: the endpoint on a loopback port, as `python -m lambda_service` serves it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from lambda_service.api.asgi import AsgiApplication
from lambda_service.api.middleware import HttpFrontend


@contextmanager
def serve_on_loopback(frontend: HttpFrontend) -> Iterator[tuple[str, int]]:
    """Host and port of a server that runs until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(AsgiApplication(frontend), access_log=False, server_header=False, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield listener.getsockname()[:2]
    server.should_exit = True
    thread.join(10)
    listener.close()
