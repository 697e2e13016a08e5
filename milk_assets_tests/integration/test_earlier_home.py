"""A home directory of release 0.1: this release reads all of it and goes on from there.

The archive holds the lake, artefacts and MLflow database after one run of the whole graph on sample data of eight cities (2024-01-03 to
2024-07-12), without reports and MLflow's copies of the bundles, and the next workbook.
"""

import tarfile
from datetime import date
from pathlib import Path

import pytest

from milk_assets.commands.common import graph_run
from milk_assets.defs.build import build_resources
from milk_assets.promotion.ledger.state import ledger_state
from milk_assets.settings import Environment
from milk_assets.sniim.samples.publisher import FolderWorkbooks, Publisher
from milk_assets.stores import champion_manifest, model_bundles
from milk_assets.stores.layers import candidates, evaluations, forecasts, monitoring, prices, shadow_forecasts
from milk_assets.stores.layers.track_record import read_track_record

ARCHIVE = Path(__file__).parent / "fixtures" / "home_0_1.tar.xz"
FRIDAY, MONDAY = date(2024, 7, 12), date(2024, 7, 15)

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("graph")]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder


def test_every_document_of_the_earlier_release_is_read(home: Path) -> None:
    resources = build_resources(Environment.from_env({"MILK_HOME": str(home)}))
    lake, artefacts, day = resources["lake"], resources["artefacts"], FRIDAY.isoformat()
    assert prices.read_vintage(lake, day).sample
    assert prices.read_prices(lake, day).series.nunique() == 32
    candidate = candidates.read_candidate(lake, day)
    assert candidate.version == 2
    assert candidate.hyperparameters["seed"] == 20240103
    assert evaluations.read_evaluation(lake, day).decision["verdict"] == "keep"
    assert forecasts.read_source(lake, day).is_baseline
    assert shadow_forecasts.read_sources_of(lake, candidate.contender, until=day)[0].version == 2
    assert monitoring.read_newest(lake, monitoring.FEED) is not None
    state = ledger_state(champion_manifest.ledger(artefacts).entries())
    assert [entry.kind for entry in state.entries] == ["decision", "intent", "applied"]
    assert state.champion is not None
    assert champion_manifest.read_manifest(artefacts).bundle == state.champion.bundle  # type: ignore[union-attr]


def test_both_models_of_the_earlier_release_load_and_forecast(home: Path) -> None:
    from milk_assets.forecasting.model import Model

    resources = build_resources(Environment.from_env({"MILK_HOME": str(home)}))
    lake, artefacts, day = resources["lake"], resources["artefacts"], FRIDAY.isoformat()
    panel = prices.read_panel(lake, day)
    for bundle, issued in (
        (forecasts.read_source(lake, day).bundle, forecasts.read_forecasts(lake, day)),
        (candidates.read_candidate(lake, day).bundle, shadow_forecasts.read_shadow_forecasts(lake, day)),
    ):
        table = Model.load(model_bundles.read(artefacts, bundle).files).predict(panel)
        assert (table.forecast - issued.forecast).abs().max() < 1e-9


def test_the_whole_graph_goes_on_from_the_earlier_home(home: Path) -> None:
    with Publisher(FolderWorkbooks(home / "workbooks"), MONDAY) as site:
        environment = Environment.from_env({"MILK_HOME": str(home), "MILK_SOURCE_URL": site.url})
        with graph_run.open_instance(environment) as instance:
            graph_run.bootstrap(environment, instance, MONDAY)
            stages = list(graph_run.run_graph(environment, instance, MONDAY, MONDAY, {"trials": 1, "seconds": 20.0}))
    assert [stage.name for stage in stages] == ["ingest", "train", "promote", "forecast", "report"]
    resources = build_resources(environment)
    lake, artefacts = resources["lake"], resources["artefacts"]
    state = ledger_state(champion_manifest.ledger(artefacts).entries())
    assert "decision" in [entry.kind for entry in state.entries[3:]]
    record = read_track_record(lake)
    assert record is not None
    assert set(record.role) == {"champion", "challenger"}  # both forecasts of Friday, issued by release 0.1, met their date
    assert forecasts.read_source(lake, MONDAY.isoformat()).workbook == prices.read_vintage(lake, MONDAY.isoformat()).sha256
