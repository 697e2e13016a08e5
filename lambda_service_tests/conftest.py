"""Fixtures: an artefact store with two model versions of one synthetic market, and the endpoint that serves it."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from lambda_service.api.middleware import HttpFrontend
from lambda_service.api.observability import RequestMetrics
from lambda_service.api.routes.common import EndpointServices
from lambda_service.serving.artefact_reader import ArtefactReader
from lambda_service.serving.champion import Champion
from lambda_service.serving.report_files import ReportFiles
from milk_assets.forecasting.model import Model
from milk_assets.forecasting.panel import Panel, build_panel
from milk_assets.stores.endpoint_snapshot import snapshot_of
from milk_assets_tests.forecasting.conftest import SMALL, market
from milk_model.artefact_paths import SERVED
from milk_model.bundle import Bundle, pack, unpack
from milk_model.snapshot import pack_snapshot, read_snapshot, snapshot_path

NOW = 1_717_000_000.0  # 2024-05-29, before the next publication of the synthetic market
PUBLISHED = "2024-05-28T18:00:00+00:00"
TTL = 60.0


@pytest.fixture(scope="session")
def city_panel() -> Panel:
    """Seventy publications of five cities, with national averages and one series that has no recent prices."""
    return build_panel(*market())


@pytest.fixture(scope="session")
def bundles(city_panel: Panel) -> dict[int, Bundle]:
    """Version 1 is the no-change baseline, version 2 a trained model."""
    models = {1: Model.fit_baseline(city_panel), 2: Model.fit(city_panel, SMALL)}
    return {number: pack(model.save(), facts(model)) for number, model in models.items()}


@pytest.fixture(scope="session")
def snapshot_file(city_panel: Panel) -> bytes:
    return pack_snapshot(snapshot_of(city_panel, sample=True, workbook="ab" * 32))


def facts(model: Model) -> dict[str, Any]:
    return {"kind": "baseline" if model.is_baseline else "model", "trained_through": str(model.trained_through)}


@dataclass
class Store:
    """A folder with the layout of the artefact store, and methods to write it."""

    root: Path
    bundles: dict[int, Bundle]
    data: bytes

    def write(self, path: str, content: bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def promote(self, version: int, **changes: Any) -> None:
        """Serve a version: write its files, then the manifest."""
        import hashlib

        bundle = self.bundles[version]
        for name, content in bundle.files.items():
            if not (self.root / bundle.prefix / name).exists():
                self.write(f"{bundle.prefix}/{name}", content)
        self.write(snapshot_path(self.data), self.data)
        sha256 = hashlib.sha256(self.data).hexdigest()
        publication = read_snapshot(self.data).publication
        data = {"path": snapshot_path(self.data), "sha256": sha256, "publication": publication, "at": PUBLISHED}
        manifest = {
            "schema": 1,
            "version": version,
            "bundle": bundle.sha256,
            "is_baseline": version == 1,
            "facts": bundle.facts,
            "since": "2024-05-28T12:00:00+00:00",
            "decided_on": publication,
            "data": data,
        }
        self.write(SERVED, json.dumps({**manifest, **changes}).encode())


@pytest.fixture
def store(tmp_path: Path, bundles: dict[int, Bundle], snapshot_file: bytes) -> Store:
    artefact_store = Store(tmp_path / "artefacts", bundles, snapshot_file)
    artefact_store.promote(2)
    return artefact_store


@dataclass
class Clock:
    """A clock that the test sets."""

    seconds: float = NOW

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@dataclass
class Context:
    aws_request_id: str = "request-1"
    function_name: str = "milk"


@dataclass
class Caller:
    """Sends requests as API Gateway events of payload format 2.0."""

    frontend: HttpFrontend
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, method: str, target: str, body: Any = None, **headers: str) -> "Answer":
        path, _, query = target.partition("?")
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": self.headers | {name.replace("_", "-"): value for name, value in headers.items()},
            "queryStringParameters": {name: ",".join(values) for name, values in parse_qs(query, keep_blank_values=True).items()},
            "requestContext": {"http": {"method": method, "path": path}, "requestId": "gateway-1", "stage": "$default"},
            "body": None if content is None else base64.b64encode(content).decode(),
            "isBase64Encoded": content is not None,
        }
        return Answer(self.frontend.respond(event, Context()))

    def get(self, target: str, **headers: str) -> "Answer":
        return self("GET", target, **headers)

    def post(self, target: str, body: Any) -> "Answer":
        return self("POST", target, body)


@dataclass
class Answer:
    raw: dict[str, Any]

    @property
    def status(self) -> int:
        return int(self.raw["statusCode"])

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.raw["headers"])

    @property
    def content(self) -> bytes:
        body = self.raw["body"]
        return base64.b64decode(body) if self.raw["isBase64Encoded"] else body.encode()

    @property
    def json(self) -> Any:
        return json.loads(self.content)


def build_test_frontend(
    reader: ArtefactReader,
    clock: Clock,
    key_hashes: frozenset[str] = frozenset(),
    fallback: ArtefactReader | None = None,
) -> HttpFrontend:
    champion = Champion(reader, clock, ttl=TTL, fallback=fallback)
    services = EndpointServices(champion, ReportFiles(reader, clock, TTL), clock)
    return HttpFrontend(services, RequestMetrics(), key_hashes)


@pytest.fixture
def call(store: Store, clock: Clock) -> Caller:
    return Caller(build_test_frontend(ArtefactReader(str(store.root)), clock))


@pytest.fixture
def model(bundles: dict[int, Bundle]) -> Callable[[int], Model]:
    return lambda version: Model.load(unpack(bundles[version].files).files)
