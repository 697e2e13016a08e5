"""The one thing that runs by the clock: the daily report."""

import dagster as dg

from milk_assets.defs.automation.jobs import report
from milk_assets.settings import TIMEZONE

REPORT_HOUR = 7  # before the first price lists of the day are written


@dg.schedule(
    job=report,
    cron_schedule=f"0 {REPORT_HOUR} * * *",
    execution_timezone=TIMEZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="The day's price report, every day at 07:00 in Mexico City.",
)
def daily_report_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Today's report; its run key is the day, so a day has one."""
    day = context.scheduled_execution_time.strftime("%Y-%m-%d")
    return dg.RunRequest(run_key=day, partition_key=day)
