"""The daily report: which day a tick writes, and under which run key."""

from datetime import datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from milk_assets.defs.assets.outputs import price_report
from milk_assets.defs.automation import jobs, schedules
from milk_assets.stores.lake import Lake


@pytest.mark.parametrize("day", ["2025-03-31", "2025-04-01", "2024-12-31"])
def test_a_tick_of_the_report_schedule_requests_the_report_of_its_own_day(day: str) -> None:
    lake = Lake(root="/nowhere")
    definitions = dg.Definitions(
        assets=dg.load_assets_from_modules([price_report]),
        jobs=[jobs.report],
        schedules=[schedules.daily_report_schedule],
        resources={"lake": lake, "artefacts": lake},
    )
    schedule = definitions.resolve_schedule_def("daily_report_schedule")
    at = datetime.fromisoformat(day).replace(hour=7, tzinfo=ZoneInfo("America/Mexico_City"))
    tick = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=at))
    assert [(request.run_key, request.partition_key) for request in tick.run_requests or []] == [(day, day)]
