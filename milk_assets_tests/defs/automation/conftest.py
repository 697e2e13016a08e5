"""Fixtures of the alert tests: a manual clock, a local chat server, a Dagster instance and an artefact store."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from milk_assets.defs.resources import telegram, webhook
from milk_assets.stores import alert_state
from milk_assets.stores.lake import Lake
from milk_assets_tests.support.chat_server import Chat

START = datetime(2025, 3, 31, 12, 0, tzinfo=UTC)  # 06:00 in Mexico City: before the digest


class Clock:
    """A clock that only moves when a test moves it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    manual_clock = Clock()
    monkeypatch.setattr(alert_state, "clock", manual_clock)
    return manual_clock


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[Chat]:
    monkeypatch.setenv(telegram.TOKEN_VARIABLE, "123:secret")
    monkeypatch.setenv(telegram.CHAT_VARIABLE, "42")
    monkeypatch.delenv(webhook.URL_VARIABLE, raising=False)
    with Chat() as server:
        monkeypatch.setenv(telegram.URL_VARIABLE, server.url)
        yield server


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as test_instance:
        yield test_instance


@pytest.fixture
def artefacts(tmp_path: Path) -> Lake:
    return Lake(root=str(tmp_path / "artefacts"))
