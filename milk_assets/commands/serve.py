"""`milk serve` and `milk api-key`: the HTTP endpoint on this machine, and keys for its callers.

Belongs here: options. The endpoint is the package `lambda_service`.
"""

from typing import Annotated

import typer


def serve_command(
    host: Annotated[
        str, typer.Option(help="Address to bind to; any other than loopback needs MILK_API_KEY_HASHES.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8080,
) -> None:
    """Serve the champion's forecasts over HTTP until interrupted."""
    from lambda_service.__main__ import serve

    serve(host, port)


def api_key_command() -> None:
    """Create an API key, and print it with the hash for MILK_API_KEY_HASHES."""
    from lambda_service.api import api_keys

    api_keys.main()
