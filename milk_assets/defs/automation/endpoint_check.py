"""The endpoint, asked how it is every quarter of an hour.

Belongs here: the schedule and its job. The question itself is `lambda_service.health_check`'s, which the cloud's canary asks too.
"""

import os

import dagster as dg

from milk_assets.defs.automation import alert_sensors
from milk_assets.defs.resources.telegram import Telegram
from milk_assets.defs.resources.webhook import Webhook
from milk_assets.settings import TIMEZONE
from milk_assets.stores.lake import Lake

URL = "MILK_API_URL"  # the endpoint's base address; without it nothing is asked


@dg.op
def ask_endpoint(context: dg.OpExecutionContext, lake: Lake, telegram: Telegram, webhook: Webhook) -> None:
    """Ask the endpoint how it is, and store the answer as a fact. A sick endpoint fails no run: the incident tells of it."""
    from lambda_service.health_check import HealthError, check
    from milk_assets.monitoring.alerts.alert_facts import health_fact

    shown, fault = "", None
    try:
        found = check(os.environ.get(URL, ""))
        shown = found["url"]
        context.log.info("%s answered in %.3f s", found["url"], found["seconds"])
        context.add_output_metadata({"seconds": found["seconds"], "answer": dg.MetadataValue.json(found["answer"])})
    except (HealthError, ValueError) as error:
        fault = str(error)
        context.log.warning("%s", fault)
    alert_sensors.observe(lake, [health_fact(context.run_id, fault, shown)], (telegram, webhook))


@dg.job(description="Ask the endpoint how it is; two bad answers in a row open an incident.")
def check_endpoint() -> None:
    ask_endpoint()


@dg.schedule(
    job=check_endpoint,
    cron_schedule="*/15 * * * *",
    execution_timezone=TIMEZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Asks the endpoint how it is, every quarter of an hour, where MILK_API_URL names one.",
)
def endpoint_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """A run a quarter of an hour."""
    if not os.environ.get(URL):
        return dg.SkipReason(f"{URL} names no endpoint")
    return dg.RunRequest(run_key=context.scheduled_execution_time.isoformat())


JOBS = (check_endpoint,)
SCHEDULES = (endpoint_schedule,)
