"""The endpoint on this machine: ASGI requests as the events that API Gateway makes of them.

Belongs here: the translation, and the refusal to open to the network without keys. Everything else is what runs in the cloud.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

from lambda_service.api.middleware import LARGEST_BODY, Edge

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Context:
    """What the handler uses of Lambda's context."""

    def __init__(self, request_id: str) -> None:
        self.aws_request_id = request_id
        self.function_name = "local"


class Asgi:
    """An ASGI application over an Edge. Requests are answered one at a time, as in a Lambda: the resolver keeps one request's state."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._one_at_a_time = ThreadPoolExecutor(1, thread_name_prefix="edge")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's request."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            event = await _event(scope, receive)
            context = Context(event["requestContext"]["requestId"])
            loop = asyncio.get_running_loop()
            await _send(await loop.run_in_executor(self._one_at_a_time, self._edge.answer, event, context), send)


def refuse_open_door(host: str, keys: bool) -> None:
    """Raises ValueError where the address is not of this machine alone and no key is asked for."""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not (loopback or keys):
        raise ValueError(
            f"{host} is open to the network: set MILK_API_KEY_HASHES to sha256 hashes of keys "
            "(python -m lambda_service.api.api_keys makes one), or bind to 127.0.0.1"
        )


async def _event(scope: Scope, receive: Receive) -> dict[str, Any]:
    body, more = b"", True
    while more:
        message = await receive()
        # a body that is too long is read to its end, and not kept: the caller is told so, in place of a broken connection
        body = (body + message.get("body", b""))[: LARGEST_BODY + 1]
        more = message.get("more_body", False)
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        text = value.decode("latin-1")
        key = name.decode("latin-1").lower()
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    query = scope["query_string"].decode("latin-1")
    parameters = {name: ",".join(values) for name, values in parse_qs(query, keep_blank_values=True).items()}
    client = scope.get("client") or ("", 0)
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": scope["path"],
        "rawQueryString": query,
        "headers": headers,
        "queryStringParameters": parameters,
        "requestContext": {
            "http": {"method": scope["method"], "path": scope["path"], "sourceIp": client[0]},
            "requestId": str(uuid.uuid4()),
            "stage": "$default",
        },
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }


async def _send(response: dict[str, Any], send: Send) -> None:
    body = response.get("body") or ""
    content = base64.b64decode(body) if response.get("isBase64Encoded") else body.encode()
    headers = [(name.encode("latin-1"), str(value).encode("latin-1", "replace")) for name, value in response["headers"].items()]
    headers.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": response["statusCode"], "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
