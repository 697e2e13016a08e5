"""The daemon: publications appear, one of them broken, and the sensors run everything up to the forecasts."""

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

from milk_assets.commands.common import graph_run
from milk_assets.defs.build import build_resources
from milk_assets.settings import Environment
from milk_assets.sniim.samples.publisher import GeneratedWorkbooks, Publisher, TruncatedWorkbooks, WorkbookCollection
from milk_assets.stores import champion_manifest
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers import candidates, evaluations, forecasts, prices, track_record
from milk_assets_tests.support.chat_server import Chat

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("daemon")]

MONDAY, WEDNESDAY, FRIDAY = date(2025, 3, 24), date(2025, 3, 26), date(2025, 3, 28)
WAIT_SECONDS = 240.0  # for a chain of runs, each in its own process; no test asserts how long it takes

# The code location with another chat address, and with more frequent looks than a public site would accept.
LOCATION = """
from milk_assets.defs.automation import decisions
decisions.POLL_SECONDS = 2
from milk_assets.defs.build import build_definitions
from milk_assets.settings import Environment
from milk_assets.defs.resources.telegram import Telegram
defs = build_definitions(Environment.from_env(), telegram=Telegram(base_url={chat!r}))
"""


@dataclass
class CorrectableWorkbooks(WorkbookCollection):
    """A shelf whose workbooks can be replaced, as when the source corrects itself."""

    shelf: TruncatedWorkbooks | GeneratedWorkbooks
    replaced: dict[date, bytes] = field(default_factory=dict)

    def next_after(self, day: date) -> date | None:
        return self.shelf.next_after(day)

    def read(self, day: date) -> tuple[bytes, datetime] | None:
        found = self.shelf.read(day)
        return found and (self.replaced.get(day, found[0]), found[1])


def with_a_price_changed(content: bytes) -> bytes:
    """The workbook with one price of its newest block raised by 5 pesos, so that the stated average no longer matches its cities."""
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
def shelf(request: pytest.FixtureRequest) -> CorrectableWorkbooks:
    """The real workbook truncated at its dates; sample data where it is not available."""
    try:
        return CorrectableWorkbooks(TruncatedWorkbooks(request.getfixturevalue("real_workbook")))
    except pytest.skip.Exception:
        return CorrectableWorkbooks(GeneratedWorkbooks())


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    with Chat() as fake:
        yield fake


@pytest.fixture
def daemon(
    tmp_path: Path, chat: Chat, shelf: CorrectableWorkbooks
) -> Iterator[tuple[Publisher, Environment, subprocess.Popen[bytes]]]:
    """A publisher with Monday's workbook, the whole graph run once, then Dagster's daemon."""
    with Publisher(shelf, MONDAY) as site:
        settings = {"MILK_HOME": str(tmp_path / "home"), "MILK_SOURCE_URL": site.url}
        environment = Environment.from_env(settings)
        with graph_run.open_instance(environment) as on:
            graph_run.bootstrap(environment, on, MONDAY)
            list(graph_run.run_graph(environment, on, MONDAY, MONDAY, {"trials": 2, "seconds": 300.0}))
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
                with suppress(ProcessLookupError):  # its code server and runs are in its process group
                    os.killpg(process.pid, signal.SIGKILL)


def wait_for(what: str, happened: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    """Wait until a condition holds; fail when it does not in time, or when the daemon ends."""
    end = time.monotonic() + WAIT_SECONDS
    while not happened():
        assert process.poll() is None, "the daemon ended"
        assert time.monotonic() < end, f"did not happen within {WAIT_SECONDS:.0f} s: {what}"
        time.sleep(0.5)


def assert_each_publication_is_scored_and_judged_once(lake: Lake, artefacts: Lake) -> None:
    """Monday's forecasts of Wednesday and Friday, and Wednesday's of Friday, are scored once; the floor judged both days."""
    scored = track_record.read_track_record(lake)
    assert scored is not None
    pairs = set(zip(scored.origin.dt.date, scored.target.dt.date, strict=True))
    assert pairs == {(MONDAY, WEDNESDAY), (MONDAY, FRIDAY), (WEDNESDAY, FRIDAY)}
    assert set(scored.role) == {"champion", "challenger"}
    floors = [entry for entry in champion_manifest.ledger(artefacts).entries() if entry.kind == "floor"]
    assert [entry.body.publication for entry in floors][-2:] == [str(WEDNESDAY), str(FRIDAY)]
    assert {entry.body.decision.verdict for entry in floors} == {"stand"}


def test_publications_are_processed_automatically_and_a_broken_one_stops_only_itself(
    daemon: tuple[Publisher, Environment, "subprocess.Popen[bytes]"], shelf: CorrectableWorkbooks, chat: Chat
) -> None:
    site, environment, process = daemon
    resources = build_resources(environment)
    lake, artefacts = resources["lake"], resources["artefacts"]

    def is_forecast(day: date) -> bool:
        return lake.exists(forecasts.LAYER.path(str(day)))

    # Wednesday's workbook appears: it is ingested and forecast; no training is due in mid-week
    site.advance(WEDNESDAY)
    wait_for("forecasts of Wednesday", lambda: is_forecast(WEDNESDAY), process)
    assert candidates.LAYER.partitions(lake) == [str(MONDAY)]
    assert forecasts.read_forecasts(lake, str(WEDNESDAY)).origin.dt.date.unique().tolist() == [WEDNESDAY]
    champion = champion_manifest.read_manifest(artefacts)

    # Friday's workbook is broken: its run fails, the chat is notified, and nothing else changes
    broken = with_a_price_changed(shelf.read(FRIDAY)[0])  # type: ignore[index]
    shelf.replaced[FRIDAY] = broken
    site.advance(FRIDAY)
    wait_for("an alert", lambda: any("A run failed" in text for text in chat.texts), process)
    (alert,) = [text for text in chat.texts if "A run failed" in text]
    assert alert.startswith("milk OPEN: A run failed\ningest 2025-03-28\n")
    assert "block of 2025-03-28: " in alert
    assert "averages" in alert
    # today's calendar expects more publications than a publisher of 2025 has: one message about it, and no other
    assert {text.split("\n")[0] for text in chat.texts if "OPEN" in text} <= {
        "milk OPEN: A run failed",
        "milk OPEN: An expected publication is missing",
    }
    assert prices.validated_sha256(lake, str(FRIDAY)) is None
    assert not is_forecast(FRIDAY)
    assert champion_manifest.read_manifest(artefacts).bundle == champion.bundle  # its data may be updated to Wednesday only now

    # the source corrects the file: the same date is ingested, and the weekly model is trained on it
    del shelf.replaced[FRIDAY]
    wait_for("forecasts of Friday", lambda: is_forecast(FRIDAY), process)
    wait_for("its end", lambda: any("RESOLVED: A run failed" in text for text in chat.texts), process)
    assert len([text for text in chat.texts if "A run failed" in text]) == 2
    wait_for("the weekly model and its evaluation", lambda: lake.exists(evaluations.LAYER.path(str(FRIDAY))), process)
    evaluation = evaluations.read_evaluation(lake, str(FRIDAY))
    assert_each_publication_is_scored_and_judged_once(lake, artefacts)

    # someone moves the alias in MLflow: the next look restores it
    resources["tracking"].set_alias("champion", evaluation.challenger.version)
    wait_for(
        "the alias is restored",
        lambda: resources["tracking"].alias_version_without_mlflow("champion") == champion.version,
        process,
    )
    assert len([text for text in chat.texts if "A run failed" in text]) == 2
    assert "caught an error" not in (environment.home.parent / "daemon.log").read_text()
    assert len([path for path in lake.files("raw") if path.endswith(".xlsx")]) == 4  # the broken one is stored too
