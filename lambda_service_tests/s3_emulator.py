"""A small S3 server on loopback that serves a folder, supports If-None-Match, and can fail on demand."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

Fault = Literal["none", "slow", "broken", "denied"]
BUCKET = "artefacts"


class FaultyS3:
    """The server. `fault` is how every request fails; `requests` lists the requested paths with the status of each answer."""

    def __init__(self, root: Path) -> None:
        self.root, self.fault = root, "none"
        self.requests: list[tuple[str, int]] = []
        self._closed = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        s3 = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = unquote(urlsplit(self.path).path).removeprefix(f"/{BUCKET}/")
                if s3.fault == "slow":
                    s3._closed.wait(20)  # until the test ends; no client waits that long
                    self.close_connection = True
                    return
                if s3._closed.is_set():  # a request on a connection that was kept alive
                    self.close_connection = True
                    return
                file = s3.root / path
                if s3.fault == "broken":
                    self._answer(path, 500)
                elif s3.fault == "denied":
                    self._answer(path, 403)
                elif not file.is_file():
                    self._answer(path, 404)
                else:
                    content = file.read_bytes()
                    tag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
                    if self.headers.get("If-None-Match") == tag:
                        self._answer(path, 304, b"", tag)
                    else:
                        self._answer(path, 200, content, tag)

            def _answer(self, path: str, status: int, content: bytes = b"", tag: str = "") -> None:
                s3.requests.append((path, status))
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Last-Modified", "Tue, 28 May 2024 18:00:00 GMT")
                if tag:
                    self.send_header("ETag", tag)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
