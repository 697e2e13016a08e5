"""Settings of the endpoint, from the environment, and the parts they make.

Belongs here: names and defaults of settings. What they set is where it is used.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lambda_service.api.api_keys import read_hashes
from lambda_service.api.middleware import Edge
from lambda_service.api.observability import Observer
from lambda_service.api.routes import Deps
from lambda_service.serving.artefact_reader import TIMEOUT, Source
from lambda_service.serving.champion import TTL, Champion
from lambda_service.serving.report_files import Documents

BAKED = Path(__file__).parent / "baked"  # in the image: a folder with the store's layout, where one was baked


@dataclass(frozen=True)
class Settings:
    """artefacts: folder or `s3://bucket`; ttl, timeout: seconds; hashes: of API keys, none where who is in front asks for them."""

    artefacts: str
    baked: str | None = None
    ttl: float = TTL
    timeout: float = TIMEOUT
    region: str = "us-east-1"
    endpoint: str | None = None
    hashes: frozenset[str] = frozenset()

    @staticmethod
    def read(environment: Mapping[str, str] = os.environ) -> Settings:
        """The settings in the environment. Raises ValueError naming one that is not as expected."""
        home = environment.get("MILK_HOME") or ".milk"
        baked = environment.get("MILK_BAKED") or str(BAKED)
        hashes = environment.get("MILK_API_KEY_HASHES", "")
        return Settings(
            artefacts=environment.get("MILK_ARTEFACTS") or f"{home}/artefacts",
            baked=baked if Path(baked).is_dir() else None,
            ttl=_seconds(environment, "MILK_CHAMPION_TTL", TTL),
            timeout=_seconds(environment, "MILK_STORE_TIMEOUT", TIMEOUT),
            region=environment.get("AWS_REGION") or "us-east-1",
            endpoint=environment.get("MILK_S3_ENDPOINT") or None,
            hashes=read_hashes(hashes) if hashes.strip() else frozenset(),
        )

    def edge(self) -> Edge:
        """The endpoint that these settings make, on the system's clock."""
        source = Source(self.artefacts, self.timeout, self.region, self.endpoint)
        baked = Source(self.baked) if self.baked else None
        champion = Champion(source, time.time, baked=baked, ttl=self.ttl)
        return Edge(Deps(champion, Documents(source, time.time, self.ttl), time.time), Observer(), self.hashes)


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 86400:
        raise ValueError(f"{name}: expected seconds between 0 and 86400, got {text!r}")
    return value
