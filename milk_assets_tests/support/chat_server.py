"""Chat server: a local replacement for Telegram's Bot API and for a webhook."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


class Chat:
    """Answers with the queued (status, document) pairs, then with 200. Records the requested paths and the accepted messages.

    A status of 0 accepts the message and does not answer until the server is closed, so that the client's timeout ends the request.
    """

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.messages: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.closed = Event()
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = chat.answers.pop(0) if chat.answers else (200, {"ok": True})
                chat.paths.append(self.path)
                if status in {0, 200}:
                    chat.messages.append(body)
                if status == 0:
                    chat.closed.wait(30)
                    return
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> "Chat":
        Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def texts(self) -> list[str]:
        """The text of each accepted message."""
        return [message["text"] for message in self.messages]

    @property
    def heads(self) -> list[str]:
        """The first line of each accepted message."""
        return [text.split("\n")[0] for text in self.texts]

    def close(self) -> None:
        """Stop the server. May be called more than once."""
        self.closed.set()
        self.server.shutdown()
        self.server.server_close()
