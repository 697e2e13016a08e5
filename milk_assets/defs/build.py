"""Wiring: the one place where assets, jobs, sensors, schedules and resources meet.

Belongs here: `build_definitions`, called by the code location, the command line and the tests alike. Nobody else imports it.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from milk_assets.defs.assets.data import features, prices, workbook
from milk_assets.defs.assets.models import baseline, candidate, champion, evaluation, floor, track_record
from milk_assets.defs.assets.monitoring import dashboard, drift_report, feed_report, live_accuracy
from milk_assets.defs.assets.outputs import forecasts, price_report, shadow_forecasts
from milk_assets.defs.automation import alert_sensors, endpoint_check, jobs, manual_jobs, model_sensors, schedules
from milk_assets.defs.resources.no_io_manager import NoIO
from milk_assets.defs.resources.sniim_site import SniimSource
from milk_assets.defs.resources.telegram import Telegram
from milk_assets.defs.resources.webhook import Webhook
from milk_assets.settings import Environment
from milk_assets.stores.lake import Lake
from milk_assets.stores.model_registry import Tracking

STAGES = (
    *(workbook, prices, features, baseline, candidate, evaluation, champion),
    *(forecasts, shadow_forecasts, track_record, floor, drift_report, price_report),
    *(feed_report, live_accuracy, dashboard),
)


def build_definitions(
    environment: Environment, *, loggers: Mapping[str, dg.LoggerDefinition] | None = None, **resource_overrides: Any
) -> dg.Definitions:
    """Fresh definitions for an environment. loggers: instead of Dagster's own. resource_overrides: name → replacement, for tests."""
    return dg.Definitions(
        assets=dg.load_assets_from_modules(STAGES),
        jobs=[*jobs.ALL, *manual_jobs.ALL, *endpoint_check.JOBS],
        sensors=[
            model_sensors.publication_sensor(environment.look_every_seconds, environment.look_ahead_days),
            *model_sensors.ALL,
            *alert_sensors.ALERT_SENSORS,
        ],
        schedules=[schedules.daily_report_schedule, *endpoint_check.SCHEDULES],
        resources=build_resources(environment) | resource_overrides,
        loggers=loggers,
        executor=dg.in_process_executor,  # a process for each step would import everything each time
    )


def build_resources(environment: Environment) -> dict[str, Any]:
    """The outside world of an environment. Nothing is opened, and no secret is needed, before it is used."""

    def lake(root: str) -> Lake:
        return Lake(root=root, region=environment.region, endpoint=environment.s3_endpoint)

    return {
        "sniim": SniimSource(base_url=environment.source_url),
        "lake": lake(environment.lake),
        "artefacts": lake(environment.artefacts),
        "tracking": Tracking(
            tracking_uri=environment.tracking_uri,
            artefact_root=environment.mlflow_artefacts,
            s3_endpoint=environment.s3_endpoint,
        ),
        "telegram": Telegram(),
        "webhook": Webhook(),
        "io_manager": NoIO(),
    }
