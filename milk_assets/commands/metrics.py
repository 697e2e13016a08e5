"""`milk metrics`: Prometheus metrics of the platform on this machine, and a watch over its daemon.

Belongs here: options. Metrics and server are `commands.metrics_server`.
"""

from typing import Annotated

import typer

DEFAULT_METRICS_PORT = 9108


def metrics_command(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = DEFAULT_METRICS_PORT,
) -> None:
    """Serve Prometheus metrics of the platform, and report an incident when its daemon stops."""
    import threading

    from milk_assets.commands.metrics_server import serve_metrics
    from milk_assets.defs.build import build_resources
    from milk_assets.settings import Environment

    resources = build_resources(Environment.from_env())
    channels = (resources["telegram"], resources["webhook"])
    serve_metrics(resources["lake"], resources["artefacts"], channels, host, port, threading.Event())
