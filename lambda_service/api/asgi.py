"""ASGI: the endpoint on this machine, which converts HTTP requests to the events that API Gateway sends.

Belongs here: the conversion, and refusing to serve a network without API keys. Not here: answering the events (`middleware`), which is the
same code as in AWS.
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

from lambda_service.api.api_keys import CREATE_COMMAND
from lambda_service.api.middleware import MAX_BODY_BYTES, HttpFrontend

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class LocalContext:
    """The attributes of Lambda's context that the endpoint uses."""

    def __init__(self, request_id: str) -> None:
        self.aws_request_id = request_id
        self.function_name = "local"


class AsgiApplication:
    """An ASGI application. Like a Lambda function it answers one request at a time, because the resolver holds the current request."""

    def __init__(self, frontend: HttpFrontend) -> None:
        self._frontend = frontend
        self._single_worker = ThreadPoolExecutor(1, thread_name_prefix="frontend")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or the server's start and stop messages."""
        if scope["type"] == "lifespan":
            await _handle_lifespan(receive, send)
        elif scope["type"] == "http":
            event = await _to_event(scope, receive)
            context = LocalContext(event["requestContext"]["requestId"])
            loop = asyncio.get_running_loop()
            response = await loop.run_in_executor(self._single_worker, self._frontend.respond, event, context)
            await _send_response(response, send)


def require_keys_outside_loopback(host: str, *, has_keys: bool) -> None:
    """Check that an address other than loopback is protected by API keys.

    Args:
        host: address to bind to.
        has_keys: whether callers must send a valid key.

    Raises:
        ValueError: the address is open to the network and no key is required.
    """
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost"
    if not (is_loopback or has_keys):
        raise ValueError(
            f"{host} is open to the network: set MILK_API_KEY_HASHES to the sha256 hashes of keys "
            f"({CREATE_COMMAND} creates one), or bind to 127.0.0.1"
        )


async def _to_event(scope: Scope, receive: Receive) -> dict[str, Any]:
    """The event of payload format 2.0 for a request."""
    body = await _read_body(receive)
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
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


async def _read_body(receive: Receive) -> bytes:
    """The body, cut one byte above the limit. It is read to its end, so that the caller gets a 413 and not a broken connection."""
    body, has_more = b"", True
    while has_more:
        message = await receive()
        body = (body + message.get("body", b""))[: MAX_BODY_BYTES + 1]
        has_more = message.get("more_body", False)
    return body


async def _send_response(response: dict[str, Any], send: Send) -> None:
    body = response.get("body") or ""
    content = base64.b64decode(body) if response.get("isBase64Encoded") else body.encode()
    headers = [(name.encode("latin-1"), str(value).encode("latin-1", "replace")) for name, value in response["headers"].items()]
    headers.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": response["statusCode"], "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _handle_lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
