"""`python -m lambda_service`: the endpoint on this machine, with uvicorn.

Belongs here: the command and its options. Not here: settings (`settings`), which come from environment variables.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8080
OPENAPI_FILE = Path(__file__).with_name("openapi.json")


@dataclass(frozen=True)
class ServeOptions:
    """The command line's options."""

    host: str
    port: int
    write_openapi: bool


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted, or write the OpenAPI file. arguments: of the command line; None reads them from sys.argv."""
    options = _parse(arguments)
    if options.write_openapi:
        write_openapi()
        return
    try:
        serve(options.host, options.port)
    except ValueError as error:
        sys.exit(f"error: {error}")


def serve(host: str = DEFAULT_HOST, port: int = DEFAULT_PORT) -> None:
    """Serve forecasts over HTTP until interrupted.

    Args:
        host: address to bind to; any other than loopback requires API keys.
        port: TCP port.

    Raises:
        ValueError: a setting is wrong, or the address is open to the network and no API key is required.
    """
    import uvicorn

    from lambda_service.api.asgi import AsgiApplication, require_keys_outside_loopback
    from lambda_service.api.routes.documentation import SWAGGER_PATH
    from lambda_service.endpoint import build_frontend
    from lambda_service.settings import EndpointSettings

    settings = EndpointSettings.from_environment()
    require_keys_outside_loopback(host, has_keys=bool(settings.key_hashes))
    frontend = build_frontend(settings)
    frontend.load_champion()
    print(f"serving forecasts from {settings.artefact_root}: http://{host}:{port}{SWAGGER_PATH}", flush=True)
    # the endpoint writes its own log, and callers do not need a Server header
    uvicorn.run(AsgiApplication(frontend), host=host, port=port, access_log=False, server_header=False, log_level="warning")


def write_openapi(file: Path = OPENAPI_FILE) -> None:
    """Write the OpenAPI document of the current code."""
    from lambda_service.api.openapi import openapi_document
    from lambda_service.endpoint import build_frontend
    from lambda_service.settings import EndpointSettings

    file.write_text(openapi_document(build_frontend(EndpointSettings.from_environment({})).app))


def _parse(arguments: list[str] | None) -> ServeOptions:
    parser = argparse.ArgumentParser(prog="python -m lambda_service", description="Serve the champion's forecasts over HTTP.")
    parser.add_argument(
        "--host", default=DEFAULT_HOST, help="address to bind to; outside loopback, MILK_API_KEY_HASHES is required"
    )
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="TCP port")
    parser.add_argument("--write-openapi", action="store_true", help="write lambda_service/openapi.json and exit")
    options = parser.parse_args(arguments)
    return ServeOptions(options.host, options.port, options.write_openapi)


if __name__ == "__main__":
    main()
