"""The platform left alone: publications appear, one of them broken, and the sensors carry them through to forecasts."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from milk_assets.commands import run_once
from milk_assets.defs.build import build_resources
from milk_assets.settings import Environment
from milk_assets.sniim.samples.publisher import CutShelf, Publisher, SampleShelf, Shelf
from milk_assets.stores import champion_manifest
from milk_assets.stores.layers import candidates, evaluations, forecasts, prices, track_record
from milk_assets_tests.support.chat_server import Chat

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("daemon")]

MONDAY, WEDNESDAY, FRIDAY = date(2025, 3, 24), date(2025, 3, 26), date(2025, 3, 28)
PATIENCE = 240.0  # seconds for a chain of runs, each a process of its own; nothing asserts how long it takes

# The code location as it is, but for the chat's address and for looking more often than a public site would like.
LOCATION = """
from milk_assets import automation
automation.POLL_SECONDS = 2
from milk_assets.defs.build import build_definitions
from milk_assets.settings import Environment
from milk_assets.defs.resources.telegram import Telegram
defs = build_definitions(Environment.from_env(), telegram=Telegram(base_url={chat!r}))
"""


@dataclass
class Correctable(Shelf):
    """A shelf on which a workbook can be replaced, as a site does when it corrects itself."""

    shelf: CutShelf | SampleShelf
    replaced: dict[date, bytes] = field(default_factory=dict)

    def next_after(self, day: date) -> date | None:
        return self.shelf.next_after(day)

    def read(self, day: date) -> tuple[bytes, datetime] | None:
        found = self.shelf.read(day)
        return found and (self.replaced.get(day, found[0]), found[1])


def with_a_price_changed(content: bytes) -> bytes:
    """The workbook with one price of its newest block raised by 5 pesos, so that its average is no longer that of its cities."""
    book = load_workbook(io.BytesIO(content))
    sheet = book.worksheets[0]
    row = next(
        row for row in sheet.iter_rows(min_row=5, max_row=20) if isinstance(row[4].value, float | int) and row[4].value > 0
    )
    row[4].value = float(row[4].value) + 5
    changed = io.BytesIO()
    book.save(changed)
    return changed.getvalue()


@pytest.fixture
def shelf(request: pytest.FixtureRequest) -> Correctable:
    """The real workbook cut at its dates; sample data where there is none."""
    try:
        return Correctable(CutShelf(request.getfixturevalue("real_workbook")))
    except pytest.skip.Exception:
        return Correctable(SampleShelf())


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    with Chat() as fake:
        yield fake


@pytest.fixture
def daemon(tmp_path: Path, chat: Chat, shelf: Correctable) -> Iterator[tuple[Publisher, Environment, subprocess.Popen[bytes]]]:
    """A publisher showing Monday's workbook, the whole graph run on it once, and Dagster's daemon watching from there on."""
    with Publisher(shelf, MONDAY) as site:
        settings = {"MILK_HOME": str(tmp_path / "home"), "MILK_SOURCE_URL": site.url}
        environment = Environment.from_env(settings)
        with run_once.instance(environment) as on:
            run_once.bootstrap(environment, on, MONDAY)
            list(run_once.run_graph(environment, on, MONDAY, MONDAY, {"trials": 2, "seconds": 300.0}))
        location = tmp_path / "location.py"
        location.write_text(LOCATION.format(chat=chat.url))
        told = settings | {
            "DAGSTER_HOME": str(environment.dagster_home),
            "MILK_TELEGRAM_TOKEN": "123:secret",
            "MILK_TELEGRAM_CHAT": "42",
        }
        command = [str(Path(sys.executable).with_name("dagster-daemon")), "run", "-f", str(location)]
        with (tmp_path / "daemon.log").open("wb") as log:
            process = subprocess.Popen(
                command, env=os.environ | told, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
            try:
                yield site, environment, process
            finally:
                os.killpg(process.pid, signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(30)
                with suppress(ProcessLookupError):  # its code server and the runs it started are of its group
                    os.killpg(process.pid, signal.SIGKILL)


def wait_for(what: str, happened: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    """Return as soon as it has happened; fail when it does not, or when the daemon ends."""
    end = time.monotonic() + PATIENCE
    while not happened():
        assert process.poll() is None, "the daemon ended"
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.5)


def test_publications_go_through_by_themselves_and_a_broken_one_stops_only_itself(
    daemon: tuple[Publisher, Environment, "subprocess.Popen[bytes]"], shelf: Correctable, chat: Chat
) -> None:
    site, environment, process = daemon
    resources = build_resources(environment)
    lake, artefacts = resources["lake"], resources["artefacts"]

    def is_forecast(day: date) -> bool:
        return lake.exists(forecasts.LAYER.path(str(day)))

    # Wednesday's workbook appears: ingested and forecast; no model is due in mid-week
    site.advance(WEDNESDAY)
    wait_for("forecasts of Wednesday", lambda: is_forecast(WEDNESDAY), process)
    assert candidates.LAYER.partitions(lake) == [str(MONDAY)]
    assert forecasts.read_forecasts(lake, str(WEDNESDAY)).origin.dt.date.unique().tolist() == [WEDNESDAY]
    champion = champion_manifest.read_manifest(artefacts)

    # Friday's workbook is broken: its run fails, the chat hears of it, and nothing else moves
    broken = with_a_price_changed(shelf.read(FRIDAY)[0])  # type: ignore[index]
    shelf.replaced[FRIDAY] = broken
    site.advance(FRIDAY)
    wait_for("an alert", lambda: any("A run failed" in text for text in chat.texts), process)
    (alert,) = [text for text in chat.texts if "A run failed" in text]
    assert alert.startswith("milk OPEN: A run failed\ningest 2025-03-28\n")
    assert "block of 2025-03-28: " in alert
    assert "averages" in alert
    # the calendar of today has long expected more than a publisher of 2025 shows; that is told, once, and nothing else is
    assert {text.split("\n")[0] for text in chat.texts if "OPEN" in text} <= {
        "milk OPEN: A run failed",
        "milk OPEN: An expected publication is missing",
    }
    assert prices.validated_sha256(lake, str(FRIDAY)) is None
    assert not is_forecast(FRIDAY)
    assert champion_manifest.read_manifest(artefacts).bundle == champion.bundle  # its data may follow Wednesday only now

    # the source corrects itself: the same date goes through, and the week's model is trained on it
    del shelf.replaced[FRIDAY]
    wait_for("forecasts of Friday", lambda: is_forecast(FRIDAY), process)
    wait_for("its end", lambda: any("RESOLVED: A run failed" in text for text in chat.texts), process)
    assert len([text for text in chat.texts if "A run failed" in text]) == 2
    wait_for("the week's model and its judgement", lambda: lake.exists(evaluations.LAYER.path(str(FRIDAY))), process)
    decided = evaluations.read_evaluation(lake, str(FRIDAY))
    # two publications, two records: Monday's forecasts of Wednesday and Friday, Wednesday's of Friday, each scored once
    scored = track_record.read_track_record(lake)
    assert set(zip(scored.origin.dt.date, scored.target.dt.date, strict=True)) == {
        (MONDAY, WEDNESDAY),
        (MONDAY, FRIDAY),
        (WEDNESDAY, FRIDAY),
    }
    assert set(scored.role) == {"champion", "challenger"}
    floors = [entry for entry in champion_manifest.ledger(artefacts).entries() if entry.kind == "floor"]
    assert [entry.body.publication for entry in floors][-2:] == [str(WEDNESDAY), str(FRIDAY)]
    assert {entry.body.decision.verdict for entry in floors} == {"stand"}

    # somebody moves the alias in MLflow: it is put back by the next look
    resources["tracking"].set_alias("champion", decided.challenger.version)
    registry = resources["tracking"]
    wait_for("the alias to be put back", lambda: registry.alias_version_without_mlflow("champion") == champion.version, process)
    assert len([text for text in chat.texts if "A run failed" in text]) == 2
    assert "caught an error" not in (environment.home.parent / "daemon.log").read_text()
    assert len([path for path in lake.files("raw") if path.endswith(".xlsx")]) == 4  # the broken one is kept too
