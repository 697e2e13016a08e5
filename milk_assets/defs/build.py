"""Build: assets, jobs, sensors, schedules and resources → `dg.Definitions`.

Belongs here: `build_definitions`, which the code location, the commands and the tests call, and `build_resources`.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from milk_assets.defs.assets.data import features, prices, workbook
from milk_assets.defs.assets.models import baseline, candidate, champion, evaluation, floor, track_record
from milk_assets.defs.assets.monitoring import dashboard, drift_report, feed_report, live_accuracy
from milk_assets.defs.assets.outputs import forecasts, price_report, shadow_forecasts
from milk_assets.defs.automation import alert_sensors, endpoint_check, jobs, manual_jobs, schedules
from milk_assets.defs.automation.model_sensors import MODEL_SENSORS
from milk_assets.defs.automation.publication_sensor import publication_sensor
from milk_assets.defs.resources.no_io_manager import NoIO
from milk_assets.defs.resources.sniim_site import SniimSource
from milk_assets.defs.resources.telegram import Telegram
from milk_assets.defs.resources.webhook import Webhook
from milk_assets.settings import Environment
from milk_assets.stores.lake import Lake
from milk_assets.stores.model_registry import ModelRegistry

# fmt: off
ASSET_MODULES = [
    workbook, prices, features,
    baseline, candidate, evaluation, track_record, floor, champion,
    forecasts, shadow_forecasts, price_report,
    feed_report, live_accuracy, drift_report, dashboard,
]
# fmt: on


def build_definitions(
    environment: Environment, *, loggers: Mapping[str, dg.LoggerDefinition] | None = None, **resource_overrides: Any
) -> dg.Definitions:
    """New definitions for an environment.

    Args:
        environment: Where everything is.
        loggers: Loggers to use instead of Dagster's own.
        **resource_overrides: Resource name → replacement, for tests.
    """
    return dg.Definitions(
        assets=dg.load_assets_from_modules(ASSET_MODULES),
        jobs=[*jobs.ASSET_JOBS, *manual_jobs.MANUAL_JOBS, *endpoint_check.JOBS],
        sensors=[
            publication_sensor(environment.look_every_seconds, environment.look_ahead_days),
            *MODEL_SENSORS,
            *alert_sensors.ALERT_SENSORS,
        ],
        schedules=[schedules.daily_report_schedule, *endpoint_check.SCHEDULES],
        resources=build_resources(environment) | resource_overrides,
        loggers=loggers,
        executor=dg.in_process_executor,  # one process per step would import everything each time
    )


def build_resources(environment: Environment) -> dict[str, Any]:
    """Clients of the outside world for an environment. Nothing is opened, and no secret is needed, before it is used."""

    def lake(root: str) -> Lake:
        return Lake(root=root, region=environment.region, endpoint=environment.s3_endpoint)

    return {
        "sniim": SniimSource(base_url=environment.source_url),
        "lake": lake(environment.lake),
        "artefacts": lake(environment.artefacts),
        "tracking": ModelRegistry(
            tracking_uri=environment.tracking_uri,
            artefact_root=environment.mlflow_artefacts,
            s3_endpoint=environment.s3_endpoint,
        ),
        "telegram": Telegram(),
        "webhook": Webhook(),
        "io_manager": NoIO(),
    }
