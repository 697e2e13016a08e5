"""The main job, end to end in this process: from a published workbook to a champion, forecasts and a report."""

from datetime import date
from pathlib import Path

import pytest

from milk_assets.__main__ import main as milk
from milk_assets.commands.common import graph_run as run
from milk_assets.defs.build import build_definitions, build_resources
from milk_assets.settings import Environment, SettingError
from milk_assets.sniim.samples.publisher import GeneratedWorkbooks, Publisher, TruncatedWorkbooks, WorkbookCollection
from milk_assets.stores import champion_manifest
from milk_assets.stores.layers import candidates, evaluations, forecasts, monitoring, prices, reports, shadow_forecasts

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("graph")]

PUBLICATION = date(2025, 3, 31)
FEW = {"trials": 2, "seconds": 300.0}


class FinishedRun:
    """The stores after a run of the whole graph."""

    def __init__(self, environment: Environment) -> None:
        resources = build_resources(environment)
        self.environment, self.lake, self.artefacts = environment, resources["lake"], resources["artefacts"]
        self.tracking = resources["tracking"]


def run_graph_once(shelf: WorkbookCollection, home: Path) -> FinishedRun:
    with Publisher(shelf, PUBLICATION) as site:
        environment = Environment.from_env({"MILK_HOME": str(home), "MILK_SOURCE_URL": site.url})
        with run.open_instance(environment) as on:
            assert run.bootstrap(environment, on, PUBLICATION) == PUBLICATION
            stages = list(run.run_graph(environment, on, PUBLICATION, PUBLICATION, FEW))
    assert [stage.name for stage in stages] == ["ingest", "train", "promote", "forecast", "report"]
    return FinishedRun(environment)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    return run_graph_once(GeneratedWorkbooks(), tmp_path_factory.mktemp("sample"))


def test_every_active_series_has_every_forecast_with_ordered_intervals(sample: FinishedRun) -> None:
    table = forecasts.read_forecasts(sample.lake, "2025-03-31")
    known = prices.read_prices(sample.lake, "2025-03-31")
    cities = table[table.level == "city"]
    assert set(cities.series) == set(known.dropna(subset="price").series)
    assert cities.groupby("series").size().unique().tolist() == [14 + 7]
    assert table[["forecast", "lo80", "hi80", "lo95", "hi95"]].notna().all().all()
    assert (table.lo95 <= table.lo80).all()
    assert (table.lo80 <= table.forecast).all()
    assert (table.forecast <= table.hi80).all()
    assert (table.hi80 <= table.hi95).all()
    assert (table.target[table.task == "publication"] > "2025-03-31").all()


def test_no_change_is_served_first_and_ledger_aliases_and_manifest_agree(sample: FinishedRun) -> None:
    evaluation = evaluations.read_evaluation(sample.lake, "2025-03-31")
    standing = champion_manifest.read_manifest(sample.artefacts)
    assert standing is not None
    assert standing.bundle == evaluation.baseline.bundle
    champion = sample.tracking.version_of_alias("champion")
    assert (champion.number, champion.bundle) == (standing.version, standing.bundle)
    assert sample.tracking.alias_version_without_mlflow("champion") == champion.number
    assert sample.tracking.alias_version_without_mlflow("previous_champion") is None
    assert sample.tracking.version_of_alias("baseline").number == evaluation.baseline.version
    assert sample.tracking.version_of_alias("challenger").number == evaluation.challenger.version
    entries = champion_manifest.ledger(sample.artefacts).entries()
    assert [entry.kind for entry in entries[:3]] == ["decision", "intent", "applied"]


def test_the_challenger_has_shadow_forecasts(sample: FinishedRun) -> None:
    (made,) = shadow_forecasts.read_sources_of(
        sample.lake, candidates.read_candidate(sample.lake, "2025-03-31").contender, "2025-03-31"
    )
    table = shadow_forecasts.read_shadow_forecasts(sample.lake, "2025-03-31")
    assert made.version == candidates.read_candidate(sample.lake, "2025-03-31").version
    assert len(table) == len(forecasts.read_forecasts(sample.lake, "2025-03-31"))
    assert table.model_version.unique().tolist() == [str(made.version)]


def test_promote_explain_replay_and_rollback_from_the_terminal(
    sample: FinishedRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MILK_HOME", str(sample.environment.home))
    challenger = evaluations.read_evaluation(sample.lake, "2025-03-31").challenger
    assert milk(["model", "promote", "--version", str(challenger.version), "--reason", "drill"]) == 0
    assert champion_manifest.read_manifest(sample.artefacts).bundle == challenger.bundle  # type: ignore[union-attr]
    assert sample.tracking.alias_version_without_mlflow("champion") == challenger.version
    assert milk(["model", "promote", "--version", "99", "--reason", "drill"]) == 1
    assert "version 99 is not registered" in capsys.readouterr().err
    assert milk(["model", "rollback", "--reason", "drill is over"]) == 0
    assert champion_manifest.read_manifest(sample.artefacts).is_baseline  # type: ignore[union-attr]
    assert milk(["model", "explain", "1"]) == 0
    assert "challenger beats champion" in capsys.readouterr().out
    assert milk(["model", "replay"]) == 0
    assert capsys.readouterr().out.endswith(" 0 differ\n")


@pytest.mark.parametrize(
    ("job", "op", "mode"), [("freeze", "stop_promotions", "frozen"), ("unfreeze", "allow_promotions", "auto")]
)
def test_freeze_and_unfreeze_from_the_ui(sample: FinishedRun, job: str, op: str, mode: str) -> None:
    config = {"ops": {op: {"config": {"reason": "drill", "actor": "test"}}}}
    with run.open_instance(sample.environment) as on:
        assert build_definitions(sample.environment).resolve_job_def(job).execute_in_process(config, instance=on).success
    newest = champion_manifest.ledger(sample.artefacts).entries()[-1]
    assert (newest.body.mode, newest.actor, newest.body.reason) == (mode, "test", "drill")


def test_every_trial_is_a_nested_mlflow_run(sample: FinishedRun) -> None:
    client = sample.tracking.client()
    experiment = client.get_experiment_by_name(sample.tracking.experiment)
    found = client.search_runs([experiment.experiment_id])
    parents = [found_run for found_run in found if "mlflow.parentRunId" not in found_run.data.tags]
    trials = [found_run for found_run in found if "mlflow.parentRunId" in found_run.data.tags]
    (parent,) = parents
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["publication"] == "2025-03-31"
    assert {trial.data.tags["mlflow.parentRunId"] for trial in trials} == {parent.info.run_id}
    assert len(trials) == FEW["trials"]
    assert all("loss" in trial.data.metrics for trial in trials)
    assert {f"challenger.ratio.publication{lead}" for lead in (1, 3, 6, 13)} <= set(parent.data.metrics)


def test_every_format_of_the_report_is_marked_as_sample_data(sample: FinishedRun) -> None:
    for day in ("2025-03-31", reports.LATEST):
        for file in ("report.html", "report.json", "digest.txt", "report.csv"):
            assert "muestra" in sample.lake.read_bytes(reports.LAYER.path(day, file)).decode().lower(), (day, file)
    from io import BytesIO

    from openpyxl import load_workbook

    book = load_workbook(BytesIO(sample.lake.read_bytes(reports.LAYER.path("latest", "report.xlsx"))), read_only=True)
    first = next(iter(book.worksheets))
    assert any("muestra" in str(cell).lower() for row in first.iter_rows(values_only=True) for cell in row if cell)


def test_the_drift_report_has_signals_but_not_price_levels(sample: FinishedRun) -> None:
    drift = sample.lake.read_json(monitoring.DRIFT.path("2025-03-31"))
    assert drift["publication"] == "2025-03-31"
    assert len(drift["signals"]) == 12
    assert not [signal for signal in drift["signals"] if "level" in signal["signal"]]
    assert sample.lake.exists(monitoring.DRIFT.path("2025-03-31", "drift.html"))


def test_reading_the_same_publication_again_writes_nothing_new(sample: FinishedRun) -> None:
    files_before = sample.lake.files("raw"), sample.lake.files("prices"), prices.read_vintage(sample.lake, "2025-03-31")
    with Publisher(GeneratedWorkbooks(), PUBLICATION) as site, run.open_instance(sample.environment) as on:
        again = Environment.from_env({"MILK_HOME": str(sample.environment.home), "MILK_SOURCE_URL": site.url})
        assert next(run.run_graph(again, on, PUBLICATION, PUBLICATION)).name == "ingest"
    assert (sample.lake.files("raw"), sample.lake.files("prices"), prices.read_vintage(sample.lake, "2025-03-31")) == files_before


def test_an_unpublished_date_stops_the_graph_and_writes_nothing(tmp_path: Path) -> None:
    with Publisher(GeneratedWorkbooks(), date(2025, 3, 28)) as site:
        environment = Environment.from_env({"MILK_HOME": str(tmp_path / "home"), "MILK_SOURCE_URL": site.url})
        with run.open_instance(environment) as on:
            with pytest.raises(SettingError, match="has no workbook for 2025-03-31"):
                run.bootstrap(environment, on, PUBLICATION, PUBLICATION)
            on.add_dynamic_partitions("publications", ["2025-03-31"])
            with pytest.raises(run.GraphError, match="ingest of 2025-03-31 failed\nworkbook: "):
                list(run.run_graph(environment, on, PUBLICATION, PUBLICATION, FEW))
    assert build_resources(environment)["lake"].files("") == []


def test_the_real_workbook_goes_through_the_whole_graph(real_workbook: Path, tmp_path: Path) -> None:
    ran = run_graph_once(TruncatedWorkbooks(real_workbook), tmp_path)
    vintage = prices.read_vintage(ran.lake, "2025-03-31")
    assert (vintage.publications, vintage.sample, vintage.coverage) == (184, False, 1.0)
    table = forecasts.read_forecasts(ran.lake, "2025-03-31")
    assert table[table.level == "city"].series.nunique() == 185
    assert "datos de muestra" not in ran.lake.read_bytes(reports.LAYER.path("latest", "digest.txt")).decode().lower()
