"""Artefacts for the endpoint's benchmarks: the artefact store of a demo, copied to an S3 server on loopback.

Belongs here: the files to serve, requests for them, and moto's server. Not here: timing (`serving`, `load`).
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
    """The artefact store that `milk demo` writes to a folder."""

    folder: Path

    @cached_property
    def champion(self) -> dict[str, Any]:
        """The manifest in the store."""
        if not (self.folder / SERVED).is_file():
            raise SystemExit(f"{self.folder} has no {SERVED}: run `milk demo` first, and pass its artefacts folder")
        return dict(json.loads((self.folder / SERVED).read_text()))

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest to serve: the trained model, promoted or not, because the baseline has almost nothing to score."""
        return self._manifest(trained=True)

    @cached_property
    def baseline_manifest(self) -> dict[str, Any]:
        """The manifest of the baseline on the same data, as after a rollback."""
        return self._manifest(trained=False)

    def _manifest(self, trained: bool) -> dict[str, Any]:
        for path in sorted((self.folder / MODELS).glob(f"*/{MANIFEST}")):
            if any(path.parent.glob("*.ubj")) == trained:
                sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
                facts = read_manifest(path.read_bytes(), sha256)["facts"]
                version = {"bundle": sha256, "version": 2 if trained else 1, "facts": facts, "is_baseline": not trained}
                return {**self.champion, **version}
        raise SystemExit(f"{self.folder} has no {'trained model' if trained else 'baseline'}: run the demo again")

    @cached_property
    def snapshot(self) -> dict[str, Any]:
        """The price history that it is served with."""
        return dict(json.loads((self.folder / self.manifest["data"]["path"]).read_text()))

    def bundle_files(self, sha256: str) -> dict[str, bytes]:
        """The files of a bundle by their path in the store, its manifest last."""
        folder = prefix(sha256)
        manifest = (self.folder / folder / MANIFEST).read_bytes()
        names = [*read_manifest(manifest, sha256)["files"], MANIFEST]
        return {f"{folder}/{name}": (self.folder / folder / name).read_bytes() for name in names}

    def city_series(self) -> list[dict[str, Any]]:
        """The city series that are forecast: key, state, city, milk, channel, prices in centavos."""
        return list(self.snapshot["series"])

    def payload(self, series: Mapping[str, Any], lag: float | None = None) -> dict[str, Any]:
        """A request to /predict for a series and the next publication. lag: Precio_lag1 in MXN/l, by default the last price."""
        last = next(price for price in reversed(series["prices"]) if price is not None) / 100
        day = datetime.fromisoformat(self.snapshot["expected"][0]).replace(tzinfo=UTC)
        labels = self.snapshot["labels"]
        names = {
            "Estado": series["state"],
            "Ciudad": series["city"],
            "Tipo": labels[series["milk"]],
            "Canal": labels[series["channel"]],
        }
        target = {"día": day.day, "mes": day.month, "año": day.year, "dia_semana": day.weekday()}
        return {**names, **target, "Precio_lag1": last if lag is None else lag, "Precio_mean7": last}

    def events(self) -> dict[str, dict[str, Any]]:
        """Named requests, as API Gateway events."""
        series = self.city_series()[0]
        own = self.payload(series, self.payload(series)["Precio_lag1"] + 0.5)
        return {
            "POST /predict, one item": http_event("POST", "/predict", self.payload(series)),
            "GET /v1/forecasts/{series}": http_event("GET", f"/v1/forecasts/{series['key']}"),
            "POST /predict, own price": http_event("POST", "/predict", own),
        }


def served_files(store: Store) -> dict[str, bytes]:
    """Every file that the manifest names, and the manifest, by path."""
    data = store.manifest["data"]["path"]
    return {
        **store.bundle_files(store.manifest["bundle"]),
        data: (store.folder / data).read_bytes(),
        SERVED: json.dumps(store.manifest).encode(),
    }


def http_event(method: str, path: str, body: Any = None) -> dict[str, Any]:
    """A request as an API Gateway event of payload format 2.0."""
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
    """moto's S3 server with one bucket, in a separate process on loopback."""

    def __init__(self, bucket: str) -> None:
        self.bucket, self.port = bucket, free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._files: dict[str, bytes] = {}
        self._start()

    @cached_property
    def client(self) -> Any:
        """A client of the server."""
        import boto3

        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=self.endpoint, **keys)

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write files."""
        self._files |= files
        for path, content in files.items():
            self.client.put_object(Bucket=self.bucket, Key=path, Body=content)

    def close(self) -> None:
        """End the server; its files are lost."""
        self.process.kill()
        self.process.wait(timeout=10)

    def restart(self) -> None:
        """Start a server on the same port, with the files of the previous one."""
        self._start()
        self.put(self._files)

    def _start(self) -> None:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        environment = {**os.environ, "AWS_REGION": "us-east-1"}
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        wait_for(self.port, self.process)
        self.client.create_bucket(Bucket=self.bucket)


@contextlib.contextmanager
def moto_s3(bucket: str) -> Iterator[S3]:
    """A server that runs until the block ends."""
    s3 = S3(bucket)
    try:
        yield s3
    finally:
        s3.close()


def free_port() -> int:
    """A free port on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], timeout: float = 60.0) -> None:
    """Return as soon as the process listens on a loopback port. timeout: seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.002)
            continue
        return
    raise SystemExit(f"{process.args!r} does not listen (exit code {process.poll()})")
