"""Endpoint check: a scheduled request to the endpoint's health route.

Belongs here: the job and its schedule. Not here: the request and what counts as healthy (`lambda_service.health_check`), which the
CloudWatch canary uses too.
"""

import dagster as dg

from milk_assets.defs.resources.telegram import Telegram
from milk_assets.defs.resources.webhook import Webhook
from milk_assets.settings import TIMEZONE, Settings
from milk_assets.stores.alert_state import record_observations
from milk_assets.stores.lake import Lake

ENDPOINT_URL_VARIABLE = "MILK_API_URL"


def endpoint_url() -> str:
    """Base address of the endpoint; empty where none is configured."""
    return Settings.read().api_url or ""


@dg.op
def request_health(context: dg.OpExecutionContext, lake: Lake, telegram: Telegram, webhook: Webhook) -> None:
    """Request the health route, and record the answer. An unhealthy endpoint does not fail the run; it opens an incident."""
    from lambda_service.health_check import HealthError, check
    from milk_assets.monitoring.alerts.observations import health_observation

    url, problem = "", None
    try:
        answer = check(endpoint_url())
        url = answer["url"]
        context.log.info("%s answered in %.3f s", url, answer["seconds"])
        context.add_output_metadata({"seconds": answer["seconds"], "answer": dg.MetadataValue.json(answer["answer"])})
    except (HealthError, ValueError) as error:
        problem = str(error)
        context.log.warning("%s", problem)
    record_observations(lake, [health_observation(context.run_id, problem, url)], (telegram, webhook))


@dg.job(description="Request the endpoint's health route. Two unhealthy answers in a row open an incident.")
def check_endpoint() -> None:
    request_health()


@dg.schedule(
    job=check_endpoint,
    cron_schedule="*/15 * * * *",
    execution_timezone=TIMEZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Checks the endpoint every quarter of an hour, where MILK_API_URL is set.",
)
def endpoint_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One run every quarter of an hour."""
    if not endpoint_url():
        return dg.SkipReason(f"{ENDPOINT_URL_VARIABLE} is not set: there is no endpoint to check")
    return dg.RunRequest(run_key=context.scheduled_execution_time.isoformat())


JOBS = (check_endpoint,)
SCHEDULES = (endpoint_schedule,)
