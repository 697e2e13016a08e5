"""The code location: it loads in every environment, without heavy imports, and holds everything that production needs."""

import subprocess
import sys

import dagster as dg
import pytest

from milk_assets.defs.build import build_definitions
from milk_assets.settings import Environment
from milk_assets.sniim.check_catalogue import PRICE_CHECKS
from milk_assets.stores.lake import Lake

HEAVY = (
    "mlflow",
    "evidently",
    "hyperopt",
    "xgboost",
    "pandas",
    "matplotlib",
    "dagster_mlflow",
    "pandera",
    "openpyxl",
    "scipy",
    "statsmodels",
    "boto3",
)

# asset → (group, upstream assets): a second statement of the graph, so that no asset can disappear unnoticed
GRAPH = {
    "workbook": ("source", set()),
    "prices": ("prices", {"workbook"}),
    "features": ("features", {"prices"}),
    "baseline": ("models", {"features"}),
    "candidate": ("models", {"features"}),
    "evaluation": ("models", {"candidate", "baseline"}),
    "champion": ("models", {"evaluation", "floor"}),
    "forecasts": ("forecasts", {"features", "champion"}),
    "shadow_forecasts": ("forecasts", {"features", "candidate"}),
    "track_record": ("monitoring", {"prices"}),
    "floor": ("monitoring", {"track_record", "features"}),
    "drift_report": ("monitoring", {"prices"}),
    "feed_report": ("monitoring", {"prices"}),
    "live_accuracy": ("monitoring", {"track_record"}),
    "dashboard": ("monitoring", {"drift_report", "feed_report", "live_accuracy"}),
    "price_report": ("report", {"forecasts"}),
}


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return build_definitions(Environment.from_env({}))


@pytest.mark.parametrize("name", ["local", "staging", "prod"])
def test_definitions_load_in_every_environment_without_a_secret(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "MILK_TELEGRAM_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    dg.Definitions.validate_loadable(build_definitions(Environment.from_env({"MILK_ENV": name})))


def test_loading_imports_nothing_heavy() -> None:
    code = "import sys, milk_assets.definitions; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    loaded = set(ran.stdout.split())
    assert "milk_assets.definitions" in loaded
    assert loaded.isdisjoint(HEAVY), sorted(loaded.intersection(HEAVY))


def test_the_graph_has_exactly_these_assets_and_dependencies(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    found = {
        node.key.to_user_string(): (node.group_name, {parent.to_user_string() for parent in node.parent_keys})
        for node in graph.asset_nodes
    }
    assert found == GRAPH


def test_every_asset_has_a_description_an_owner_and_kinds(defs: dg.Definitions) -> None:
    for spec in defs.resolve_all_asset_specs():
        assert spec.description, spec.key
        assert list(spec.owners) == ["team:milk"], spec.key
        assert spec.kinds, spec.key


def test_sensors_and_schedules_run_by_default(defs: dg.Definitions) -> None:
    repository = defs.get_repository_def()
    running = {sensor.name for sensor in repository.sensor_defs if sensor.default_status == dg.DefaultSensorStatus.RUNNING}
    assert running == {
        "publication_sensor",
        "retrain_sensor",
        "promotion_sensor",
        "forecast_sensor",
        "failure_alert",
        "check_alert",
        "alert_sensor",
    }
    schedules = {schedule.name: schedule for schedule in repository.schedule_defs}
    assert {name: schedule.cron_schedule for name, schedule in schedules.items()} == {
        "daily_report_schedule": "0 7 * * *",
        "endpoint_schedule": "*/15 * * * *",
    }
    assert {schedule.execution_timezone for schedule in schedules.values()} == {"America/Mexico_City"}
    assert {schedule.default_status for schedule in schedules.values()} == {dg.DefaultScheduleStatus.RUNNING}


def test_the_checks_of_prices_are_those_of_the_validation(sample_workbook: bytes) -> None:
    from milk_assets.sniim.validation import validate
    from milk_assets.sniim.workbook import read_workbook

    validation = validate(read_workbook(sample_workbook))
    assert {result.name: result.blocking for result in validation.results} == {
        check.name: check.blocking for check in PRICE_CHECKS
    }


def test_a_value_is_never_pickled() -> None:
    @dg.asset(io_manager_key="io_manager")
    def returns_a_value() -> int:
        return 1

    resources = build_definitions(Environment.from_env({})).resources
    assert resources is not None
    result = dg.materialize([returns_a_value], resources={"io_manager": resources["io_manager"]}, raise_on_error=False)
    assert not result.success


def test_a_resource_can_be_replaced() -> None:
    other = Lake(root="/nowhere")
    resources = build_definitions(Environment.from_env({}), lake=other).resources
    assert resources is not None
    assert resources["lake"] is other
