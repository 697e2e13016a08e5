"""Wiring: the one place where assets, jobs, sensors, schedules and resources meet.

Belongs here: `build_definitions`, called by the code location, the command line and the tests alike. Nobody else imports it.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from milk_assets import alerting, endpoint_check, jobs, operations, schedules, sensors
from milk_assets.assets import (
    baseline,
    candidate,
    champion,
    dashboard,
    drift_report,
    evaluation,
    features,
    feed_report,
    floor,
    forecasts,
    live_accuracy,
    price_report,
    prices,
    shadow_forecasts,
    track_record,
    workbook,
)
from milk_assets.environment import Environment
from milk_assets.resources.lake import Lake
from milk_assets.resources.no_io import NoIO
from milk_assets.resources.sniim import SniimSource
from milk_assets.resources.telegram import Telegram
from milk_assets.resources.tracking import Tracking
from milk_assets.resources.webhook import Webhook

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
        jobs=[*jobs.ALL, *operations.ALL, *endpoint_check.JOBS],
        sensors=[
            sensors.publication_sensor(environment.look_every_seconds, environment.look_ahead_days),
            *sensors.ALL,
            *alerting.ALL,
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
