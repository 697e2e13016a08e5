"""`python -m lambda_service`: the endpoint on this machine, with uvicorn.

Belongs here: its address. Settings are `settings`'.
"""

from __future__ import annotations

import argparse
import sys


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m lambda_service", description="Forecasts over HTTP, from the champion.")
    parser.add_argument("--host", default="127.0.0.1", help="address to bind to; another than loopback needs MILK_API_KEY_HASHES")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--write-openapi", action="store_true", help="write openapi.json anew, and end")
    chosen = parser.parse_args()
    if chosen.write_openapi:
        _write_openapi()
        return

    import uvicorn

    from lambda_service.api.asgi import Asgi, refuse_open_door
    from lambda_service.api.routes import SWAGGER
    from lambda_service.settings import Settings

    try:
        settings = Settings.read()
        refuse_open_door(chosen.host, bool(settings.hashes))
    except ValueError as error:
        sys.exit(f"error: {error}")
    edge = settings.edge()
    edge.warm()
    print(f"forecasts from {settings.artefacts}: http://{chosen.host}:{chosen.port}{SWAGGER}", flush=True)
    # logs are the endpoint's own; a server header tells callers nothing they need
    uvicorn.run(Asgi(edge), host=chosen.host, port=chosen.port, access_log=False, server_header=False, log_level="warning")


def _write_openapi() -> None:
    from pathlib import Path

    from lambda_service.api.openapi import openapi
    from lambda_service.settings import Settings

    Path(__file__).with_name("openapi.json").write_text(openapi(Settings.read({}).edge().app))


if __name__ == "__main__":
    main()
