"""The endpoint on a port of loopback, as `python -m lambda_service` serves it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from lambda_service.api.asgi import Asgi
from lambda_service.api.middleware import Edge


@contextmanager
def listening(edge: Edge) -> Iterator[tuple[str, int]]:
    """Host and port of a server that answers until the block ends."""
    door = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(Asgi(edge), access_log=False, server_header=False, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
    thread.start()
    yield door.getsockname()[:2]
    server.should_exit = True
    thread.join(10)
    door.close()
