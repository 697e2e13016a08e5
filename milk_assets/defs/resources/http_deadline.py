"""HTTP deadline: an upper bound for the total time of HTTP requests.

Belongs here: ending connections when the time is up. Not here: what is requested and when it is retried, which is in `sniim_site` and
`http_post`. This module imports requests, so its users import it when they make a request, not when the code location loads.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from threading import Lock, Timer
from types import TracebackType
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool


class Deadline:
    """A time limit for all requests made while it is entered, their retries included.

    The timeout of requests limits each silence of the server. A server that sends a byte now and then is never silent for that long,
    and would keep a worker busy without end. Therefore every connection of `session` is shut down when the deadline passes, whether it
    is in the TLS handshake, the headers or the body. A connection that was shut down looks to the reader like one that the server
    closed, so check `has_passed` before trusting what was read.

    Args:
        seconds: the time limit, counted from the creation of the object.
    """

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        self._timer = Timer(seconds, self._shut_down)
        self._timer.daemon = True
        self._lock = Lock()  # the timer runs in a thread of its own
        self._sockets: list[socket.socket] = []
        self._is_shut_down = False

    @property
    def has_passed(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._ends_at

    def session(self) -> requests.Session:
        """A new session whose connections, direct or through a proxy, end at the deadline."""
        session = requests.Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, _DeadlineAdapter(self))
        return session

    def watch(self, connection: socket.socket) -> None:
        """Shut a socket down when the deadline passes, or at once when it has passed.

        Holds a duplicate of the socket: TLS detaches the original from its file descriptor, and closing it frees the descriptor for
        others.
        """
        duplicate = connection.dup()
        with self._lock:
            self._sockets.append(duplicate)
            if self._is_shut_down:
                _shut_down_socket(duplicate)

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._timer.cancel()
        with self._lock:
            for watched in self._sockets:
                watched.close()
            self._sockets.clear()

    def _shut_down(self) -> None:
        with self._lock:
            self._is_shut_down = True
            for watched in self._sockets:
                _shut_down_socket(watched)


def _shut_down_socket(connection: socket.socket) -> None:
    with suppress(OSError):  # the other side has closed it already
        connection.shutdown(socket.SHUT_RDWR)


class _DeadlineAdapter(HTTPAdapter):
    """An adapter whose connections are watched by a deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._pool_classes = _pool_classes(deadline)
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pool_classes

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._pool_classes
        return manager


def _pool_classes(deadline: Deadline) -> dict[str, type[ConnectionPool]]:
    """Connection pools by URL scheme. urllib3 takes a connection's class from its pool's class, so each scheme needs two subclasses.

    `_new_conn` opens the TCP connection, before the TLS handshake; urllib3's own SOCKS support overrides it in the same way.
    """

    class WatchedConnection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            connection = super()._new_conn()
            deadline.watch(connection)
            return connection

    class WatchedTLSConnection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            connection = super()._new_conn()
            deadline.watch(connection)
            return connection

    class WatchedPool(HTTPConnectionPool):
        ConnectionCls = WatchedConnection

    class WatchedTLSPool(HTTPSConnectionPool):
        ConnectionCls = WatchedTLSConnection

    return {"http": WatchedPool, "https": WatchedTLSPool}
