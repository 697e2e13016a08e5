"""The metrics endpoint, over HTTP, and scraped by a real Prometheus where there is one."""

import json
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from milk_assets.commands import metrics_server
from milk_assets.defs.resources import telegram, webhook
from milk_assets.defs.resources.telegram import Telegram
from milk_assets.monitoring.alerts.incidents import Observation
from milk_assets.stores import alert_state
from milk_assets.stores.lake import Lake
from milk_assets_tests.support.chat_server import Chat
from milk_model.artefact_paths import SERVED, TRACK_RECORD

NOW = datetime(2025, 4, 3, 18, 0, tzinfo=UTC)  # noon in Mexico City: Wednesday's publication is late from now on
Sample = tuple[str, tuple[tuple[str, str], ...]]


@pytest.fixture
def artefacts(tmp_path: Path) -> Lake:
    return Lake(root=str(tmp_path / "artefacts"))


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alert_state, "clock", lambda: NOW)
    for variable in (telegram.TOKEN_VARIABLE, webhook.URL_VARIABLE):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def filled(lake: Lake, artefacts: Lake) -> Lake:
    """A lake with one publication in it, and an open incident."""
    day = "2025-03-31"
    lake.write_json(f"prices/{day}/vintage.json", {"sha256": "a" * 64})
    lake.write_json(f"feed_report/{day}/feed.json", {"restated": {"prices": 3}, "unchanged": 1})
    signal = {"signal": "returns", "milk": "uht", "channel": "store", "statistic": 1.0, "threshold": 2.0}
    lake.write_json(f"drift_report/{day}/drift.json", {"signals": [signal], "coverage": {"priced": 184, "usual": 185}})
    artefacts.write_json(
        TRACK_RECORD,
        {
            "newest": {"skill": 0.987, "cover80": 0.82, "cover95": 0.95, "bias": -0.16, "brier_ratio": 0.7},
            "by_horizon": [{"lead": 1, "ratio": 0.99}, {"lead": 13, "ratio": 0.97}],
            "alarms": [],
        },
    )
    artefacts.write_json(SERVED, {"version": 7, "bundle": "7" * 64, "is_baseline": False, "since": "2025-03-28T12:00:00+00:00"})
    alert_state.record_observations(lake, [Observation("feed_frozen", day, "still")], ())
    lake.write_json(alert_state.HEARTBEAT_PATH, {"at": "2025-04-03T17:59:30+00:00"})
    return lake


@pytest.fixture
def address(lake: Lake, artefacts: Lake, capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    ended, said = threading.Event(), threading.Event()
    found: list[str] = []
    start = metrics_server.start_http_server

    def started(*arguments: Any, **named: Any) -> Any:
        server, thread = start(*arguments, **named)
        found.append(f"127.0.0.1:{server.server_port}")
        said.set()
        return server, thread

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(metrics_server, "start_http_server", started)
        serving = threading.Thread(target=metrics_server.serve_metrics, args=(lake, artefacts, (), "127.0.0.1", 0, ended))
        serving.start()
        assert said.wait(10)
    yield found[0]
    ended.set()
    serving.join(10)
    assert not serving.is_alive()


def scraped(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def values(text: str) -> dict[Sample, float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_scrape_shows_publication_accuracy_champion_and_alerts(filled: Lake, address: str) -> None:
    found = values(scraped(address))
    plain = {name: value for (name, labels), value in found.items() if not labels}
    assert plain["milk_last_publication_timestamp_seconds"] == datetime(2025, 3, 31, 6, tzinfo=UTC).timestamp()
    assert plain["milk_publication_age_seconds"] == timedelta(days=3, hours=12).total_seconds()
    assert plain["milk_publications_late"] == 1
    assert plain["milk_skill_ratio"] == 0.987
    assert plain["milk_champion_version"] == 7
    assert plain["milk_champion_since_timestamp_seconds"] == datetime(2025, 3, 28, 12, tzinfo=UTC).timestamp()
    assert (plain["milk_series_priced"], plain["milk_restated_prices"], plain["milk_messages_waiting"]) == (184, 3, 0)
    assert found["milk_error_ratio", (("horizon", "13"),)] == 0.97
    assert found["milk_interval_coverage_ratio", (("level", "80"),)] == 0.82
    assert found["milk_drift_threshold_ratio", (("channel", "store"), ("milk", "uht"), ("signal", "returns"))] == 0.5
    assert found["milk_incidents_open", (("rule", "feed_frozen"), ("severity", "page"))] == 1
    assert found["milk_incidents_open", (("rule", "run_failed"), ("severity", "page"))] == 0
    assert {value for (name, _), value in found.items() if name == "milk_read_errors"} == {0}


def test_an_empty_lake_is_scraped_without_an_error(address: str) -> None:
    found = values(scraped(address))
    assert {value for (name, _), value in found.items() if name == "milk_read_errors"} == {0}
    assert not any(name.startswith("milk_champion") for name, _ in found)


def test_a_document_that_cannot_be_read_hides_no_other(filled: Lake, artefacts: Lake, address: str) -> None:
    artefacts.write_bytes(TRACK_RECORD, b"half a docum")
    found = values(scraped(address))
    assert found["milk_read_errors", (("document", "live_accuracy"),)] == 1
    assert found["milk_read_errors", (("document", "champion"),)] == 0
    assert ("milk_champion_version", ()) in found
    assert ("milk_skill_ratio", ()) not in found


def test_a_daemon_that_stopped_is_told_from_outside_and_its_return_too(filled: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(telegram.TOKEN_VARIABLE, "123:secret")
    monkeypatch.setenv(telegram.CHAT_VARIABLE, "42")
    with Chat() as chat:
        channel = Telegram(base_url=chat.url)
        assert metrics_server.watch(filled, (channel,), NOW) == "the alert sensor is running"
        for minutes in (20, 21, 600):
            metrics_server.watch(filled, (channel,), NOW + timedelta(minutes=minutes))
        (text,) = chat.texts
        assert text.startswith("milk OPEN: The alert sensor has stopped\nThe alert sensor last ran at 2025-04-03 17:59")
        alert_state.record_observations(filled, [], (channel,), complete_rules=["system_silent"])  # as the next tick does
        alert_state.deliver_messages(filled, (channel,))
        assert chat.texts[1].startswith("milk RESOLVED: The alert sensor has stopped")


def test_promtool_finds_no_fault_with_the_metrics(filled: Lake, address: str) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on this machine (Debian's package prometheus)")
    ran = subprocess.run([promtool, "check", "metrics"], input=scraped(address), capture_output=True, text=True, timeout=30)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.integration
def test_prometheus_scrapes_the_endpoint(filled: Lake, address: str, tmp_path: Path) -> None:
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        pytest.skip("no prometheus on this machine (Debian's package prometheus)")
    port = free_port()
    config = tmp_path / "prometheus.yml"
    config.write_text(
        f"global: {{scrape_interval: 200ms}}\nscrape_configs: [{{job_name: milk, static_configs: [{{targets: ['{address}']}}]}}]\n"
    )
    command = [
        prometheus,
        f"--config.file={config}",
        f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as running:
        try:
            wanted = '{__name__=~"milk_skill_ratio|up"}'
            found = waited_for(
                lambda: {one["metric"]["__name__"]: one["value"][1] for one in asked(port, wanted)}, "milk_skill_ratio"
            )
            assert found == {"milk_skill_ratio": "0.987", "up": "1"}, (tmp_path / "log").read_text()[-500:]
        finally:
            running.terminate()


def free_port() -> int:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def asked(port: int, query: str) -> list[dict[str, Any]]:
    from urllib.parse import quote

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?query={quote(query)}", timeout=5) as answer:
        return list(json.load(answer)["data"]["result"])


def waited_for(look: Any, name: str, seconds: float = 30) -> dict[str, str]:
    """What `look` finds once `name` is among it; the last thing found when it never is."""
    until, found, pause = datetime.now(UTC) + timedelta(seconds=seconds), {}, threading.Event()
    while datetime.now(UTC) < until and name not in found:
        try:
            found = look()
        except OSError:  # not listening yet
            found = {}
        pause.wait(0.1)
    return found
