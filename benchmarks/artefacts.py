"""What the endpoint's benchmarks serve: a demo's artefact store, put into an S3 on loopback.

Belongs here: which files are served, requests on them, moto's server. Timing is the benchmarks' own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from milk_model.artefact_paths import MODELS, SERVED
from milk_model.bundle import MANIFEST, prefix, read_manifest


@dataclass(frozen=True)
class Store:
    """The artefact store that `python -m milk_assets demo` leaves in a folder."""

    folder: Path

    @cached_property
    def champion(self) -> dict[str, Any]:
        """The manifest as it stands."""
        if not (self.folder / SERVED).is_file():
            raise SystemExit(
                f"{self.folder} has no {SERVED}: run `python -m milk_assets demo` first, and name its artefacts folder"
            )
        return dict(json.loads((self.folder / SERVED).read_text()))

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What is served in a benchmark: the trained model, whether it was promoted or not. The baseline has next to nothing to score."""
        return self._manifest(trained=True)

    @cached_property
    def other(self) -> dict[str, Any]:
        """Another version over the same data, as a fall-back would serve it: the baseline."""
        return self._manifest(trained=False)

    def _manifest(self, trained: bool) -> dict[str, Any]:
        for path in sorted((self.folder / MODELS).glob(f"*/{MANIFEST}")):
            if any(path.parent.glob("*.ubj")) == trained:
                sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
                facts = read_manifest(path.read_bytes(), sha256)["facts"]
                named = {"bundle": sha256, "version": 2 if trained else 1, "facts": facts, "is_baseline": not trained}
                return {**self.champion, **named}
        raise SystemExit(f"{self.folder} holds no {'trained model' if trained else 'baseline'}: run the demo once more")

    @cached_property
    def snapshot(self) -> dict[str, Any]:
        """The data it is served from."""
        return dict(json.loads((self.folder / self.manifest["data"]["path"]).read_text()))

    def bundle_files(self, sha256: str) -> dict[str, bytes]:
        """A bundle's files by their paths in the store, its manifest last."""
        folder = prefix(sha256)
        manifest = (self.folder / folder / MANIFEST).read_bytes()
        names = [*read_manifest(manifest, sha256)["files"], MANIFEST]
        return {f"{folder}/{name}": (self.folder / folder / name).read_bytes() for name in names}

    def city_series(self) -> list[dict[str, Any]]:
        """The series of cities that are forecast: key, state, city, milk, channel, prices in centavos."""
        return list(self.snapshot["series"])

    def payload(self, series: Mapping[str, Any], lag: float | None = None) -> dict[str, Any]:
        """What an integrator of the earlier service sends for a series and the next publication. lag: MXN/l, by default the last price."""
        last = next(price for price in reversed(series["prices"]) if price is not None) / 100
        day = datetime.fromisoformat(self.snapshot["expected"][0]).replace(tzinfo=UTC)
        labels = self.snapshot["labels"]
        names = {
            "Estado": series["state"],
            "Ciudad": series["city"],
            "Tipo": labels[series["milk"]],
            "Canal": labels[series["channel"]],
        }
        when = {"día": day.day, "mes": day.month, "año": day.year, "dia_semana": day.weekday()}
        return {**names, **when, "Precio_lag1": last if lag is None else lag, "Precio_mean7": last}

    def events(self) -> dict[str, dict[str, Any]]:
        """Requests by what they ask for, as API Gateway hands them to a function."""
        series = self.city_series()[0]
        own = self.payload(series, self.payload(series)["Precio_lag1"] + 0.5)
        return {
            "POST /predict, one item": http_event("POST", "/predict", self.payload(series)),
            "GET /v1/forecasts/{series}": http_event("GET", f"/v1/forecasts/{series['key']}"),
            "POST /predict, own price": http_event("POST", "/predict", own),
        }


def served_files(store: Store) -> dict[str, bytes]:
    """Every file that the manifest names, and itself, by path."""
    data = store.manifest["data"]["path"]
    return {
        **store.bundle_files(store.manifest["bundle"]),
        data: (store.folder / data).read_bytes(),
        SERVED: json.dumps(store.manifest).encode(),
    }


def http_event(method: str, path: str, body: Any = None) -> dict[str, Any]:
    """A request as an HTTP API hands it over, payload format 2.0."""
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "benchmark"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "accept": "application/json"},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "benchmark",
            "domainName": "localhost",
            "domainPrefix": "localhost",
            "http": http,
            "requestId": "benchmark",
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1767225600000,
        },
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


class S3:
    """moto's server with one bucket, in a process of its own on loopback."""

    def __init__(self, bucket: str) -> None:
        self.bucket, self.port = bucket, free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._files: dict[str, bytes] = {}
        self._start()

    @cached_property
    def client(self) -> Any:
        """A client of it."""
        import boto3

        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=self.endpoint, **keys)

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write files."""
        self._files |= files
        for path, content in files.items():
            self.client.put_object(Bucket=self.bucket, Key=path, Body=content)

    def close(self) -> None:
        """End it, and what it holds."""
        self.process.kill()
        self.process.wait(timeout=10)

    def restart(self) -> None:
        """A server on the same port, with the files of the one that ended."""
        self._start()
        self.put(self._files)

    def _start(self) -> None:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, **quiet, env={**os.environ, "AWS_REGION": "us-east-1"})
        wait_for(self.port, self.process)
        self.client.create_bucket(Bucket=self.bucket)


@contextlib.contextmanager
def moto_s3(bucket: str) -> Iterator[S3]:
    """A server that ends with the block."""
    s3 = S3(bucket)
    try:
        yield s3
    finally:
        s3.close()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], patience: float = 60.0) -> None:
    """Return as soon as the process listens on a port of loopback."""
    until = time.monotonic() + patience
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.002)
            continue
        return
    raise SystemExit(f"{process.args} does not listen (exit code {process.poll()})")
